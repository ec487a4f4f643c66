"""The page of an evaluation in a real browser: every table drawn, offline, light and dark, readable by anyone."""

from __future__ import annotations

import pandas as pd
import pytest

from repalign.evaluation.alignment import adjusted, over_languages
from repalign.evaluation.consistency import consistency
from repalign.evaluation.items import Item
from repalign.evaluation.judges import find_judge
from repalign.evaluation.scores import measure, score_table
from repalign.evaluation.wins import win_rates
from repalign.report.evaluation import write_evaluation
from repalign.results.evaluation import Evaluation

pytestmark = pytest.mark.browser
LANGUAGES = ("en", "ar", "el", "hi", "zh")
HOSTILE = "</script><script>window.hacked = 1</script><b>bold</b>"


@pytest.fixture(scope="module")
def found() -> Evaluation:
    items = {
        language: [
            Item(str(row), language, "Which word?", HOSTILE, (f"{language}{row}",)) for row in range(12)
        ]
        for language in LANGUAGES
    }
    said = {
        name: {
            language: [f"{language}{row if row < right + place else 0}" for row in range(12)]
            for place, language in enumerate(LANGUAGES)
        }
        for name, right in (("alpaca", 2), ("m-llama", 6))
    }
    measured = {name: {"exact": measure("exact", items, own)} for name, own in said.items()}
    scores = score_table(measured, items, draws=50)
    rows = [
        {"checkpoint": name, "language": language, "item": item.id, "instruction": item.instruction,
         "input": item.input, "reference": item.references[0], "answer": said[name][language][row] + HOSTILE}
        for name in said for language in LANGUAGES for row, item in enumerate(items[language])
    ]  # fmt: skip
    spoken = [
        {"checkpoint": name, "asked": asked, "answered": answered, "count": 6, "share": 0.5}
        for name in ("references", *said)
        for asked in LANGUAGES
        for answered in (asked, None)
    ]
    same = [consistency(items, own, draws=50).assign(checkpoint=name) for name, own in said.items()]
    wins = win_rates(items, *said.values(), find_judge("exact"), draws=50)
    own = scores[scores["baseline"].isna() & scores["language"].notna()].rename(columns={"value": "score"})
    alignment = own.assign(metric="mexa", layer=3, alignment=[0.1 * row for row in range(10)])
    return Evaluation(
        "m-llama against alpaca on words",
        dict.fromkeys(said, "name@1234|words#5678"),
        {
            "scores": scores,
            "answers": pd.DataFrame(rows),
            "languages": pd.DataFrame(spoken).astype({"answered": "string"}),
            "consistency": pd.concat(same),
            "wins": wins.assign(checkpoint="m-llama", baseline="alpaca", judge="exact"),
            "alignment": alignment,
            "correlations": adjusted(over_languages(alignment, draws=50)),
        },
        settings={"scorers": {"exact": "words"}, "labels": {"exact": "exact match"}, "truncated": {}},
    )


@pytest.fixture(scope="module")
def page(silent, found, tmp_path_factory):
    return silent(write_evaluation(found, tmp_path_factory.mktemp("evaluation") / "report.html"))


def test_every_table_is_drawn_when_it_comes_into_sight(page):
    plots = page.locator(".plot")
    assert plots.count() == 1 + 1 + 1 + 3 + 2 + 1
    for number in range(plots.count()):
        plots.nth(number).scroll_into_view_if_needed()
        plots.nth(number).locator(".main-svg").first.wait_for(timeout=5000)
    assert page.locator("#examples tbody tr").count() == 6 * len(LANGUAGES)


def test_what_was_answered_is_text(page):
    assert page.evaluate("window.hacked") is None
    assert page.locator("#examples b").count() == 0
    assert page.locator("#examples td", has_text="window.hacked").count() > 0


def test_light_and_dark(page):
    theme = page.evaluate("document.documentElement.dataset.theme")
    page.click("#theme")
    assert page.evaluate("document.documentElement.dataset.theme") != theme
    page.click("#theme")


def test_axe_finds_nothing_serious(page, serious):
    assert serious(page) == []
