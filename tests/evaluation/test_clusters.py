"""Questions about one paragraph are resampled together: which they are, and that intervals and p-values then hold."""

from __future__ import annotations

import json

import pytest
from evaluation.factories import about, asked, belebele_rows, json_lines
from parallel_text import SHARED
from scipy import stats

from repalign.corpora import ParallelCorpus
from repalign.evaluation.clusters import Clusters
from repalign.evaluation.consistency import consistency
from repalign.evaluation.items import Item, by_language
from repalign.evaluation.judges import find_judge
from repalign.evaluation.run import evaluate
from repalign.evaluation.scores import measure, score_table
from repalign.evaluation.tasks import TASKS, Request, translation_items
from repalign.evaluation.wins import win_rates
from repalign.report.evaluation import render_evaluation
from repalign.report.evaluation_text import evaluation_lines


def alone(paragraphs: int, languages=("en",)) -> dict[str, list[Item]]:
    """One question about each paragraph."""
    return about(paragraphs, languages, size=1)


def answered(items, right) -> dict[str, list[str]]:
    """Right answers about the paragraphs that `right` names, by number."""
    return {
        language: [one.references[0] if int(one.id.split(".")[0]) in right else "no" for one in own]
        for language, own in items.items()
    }


def test_questions_belong_together_if_they_do_in_any_language():
    def item(key, language, document):
        return Item(key, language, "?", "", ("x",), document=document)

    items = {
        "en": [item("1", "en", "a"), item("2", "en", "b"), item("3", "en", "c"), item("5", "en", "")],
        "zh": [item("1", "zh", "甲"), item("2", "zh", "甲"), item("4", "zh", "a"), item("5", "zh", "")],
    }
    found = Clusters.of(items)
    assert found is not None
    assert (found.count, found.unit) == (4, "paragraph")
    assert found.numbers(["1", "3", "2"]).tolist() == [0, 1, 0]
    assert found.numbers(["1", "3", "5"]) is None, "no two of these belong together"
    assert Clusters.of({"en": items["en"]}) is None
    assert Clusters.of({"en": asked("en", ["x"] * 4)}) is None


def squad(contexts: dict[str, int]) -> dict[str, object]:
    """SQuAD's JSON: so many questions about each context."""
    return {
        "data": [
            {
                "paragraphs": [
                    {"context": text, "qas": [
                        {"id": f"{text}{n}", "question": "Who?", "answers": [{"text": "dog", "answer_start": 0}]}
                        for n in range(count)
                    ]}
                    for text, count in contexts.items()
                ]
            }
        ]
    }  # fmt: skip


@pytest.fixture
def paragraphs(tmp_path):
    """A folder of three paragraphs with six questions in two languages."""
    for code in ("en", "zh"):
        (tmp_path / f"xquad.{code}.json").write_text(
            json.dumps(squad({"a": 3, "b": 2, "c": 1})), encoding="utf-8"
        )
    return tmp_path


def test_every_task_knows_which_items_belong_together(paragraphs, tmp_path):
    corpus = ParallelCorpus({"en": list("abcd"), "de": list("efgh")}, documents=[1, 1, 1, 2])
    json_lines(tmp_path / "belebele" / "eng_Latn.jsonl", belebele_rows("eng_Latn"))
    for items, expected in (
        (TASKS["xquad"].read(Request(str(paragraphs))), {"paragraph": 3}),
        (TASKS["belebele"].read(Request(str(tmp_path / "belebele"))), {"paragraph": 3}),
        (translation_items(corpus, Request()), {"document": 2}),
        (TASKS["phrasebook"].read(Request(limit=5)), {"sentence": 5}),
    ):
        found = Clusters.of(by_language(items))
        assert found is not None
        assert {found.unit: found.count} == expected
    unknown = translation_items(corpus.with_clusters("none"), Request())
    assert Clusters.of(by_language(unknown)) is None


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data is not beside the checkout")
def test_xquad_has_240_paragraphs_in_every_language():
    found = Clusters.of(by_language(TASKS["xquad"].read(Request(str(SHARED / "xquad"), ["en", "zh", "de"]))))
    assert found is not None
    assert (found.count, len(found.cluster_of)) == (240, 1190)


