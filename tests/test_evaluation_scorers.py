"""Scorers against the official conventions, written again here step by step; intervals; consistency; judges."""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from sample import complete
from scipy import stats

from repalign.errors import RepalignError
from repalign.evaluation import squad
from repalign.evaluation.alignment import adjusted, alignment_table, over_items, over_languages
from repalign.evaluation.answer_language import answer_languages, language_table
from repalign.evaluation.consistency import consistency, matched_references
from repalign.evaluation.items import Item, sampled
from repalign.evaluation.judges import chat_judge, find_judge, verdict
from repalign.evaluation.scorers import SCORERS
from repalign.evaluation.scores import measure, score_table
from repalign.evaluation.translation import is_available
from repalign.evaluation.wins import win_rates
from repalign.results.profile import COLUMNS, LayerProfile
from repalign.results.results import Results
from repalign.results.schema import RESULTS


def official(answer: str, language: str) -> str:
    """MLQA's evaluation, as its authors describe it: lower case, no punctuation, no articles, cut into words."""
    kept = ""
    for character in answer.lower():
        if character not in string.punctuation and unicodedata.category(character)[0] != "P":
            kept += character
    articles = {
        "en": "a an the",
        "es": "un una unos unas el la los las",
        "vi": "của là cái chiếc những",
        "de": "ein eine einen einem eines einer der die das den dem des",
    }
    if language in articles:
        kept = re.sub(r"\b(" + "|".join(articles[language].split()) + r")\b", " ", kept)
    if language == "ar":
        kept = kept.replace("ال", " ")
    words: list[str] = []
    for piece in kept.split():
        if language != "zh":
            words.append(piece)
            continue
        word = ""
        for character in piece:
            if 0x4E00 <= ord(character) <= 0x9FA5:
                words += [word, character] if word else [character]
                word = ""
            else:
                word += character
        words += [word] if word else []
    return " ".join(words)


def official_f1(answer: str, reference: str, language: str) -> float:
    said, right = official(answer, language).split(), official(reference, language).split()
    same = sum((Counter(said) & Counter(right)).values())
    if same == 0:
        return 0
    precision, recall = same / len(said), same / len(right)
    return 2 * precision * recall / (precision + recall)


CASES = [
    # language, answer, reference, exact, F1: by hand
    ("en", "The 308 points!", "308 points", 1, 1),
    ("en", "an answer, a good one", "good answer", 0, 0.8),
    ("en", "theatre", "the atre", 0, 0),
    ("en", "“yes”", "Yes.", 1, 1),
    ("en", "$5", "5", 1, 1),
    ("en", "€5", "5", 0, 0),
    ("en", "", "308", 0, 0),
    ("es", "el 5 de mayo", "5 de mayo", 1, 1),
    ("es", "¿la casa?", "una casa", 1, 1),
    ("de", "Der Hund des Königs", "Hund Königs", 1, 1),
    ("de", "dieser Hund", "Hund", 0, 2 / 3),
    ("vi", "những con mèo của tôi", "con mèo tôi", 1, 1),
    ("vi", "con chó", "con mèo", 0, 0.5),
    ("ar", "الكتاب، الجديد", "كتاب جديد", 1, 1),
    ("ar", "السلام", "س م", 0, 0),
    ("ar", "هل؟", "هل", 1, 1),
    ("hi", "लाल किताब।", "लाल किताब", 1, 1),
    ("hi", "लाल किताब", "नीली किताब", 0, 0.5),
    ("zh", "308分。", "308 分", 1, 1),
    ("zh", "在第六名", "第六", 0, 2 / 3),
    ("zh", "《NFL》职业碗", "nfl 职业碗", 1, 1),
    ("zh", "AB型12", "ab 型 12", 1, 1),
]


@pytest.mark.parametrize(("language", "answer", "reference", "exact", "f1"), CASES)
def test_scores_equal_mlqas(language, answer, reference, exact, f1):
    assert official(answer, language) == " ".join(squad.mlqa_tokens(answer, language))
    found = squad.exact_match(answer, [reference], language, squad.mlqa_tokens)
    assert found == exact == (official(answer, language) == official(reference, language))
    found = squad.f1(answer, [reference], language, squad.mlqa_tokens)
    assert found == pytest.approx(f1)
    assert found == pytest.approx(official_f1(answer, reference, language))


