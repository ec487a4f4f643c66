"""Ten questions of a reader, answered from the page alone, on results of which it is known what is planted in them."""

from __future__ import annotations

from itertools import pairwise

import pandas as pd
import pytest
from report.worlds import FLAT, HUMPED, METRICS, Language, World

from repalign import contrast, profile
from repalign.results.results import Results
from repalign.scoring import controls

pytestmark = pytest.mark.browser

NOTHING = Language()
ONE = World(
    "ten questions",
    {
        "m-llama": {
            "ar": Language("tokens", FLAT),
            "el": Language("rotated", FLAT),
            "hi": NOTHING,
            "zh": HUMPED,
        }
    },
    sentences=96,
)
TWO = World(
    "what changed", {"alpaca": {"ar": NOTHING, "zh": NOTHING}, "x-llama-zh": {"ar": NOTHING, "zh": HUMPED}}
)
COMMAND = "repalign layers --ckpt m-llama --corpus world"


def results_of(world: World, title: str) -> Results:
    states = world.states(0)
    quick = {"metrics": METRICS, "variants": ["centred"], "draws": 200, "progress": False}
    scores = profile(states, permutations=60, **quick)
    for before, after in pairwise(states):
        scores = scores.joined(contrast(before, after, **quick))
    table = pd.concat([controls(one, permutations=60, **quick) for one in states], ignore_index=True)
    return Results(title, scores, {"controls": table}, {"command": COMMAND})


@pytest.fixture(scope="module")
def single() -> Results:
    return results_of(ONE, "m-llama")


@pytest.fixture(scope="module")
def compared() -> Results:
    return results_of(TWO, "alpaca against x-llama-zh")


@pytest.fixture
def page(open_page, single):
    return open_page(single)


def fact(page, label: str) -> str:
    """A fact below the title."""
    return page.locator(f"dl.about div:has(dt:has-text('{label}')) dd").inner_text()


def row(page, language: str, table: str = ".answers:visible .by-language") -> list[str]:
    """Name, score, layers and verdict of a language."""
    return page.locator(f"{table} tr[data-language={language}] >> css=th, td").all_inner_texts()


def headline(page) -> str:
    return page.locator(".headline:visible").inner_text()


def sure(page) -> str:
    return page.locator(".answers:visible .sure").evaluate("(list) => list.textContent")


def test_which_corpus_was_it(page):
    assert fact(page, "corpus") == "world"


def test_which_layer_is_best_for_chinese_and_how_sure_is_that(page):
    name, score, layers, verdict = row(page, "zh")
    assert (name, layers, verdict) == ("Chinese (zh)", "2", "aligned")
    value, low, high = (
        float(part) for part in score.replace("[", "").replace("]", "").replace(",", "").split()
    )
    assert low < value < high


def test_is_chinese_above_shared_tokens(page):
    assert "Chinese exceeds chance and the shared-token control" in headline(page)
    assert "Controls of what is above chance: Chinese exceeds shared tokens" in sure(page)
    assert row(page, "ar")[3] != "aligned", "what shares only tokens is not"


def test_what_changed_most(open_page, compared):
    page = open_page(compared)
    assert headline(page).startswith("From alpaca to x-llama-zh, Chinese moved closer to English at layer")
    assert "largest +" in headline(page)
    table = ".answers:visible .answer:has(h3:text-is('What changed?')) .by-language"
    changes = {name: row(page, name, table) for name in ("ar", "zh")}
    assert changes["zh"][2] == "2"
    assert changes["ar"][3] == "not significant"


def test_what_is_mexa(page):
    definition = page.locator("#term-mexa dd").inner_text()
    assert definition.startswith(
        "The share of sentences whose translation is strictly their nearest neighbour"
    )
    assert definition in page.locator("[data-of='metric variant']").inner_text()


def test_what_does_centred_mean(page):
    definition = page.locator("#term-centred dd").inner_text()
    assert definition.startswith("From every state the mean of its language is subtracted")
    assert definition in page.locator("[data-of='metric variant']").inner_text()


def test_how_is_it_redone(page):
    assert page.locator("#made pre").first.inner_text() == COMMAND


def test_which_languages_are_not_shown_to_align(page):
    verdicts = {name: row(page, name)[3] for name in ("ar", "el", "hi", "zh")}
    assert [name for name, verdict in verdicts.items() if verdict != "aligned"] == ["ar", "el", "hi"]
    assert "no other language is shown to align" in headline(page)


def test_how_many_sentences_and_are_they_independent(page):
    assert fact(page, "sentences") == "96"
    assert "Documents are unknown: intervals and p-values assume that sentences are independent." in sure(
        page
    )


def test_what_was_the_model_and_its_dtype(page):
    assert (fact(page, "checkpoint"), fact(page, "dtype")) == ("m-llama", "float32")


def test_where_do_metrics_disagree(page):
    assert "do not agree." in headline(page)
    disagreement = next(text for text in sure(page).split("m-llama: ") if "the metrics disagree on" in text)
    assert "Greek" in disagreement.partition("(")[0]
    assert "CKA (debiased) and Mutual 10-NN find Greek" in disagreement.replace(" and Chinese", "")