def test_five_questions_that_always_fare_alike_are_worth_one():
    tables = []
    for items in (about(40), alone(40)):
        found = {
            name: {"exact": measure("exact", items, answered(items, right))}
            for name, right in (("one", range(12)), ("two", range(6, 25)))
        }
        tables.append(score_table(found, items, draws=4000))
    many, few = tables
    assert many["items"].tolist() == [200] * 3
    single = few["baseline"].isna()
    for end in ("low", "high"):  # Wilson's intervals of 40, but for a ratio of Student's quantiles
        assert many[end][single].to_numpy() == pytest.approx(few[end][single].to_numpy(), abs=1)
    widths = [(table["high"] - table["low"]).to_numpy() for table in tables]
    assert (widths[0][:2] > widths[1][:2]).all()
    assert widths[0][2] == pytest.approx(widths[1][2], rel=0.1), "draws of 0 are rounded to either side"
    assert many["p"].iloc[-1] == pytest.approx(few["p"].iloc[-1])


def test_where_no_answer_is_right_intervals_have_a_width_and_it_is_that_of_so_few_paragraphs():
    widths = []
    for paragraphs in (5, 40):
        items = about(paragraphs)
        found = {name: {"exact": measure("exact", items, answered(items, ()))} for name in ("one", "two")}
        table = score_table(found, items, draws=50)
        assert table["p"].iloc[-1] == 1
        widths.append((table["high"] - table["low"]).to_numpy())
        assert (widths[-1] > 0).all()
    assert (widths[0] > 5 * widths[1]).all()


def test_nothing_is_inferred_from_one_paragraph():
    items = about(1)
    found = {
        name: {"exact": measure("exact", items, {"en": [right] * 3 + ["no"] * 2})}
        for name, right in (("one", "w0"), ("two", "x"))
    }
    table = score_table(found, items, draws=50)
    assert table["p"].iloc[-1] == 1
    assert table["high"].iloc[0] - table["low"].iloc[0] > 75
    wins = win_rates(items, {"en": ["no"] * 5}, {"en": ["w0"] * 3 + ["no"] * 2}, find_judge("exact"))
    assert wins["p"].iloc[0] == 1
    assert wins["high"].iloc[0] - wins["low"].iloc[0] > 0.75


def test_winning_about_one_paragraph_five_times_is_winning_once():
    many, few = (
        win_rates(items, answered(items, range(6)), answered(items, range(4, 16)), find_judge("exact")).iloc[
            0
        ]
        for items in (about(30), alone(30))
    )
    assert many["wins"] == 5 * few["wins"] == 50
    assert many["p"] == few["p"] == pytest.approx(stats.binomtest(10, 14).pvalue)
    for end in ("low", "high"):
        assert many[end] == pytest.approx(few[end], abs=0.03)
    assert many["high"] - many["low"] > few["high"] - few["low"]


def test_agreeing_about_one_paragraph_five_times_is_agreeing_once():
    languages = ("en", "de")
    many, few = (
        consistency(
            items,
            {"en": answered(items, range(15))["en"], "de": answered(items, range(9, 22))["de"]},
            draws=200,
        ).iloc[0]
        for items in (about(30, languages), alone(30, languages))
    )
    assert many["value"] == few["value"]
    assert many["chance"] == pytest.approx(few["chance"])
    for end in ("low", "high"):
        assert many[end] == pytest.approx(few[end], abs=0.02)
    assert 0.2 < many["p"] / few["p"] < 5


def test_the_page_and_the_text_say_what_was_resampled(llama, paragraphs):
    options = {"new_tokens": 2, "draws": 20, "template": "raw", "dtype": "float32", "progress": False}
    found = evaluate(str(llama), "xquad", data=paragraphs, store=False, **options)
    assert found.settings["clusters"] == {"paragraph": 3}
    assert any("resampled by paragraph (3)" in line for line in evaluation_lines(found))
    assert "resampled by paragraph (3)" in render_evaluation(found)
    single = evaluate(str(llama), "xquad", items=asked("en", ["x", "y"]), store=False, **options)
    assert not any("resampled" in line for line in evaluation_lines(single))
    assert "resampled by" not in render_evaluation(single)