def test_every_character_is_normalised_as_officially():
    codes = [code for code in range(0x20000) if not 0xD800 <= code < 0xE000]
    text = "".join(f"a{chr(code)}b " for code in codes)
    assert " ".join(squad.mlqa_tokens(text, "zh")) == official(text, "zh")


@pytest.mark.parametrize(
    ("answer", "reference", "exact", "f1"),
    [
        ("The Cat.", "a cat", 1, 1),
        ("an apple pie", "apple", 0, 2 / 3),
        ("“cat”", "cat", 0, 0),  # SQuAD knows ASCII's punctuation only
        ("el gato", "gato", 0, 2 / 3),  # and English articles only
        ("308分", "308 分", 0, 0),
        ("the", "a", 1, 0),  # nothing is left of either: equal, and without overlap
    ],
)
def test_scores_equal_squads(answer, reference, exact, f1):
    assert squad.exact_match(answer, [reference], "zh", squad.squad_tokens) == exact
    assert squad.f1(answer, [reference], "zh", squad.squad_tokens) == pytest.approx(f1)


def test_best_reference_counts_and_contains_looks_at_the_first():
    references = ("red coat", "coat")
    assert squad.exact_match("Coat", references, "en", squad.mlqa_tokens) == 1
    assert squad.f1("the coat", references, "en", squad.mlqa_tokens) == 1
    assert squad.contains("a coat", references, "en") == 0
    assert squad.contains("A RED COAT, I think", references, "en") == 1


def asked(language: str, references: list[str]) -> list[Item]:
    return [Item(str(row), language, "?", "", (text,)) for row, text in enumerate(references)]


@pytest.mark.parametrize(
    ("scorer", "language"), [("bleu", "en"), ("bleu", "zh"), ("chrf", "tr"), ("chrf", "zh")]
)
def test_translation_scores_equal_sacrebleus(scorer, language):
    sacrebleu = pytest.importorskip("sacrebleu")
    right = {"zh": ["狗在院子里睡觉。", "两只鸟在唱歌。"]}.get(
        language, ["The dog sleeps outside today.", "Two birds sing in a tree."]
    )
    said = [right[0], right[1][:-5]]
    metric = (
        sacrebleu.CHRF(word_order=2)
        if scorer == "chrf"
        else sacrebleu.BLEU(tokenize="zh" if language == "zh" else "13a")
    )
    found = SCORERS[scorer].measure(asked(language, right), said)
    assert found.value == pytest.approx(metric.corpus_score(said, [right]).score)
    assert found.signature == str(metric.get_signature())
    assert found.per_item[0] == pytest.approx(100)
    empty = SCORERS[scorer].measure(asked(language, right), ["", ""])
    assert empty.value == pytest.approx(0)


@pytest.mark.parametrize(
    ("language", "answer", "reference", "exact", "squad"),
    [
        ("zh_Hans", "308分。", "308 分", 100, 0),
        ("de", "der Hund", "Hund", 100, 0),
        ("en", "The dog", "dog", 100, 100),
    ],
)
def test_a_scorer_goes_by_the_language_of_the_question(language, answer, reference, exact, squad):
    items = asked(language, [reference])
    assert SCORERS["exact"].measure(items, [answer]).value == exact
    assert SCORERS["f1"].measure(items, [answer]).value == exact
    assert SCORERS["squad-exact"].measure(items, [answer]).value == squad


def test_every_reference_of_a_translation_counts():
    sacrebleu = pytest.importorskip("sacrebleu")
    items = [
        Item("0", "zh-CN", "?", "", ("狗在睡觉。", "狗正在睡。")),
        Item("1", "zh-CN", "?", "", ("两只鸟。",)),
    ]
    said = ["狗正在睡。", "两只小鸟。"]
    right = sacrebleu.BLEU(tokenize="zh").corpus_score(
        said, [["狗在睡觉。", "两只鸟。"], ["狗正在睡。", None]]
    )
    assert SCORERS["bleu"].measure(items, said).value == pytest.approx(right.score)


def test_influence_is_leaving_out():
    found = SCORERS["exact"].measure(asked("en", ["a1", "b1", "c1", "d1"]), ["a1", "x", "c1", "x"])
    assert found.value == 50
    np.testing.assert_allclose(found.influence, [50, -50, 50, -50])


def test_spbleu_is_asked_for_only_where_its_tokenizer_lies(tmp_path, monkeypatch):
    pytest.importorskip("sacrebleu")
    import sacrebleu.utils

    monkeypatch.setattr(sacrebleu.utils, "SACREBLEU_DIR", str(tmp_path))
    assert not is_available("spbleu")
    with pytest.raises(RepalignError, match="tokenizer is not on this machine"):
        SCORERS["spbleu"].measure(asked("en", ["a"]), ["a"])


def two_systems(languages=("en", "zh"), n=60):
    """A system that is right on the first half, and one that is right on the first three quarters."""
    items = {lang: asked(lang, [f"w{row}" for row in range(n)]) for lang in languages}
    found = {}
    for name, upto in (("one", n // 2), ("two", n * 3 // 4)):
        answers = {lang: [f"w{row}" if row < upto else "no" for row in range(n)] for lang in languages}
        found[name] = {"exact": measure("exact", items, answers)}
    return found, items


def test_table_of_scores_and_paired_differences():
    found, items = two_systems()
    table = score_table(found, items, draws=500)
    own = table[table["baseline"].isna()].set_index(["checkpoint", "language"])
    assert own.loc[("one", "en"), "value"] == 50
    assert own.loc[("one", "en"), "low"] == pytest.approx(37.7, abs=0.1)  # Wilson, 30 of 60
    assert own.loc[("one", "en"), "high"] == pytest.approx(62.3, abs=0.1)
    change = table[table["baseline"].notna()]
    assert set(change["value"]) == {25}
    assert (change["low"] > 10).all()
    assert (change["high"] < 40).all()
    assert (change["p_adjusted"] < 0.01).all()
    # both languages fail on the same questions: their mean is no surer than either
    mean, single = (change[change["language"].isna() == which].iloc[0] for which in (True, False))
    # within 10%: draws that are zero but for rounding fall on either side, and move the percentiles
    assert mean["high"] - mean["low"] == pytest.approx(single["high"] - single["low"], rel=0.1)


def right_on(items: dict[str, list[Item]], rows: range) -> dict:
    """Exact match of answers that are right on those rows alone."""
    return {"exact": measure("exact", items, {
        lang: [item.references[0] if row in rows else "no" for row, item in enumerate(own)]
        for lang, own in items.items()
    })}  # fmt: skip


@pytest.mark.parametrize("rows", [range(50), range(80, 100)])
def test_differences_are_paired_question_by_question(rows):
    items = {"en": asked("en", [f"w{row}" for row in range(100)])}
    one, two = right_on(items, range(40)), right_on(items, rows)
    change = score_table({"one": one, "two": two}, items, draws=2000).dropna(subset="baseline").iloc[0]
    moved = two["exact"]["en"].per_item - one["exact"]["en"].per_item
    half = 1.96 * moved.std(ddof=1) / 10
    assert change["value"] == moved.mean()
    assert (change["high"] - change["low"]) / 2 == pytest.approx(half, rel=0.15)
    t = abs(moved.mean()) / (moved.std(ddof=1) / 10)
    assert change["p"] == pytest.approx(2 * stats.t.sf(t, 99), rel=0.03)


def test_p_is_adjusted_over_languages_and_not_for_their_mean():
    rows = {"en": 15, "tr": 8, "zh": 4}
    items = {lang: asked(lang, [f"w{row}" for row in range(40)]) for lang in rows}
    right = {lang: right_on({lang: items[lang]}, range(n))["exact"][lang] for lang, n in rows.items()}
    found = {"one": right_on(items, range(0)), "two": {"exact": right}}
    table = score_table(found, items, draws=50).dropna(subset="baseline").set_index("language")
    p = table.loc[list(rows), "p"]
    assert p.is_monotonic_increasing
    assert table.loc[list(rows), "p_adjusted"].tolist() == pytest.approx((p * [3, 2, 1]).tolist())
    mean = table[table.index.isna()].iloc[0]
    assert mean["p_adjusted"] == mean["p"]


def test_a_language_with_fewer_questions_is_as_unsure_as_alone():
    items = {"en": asked("en", ["a1 b1"] * 200), "zh": asked("zh", ["a1 b1"] * 40)}
    said = {lang: ["a1 b1", "a1 x", "x", "y"] * (len(own) // 4) for lang, own in items.items()}
    both = score_table({"m": {"f1": measure("f1", items, said)}}, items, draws=4000).set_index("language")
    only = {"zh": items["zh"]}
    alone = score_table({"m": {"f1": measure("f1", only, said)}}, only, draws=4000).iloc[0]
    width = both.loc["zh", "high"] - both.loc["zh", "low"]
    assert width == pytest.approx(alone["high"] - alone["low"], rel=0.15)


def test_intervals_have_a_width_where_all_items_fare_alike():
    items = {"en": asked("en", ["a1"] * 20)}
    found = {name: {"f1": measure("f1", items, {"en": ["no"] * 20})} for name in ("one", "two")}
    table = score_table(found, items, draws=100).set_index("baseline")
    own, change = table[table.index.isna()].iloc[0], table.loc["one"]
    assert own["low"] == 0
    assert own["high"] == pytest.approx(16.1, abs=0.1)
    assert change["low"] == pytest.approx(-16.1, abs=0.1)
    assert change["high"] == pytest.approx(16.1, abs=0.1)
    assert change["p"] == 1


def test_one_partly_right_answer_is_no_surer_than_none():
    items = {"en": asked("en", ["a1 b1 c1"] * 40)}
    highs = []
    for first in ("x", "a1 x"):
        found = {"m": {"f1": measure("f1", items, {"en": [first] + ["x"] * 39})}}
        highs.append(score_table(found, items, draws=200)["high"].iloc[0])
    assert highs[0] < highs[1] < 12


def test_languages_with_other_questions_share_what_they_share():
    items = {"en": asked("en", ["a1", "b1", "c1"]), "zh": asked("zh", ["a1"])}
    found = {"m": {"exact": measure("exact", items, {"en": ["a1", "b1", "x"], "zh": ["a1"]})}}
    table = score_table(found, items, draws=50)
    assert table["value"].round(3).tolist() == [66.667, 100.0, 83.333]
    assert table["items"].tolist() == [3, 1, 3]


@pytest.mark.parametrize("seed", range(3))
def test_intervals_hold_the_truth(seed):
    generator = np.random.default_rng(seed)
    n, held = 80, 0
    for trial in range(60):
        values = generator.beta(0.6, 0.9, n)  # mean .4
        items = {"en": asked("en", ["x"] * n)}
        found = SCORERS["f1"].measure(items["en"], ["y"] * n)
        found.statistics[:, 0] = values
        row = score_table({"m": {"f1": {"en": found}}}, items, draws=200, seed=trial).iloc[0]
        held += row["low"] <= 40 <= row["high"]
    assert held >= 52


def over_languages_of(alignment: list[float], score: list[float], draws: int = 200) -> pd.Series:
    languages = [f"l{row}" for row in range(len(score))]
    table = pd.DataFrame({"language": languages, "alignment": alignment, "score": score})
    return over_languages(table.assign(checkpoint="m", metric="mexa", scorer="exact"), draws).iloc[0]


def test_correlation_over_languages_against_scipys():
    from scipy.stats import permutation_test, spearmanr

    alignment, score = [0.1, 0.5, 0.3, 0.9, 0.8, 0.2], [3.0, 9.0, 4.0, 8.0, 8.0, 1.0]
    row = over_languages_of(alignment, score)
    assert row["value"] == pytest.approx(spearmanr(alignment, score).statistic)
    every = permutation_test(
        (alignment,), lambda x: spearmanr(x, score).statistic, permutation_type="pairings", n_resamples=np.inf
    )
    assert row["p"] == pytest.approx(every.pvalue)
    assert row["low"] <= row["value"] <= row["high"]


def test_few_languages_and_none_that_vary_are_said():
    row = over_languages_of([0.1, 0.2, 0.3, 0.4], [1.0, 2.0, 3.0, 4.0])
    assert row["value"] == 1
    assert np.isnan(row["p"])
    assert row["note"] == "4 are too few for any permutation to reach p < .05"
    row = over_languages_of([0.1, 0.2, 0.3, 0.4, 0.5], [0.0] * 5)
    assert np.isnan(row["value"])
    assert row["note"] == "alignment or score does not vary"
    one_hit = over_languages_of([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [0.0] * 5 + [1.0])
    assert np.isnan(one_hit["low"])


def test_alignment_stands_beside_scores_at_its_best_layer_both_ways():
    scores = pd.DataFrame(
        {
            "checkpoint": "m",
            "baseline": pd.NA,
            "scorer": "exact",
            "language": ["zh", "el", None],
            "value": [70.0, 40.0, 55.0],
        }
    )
    rows = [  # metric, variant, language, layer, value from English and into it
        ("mexa", "raw", "zh", 0, 0.9, 0.9), ("mexa", "raw", "el", 0, 0.9, 0.9),
        ("mexa", "centred", "zh", 0, 0.2, 0.4), ("mexa", "centred", "el", 0, 0.1, 0.1),
        ("mexa", "centred", "zh", 1, 0.6, 0.8), ("mexa", "centred", "el", 1, 0.3, 0.5),
        ("distance", "centred", "zh", 0, 5.0, 5.0), ("distance", "centred", "el", 0, 6.0, 6.0),
        ("distance", "centred", "zh", 1, 8.0, 8.0), ("distance", "centred", "el", 1, 9.0, 9.0),
    ]  # fmt: skip
    table = pd.DataFrame(
        {"metric": metric, "variant": variant, "source": ends[0], "target": ends[1], "layer": layer, "value": value,
         "checkpoint": "m", "baseline": baseline}
        for metric, variant, language, layer, there, back in rows
        for ends, value in ((("en", language), there), ((language, "en"), back))
        for baseline in (pd.NA, "other")
    )  # fmt: skip
    table.loc[table["baseline"].notna(), "value"] = (
        99.0  # differences from another checkpoint are no alignment
    )
    profile = LayerProfile(complete(RESULTS["profile"], table), {}, {"closer": {"distance": "lower"}})
    found = alignment_table(Results("x", profile), scores)
    assert found[["metric", "layer", "language", "score"]].values.tolist() == [
        ["mexa", 1, "zh", 70.0], ["mexa", 1, "el", 40.0], ["distance", 0, "zh", 70.0], ["distance", 0, "el", 40.0]
    ]  # fmt: skip
    assert found["alignment"].tolist() == pytest.approx([0.7, 0.4, -5.0, -6.0])


def test_sentences_stand_beside_the_questions_about_them():
    rng = np.random.default_rng(0)
    numbers, margins = np.arange(100, 112), rng.normal(size=(2, 12))
    margins[1] += 1  # the layer that is read
    where = pd.DataFrame(
        {"checkpoint": "m", "language": "zh", "variant": "centred", "sentence": number, "layer": layer, "margin": margins[layer, row]}
        for row, number in enumerate(numbers) for layer in (0, 1)
    )  # fmt: skip
    sentences = pd.DataFrame({"language": "zh", "sentence": numbers, "text": [f"s{n}" for n in numbers]})
    about = rng.permutation(np.repeat(np.arange(1, 12), 2))  # none about the first
    items = {
        "zh": [
            Item(str(i), "zh", "?", "", ("x",), sentence=f"s{numbers[row]}") for i, row in enumerate(about)
        ]
    }
    scores = rng.normal(size=22)
    profile = LayerProfile(pd.DataFrame(columns=list(COLUMNS)), {})
    results = Results(
        "x",
        profile,
        {"map": complete(RESULTS["map"], where), "sentences": complete(RESULTS["sentences"], sentences)},
    )
    row = over_items(results, items, {"m": {"exact": {"zh": scores}}}, draws=50).iloc[0]
    means = [scores[about == number].mean() for number in range(1, 12)]
    assert row["value"] == pytest.approx(stats.spearmanr(margins[1, 1:], means).statistic)
    assert (row["units"], row["over"], row["language"]) == (11, "sentences", "zh")


def test_correlations_are_adjusted_over_languages_and_sentences_apart():
    table = pd.DataFrame({"p": [0.01, 0.02, 0.03, 0.01], "over": ["languages"] * 2 + ["sentences"] * 2})
    found = adjusted(table.assign(checkpoint="m", scorer="exact"))["p_adjusted"]
    assert found.tolist() == pytest.approx([0.02, 0.02, 0.03, 0.02])


def test_sampled_questions_are_the_same_in_every_language():
    items = [Item(str(row), lang, "", "", ("x",)) for lang in ("en", "zh") for row in range(50)]
    chosen = sampled(items, 7)
    ids = {lang: [item.id for item in chosen if item.language == lang] for lang in ("en", "zh")}
    assert len(ids["en"]) == 7
    assert ids["en"] == ids["zh"]
    assert [item.id for item in sampled(items, 7, seed=1)] != [item.id for item in chosen]
    assert sampled(items, None) == items


def test_an_answer_is_matched_references_the_reference_it_matches():
    items = asked("en", ["the red coat", "two birds", "yes", "yes"])
    matched = matched_references(["a red coat", "three birds", "Yes!", "nothing like it"], items)
    assert matched.tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0]]


def test_answers_are_matched_references_references_by_the_rules_of_their_language():
    assert matched_references(["红外套", "狗"], asked("zh", ["红色外套", "两只鸟"])).tolist() == [
        [1, 0],
        [0, 0],
    ]
    assert matched_references(["der Hund"], asked("de", ["ein Hund"])).tolist() == [[1]]


def test_consistency_pairs_the_same_questions_whatever_their_order():
    english = asked("en", [f"word{row}" for row in range(6)])
    chinese = [Item(str(row), "zh", "?", "", (chr(0x4E00 + row),)) for row in (9, 4, 5, 0, 8, 1)]
    taken = {
        "en": (0, 1, 9, 9, 4, 4),
        "zh": (9, 4, 4, 9, 8, 1),
    }  # question whose answer is given, in either order
    answers = {"en": [f"word{row}" for row in taken["en"]], "zh": [chr(0x4E00 + row) for row in taken["zh"]]}
    row = consistency({"en": english, "zh": chinese}, answers, draws=20).iloc[0]
    assert (row["items"], row["value"]) == (4, 3 / 4)  # both 1, both 4, and both 4 to question 5
    assert row["chance"] == 5 / 16
    assert row["calibrated"] == pytest.approx((3 / 4 - 5 / 16) / (1 - 5 / 16))


def test_languages_of_answers_are_counted():
    items = {"en": asked("en", ["x"] * 4), "zh": asked("zh", ["x"] * 4)}
    detected = {"m": {"en": ["en", "zh", "en", None], "zh": ["zh"] * 4}}
    table = language_table(items, detected)
    assert table["answered"].fillna("?").tolist() == ["en", "zh", "?", "zh"]
    assert table["count"].tolist() == [2, 1, 1, 4]
    assert table["share"].tolist() == [0.5, 0.25, 0.25, 1.0]
    assert table["asked"].tolist() == ["en"] * 3 + ["zh"]


def test_consistency_against_chance():
    english = [f"word{row}" for row in range(40)]
    chinese = [chr(0x4E00 + row) for row in range(40)]
    items = {"en": asked("en", english), "zh": asked("zh", chinese)}
    shifted = {"en": english[1:] + english[:1], "zh": chinese[1:] + chinese[:1]}  # the same wrong answers
    row = consistency(items, shifted, draws=200).iloc[0]
    assert (row["value"], row["chance"]) == (1, 1 / 40)
    assert row["calibrated"] == 1
    assert row["p"] == pytest.approx(1 / 201)
    stuck = {"en": english[:1] * 40, "zh": chinese[:1] * 40}  # one answer to everything says nothing
    row = consistency(items, stuck, draws=200).iloc[0]
    assert (row["value"], row["chance"], row["p"]) == (1, 1, 1)
    unlike = {"en": english, "zh": chinese[1:] + chinese[:1]}
    row = consistency(items, unlike, draws=200).iloc[0]
    assert row["value"] == 0
    assert row["p"] == 1


def test_win_rates_by_score():
    items = {"en": asked("en", ["a1", "b1", "c1", "d1"])}
    first, second = {"en": ["a1", "x", "x", "x"]}, {"en": ["x", "b1", "c1", "y"]}
    row = win_rates(items, first, second, find_judge("exact")).iloc[0]
    assert (row["wins"], row["ties"], row["losses"], row["value"]) == (2, 1, 1, 0.625)
    assert (row["position_biased"], row["first_place"], row["unclear"]) == (0, 0.5, 0)
    back = win_rates(items, second, first, find_judge("exact")).iloc[0]
    assert (back["wins"], back["losses"]) == (1, 2)


def test_ties_say_nothing_about_who_is_better():
    items = {"en": asked("en", [f"w{row}" for row in range(10)])}
    better = {"en": [f"w{row}" for row in range(6)] + ["no"] * 4}
    row = win_rates(items, {"en": ["no"] * 10}, better, find_judge("exact")).iloc[0]
    assert row["p"] == pytest.approx(2 / 2**6)
    assert win_rates(items, better, {"en": ["no"] * 10}, find_judge("exact")).iloc[0]["p"] == row["p"]


@pytest.mark.parametrize("reply", [0, None])
def test_a_win_in_one_order_is_a_win(reply):
    items = {"en": asked("en", ["x"] * 3)}
    row = win_rates(
        items, {"en": ["bad"] * 3}, {"en": ["good"] * 3}, lambda item, a, b: 1 if a == "good" else reply
    ).iloc[0]
    assert (row["wins"], row["losses"], row["position_biased"]) == (3, 0, 0)


def test_a_hair_of_chrf_is_a_tie():
    (item,) = asked("en", ["The dog sleeps in the garden behind the old house. " * 16])
    near, far, judge = item.references[0].replace("old", "odd", 1), "The dog sleeps.", find_judge("chrf")
    scores = SCORERS["chrf"].measure([item] * 2, [item.references[0], near]).per_item
    assert 0 < scores[0] - scores[1] < 1
    assert judge(item, item.references[0], near) == 0
    assert (judge(item, near, far), judge(item, far, near)) == (1, -1)


def test_winning_always_has_an_interval():
    items = {"en": asked("en", [f"w{row}" for row in range(20)])}
    right, wrong = {"en": [f"w{row}" for row in range(20)]}, {"en": ["no"] * 20}
    row = win_rates(items, wrong, right, find_judge("f1")).iloc[0]
    assert (row["value"], row["high"]) == (1, 1)
    assert row["low"] == pytest.approx(0.839, abs=0.001)  # Wilson, 20 of 20


def test_a_judge_that_looks_at_order_only_makes_ties():
    items = {"en": asked("en", ["a1"] * 8)}
    row = win_rates(items, {"en": ["x"] * 8}, {"en": ["y"] * 8}, lambda item, a, b: 1).iloc[0]
    assert (row["wins"], row["ties"], row["losses"]) == (0, 8, 0)
    assert (row["position_biased"], row["first_place"], row["p"]) == (1, 1, 1)
    assert row["low"] < row["value"] == 0.5 < row["high"]


def test_a_chat_judge_sees_both_orders_and_may_be_unclear():
    seen = []

    def send(prompt: str) -> str:
        seen.append(prompt)
        if "long" in prompt:
            return "Both have merits: A or B?"
        return "A" if prompt.index("good{x}") < prompt.index("bad") else "**B** is better."

    items = {"en": asked("en", ["right", "right"])}
    row = win_rates(
        items, {"en": ["bad", "bad"]}, {"en": ["good{x}", "long good{x}"]}, chat_judge(send)
    ).iloc[0]
    assert len(seen) == 4
    assert (row["wins"], row["ties"], row["losses"], row["unclear"]) == (1, 1, 0, 0.5)


@pytest.mark.parametrize(
    ("reply", "meant"),
    [("A", 1), ("b", None), ("Answer B.", -1), ("A tie.", 0), ("TIE", 0), ("?", None), ("A, not B", None)],
)
def test_verdicts(reply, meant):
    assert verdict(reply) == meant


def test_chat_api_in_its_usual_form(monkeypatch):
    import json
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Api(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            said = "B" if body["model"] == "m" and self.headers["Authorization"] == "Bearer k" else "?"
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"choices": [{"message": {"content": said}}]}).encode())

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("REPALIGN_JUDGE_KEY", "k")
    url = f"http://127.0.0.1:{server.server_port}/v1/chat/completions"
    (item,) = asked("en", ["x"])
    assert find_judge("chat:m", url)(item, "x", "y") == -1
    server.shutdown()
    server.server_close()
    for address, complaint in ((url, "cannot be reached"), ("localhost/v1", "unknown url type")):
        with pytest.raises(RepalignError, match=complaint):
            find_judge("chat:m", address)(item, "x", "y")


def test_unknown_judge():
    with pytest.raises(RepalignError, match="no judge named 'exat'; did you mean 'exact'"):
        find_judge("exat")


def test_answer_languages_are_told_among_those_is_available():
    pytest.importorskip("lingua")
    said = ["The dog sleeps in the garden.", "狗在院子里睡觉。", "Köpek bahçede uyuyor.", "308", ""]
    assert answer_languages(said, ["en", "zh", "tr"]) == ["en", "zh", "tr", None, None]
    assert answer_languages(said[:1], ["en"]) == [None]
