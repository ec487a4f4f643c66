"""The headline on looks inside checkpoints, on planted probabilities."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from sample_others import sample_inside

from repalign.report.inside_text import headline, inside_in_words
from repalign.results.inside import Inside

LAYERS = 5


def planted(leading: dict[str, list[int]], languages: tuple[str, ...] = ("en", "zh", "ar")) -> Inside:
    """Checkpoints that predict English tokens at some layers, and the language they read at the others."""
    rows = [
        {"checkpoint": name, "language": text, "layer": layer, "depth": layer / LAYERS, "measure": "probability", "toward": toward,
         "value": 0.6 if (toward == "en") == (layer in layers) else 0.1, "low": 0.0, "high": 1.0, "sentences": 50}
        for name, layers in leading.items() for text in languages for toward in dict.fromkeys((text, "en")) for layer in range(LAYERS)
    ]  # fmt: skip
    sample = sample_inside()
    checkpoint = sample.settings["checkpoints"]["m"]
    return replace(
        sample,
        signatures=dict.fromkeys(leading, "-"),
        tables={"lens": pd.DataFrame(rows).astype({"toward": "string"})},
        settings={**sample.settings, "checkpoints": dict.fromkeys(leading, checkpoint)},
    )


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ([], "m predicts the language read at every layer"),
        ([3, 4], "m predicts English from layer 3 on"),
        ([1, 2], "m predicts English at layers 1 and 2 only"),
        ([0, 1, 2, 3, 4], "m predicts English at every layer"),
    ],
)
def test_the_headline_says_where_the_pivot_is_predicted(layers, said):
    assert headline(planted({"m": layers})) == f"Reading other languages, {said}."


def test_checkpoints_that_do_the_same_share_a_clause():
    said = headline(planted({"a": [3, 4], "b": [], "c": [3, 4]}))
    assert said.endswith(
        "a and c predict English from layer 3 on; b predicts the language read at every layer."
    )
    several = headline(planted({f"m{layer}": [layer] for layer in range(4)} | {"n": []}))
    assert several.endswith("; 2 others: see below.")
    assert "12 checkpoints predict" in headline(planted({f"m{number}": [] for number in range(12)}))


def test_a_text_in_the_pivot_alone_says_nothing_of_others():
    assert (
        headline(planted({"m": []}, languages=("en",)))
        == "No text in a language other than English was read."
    )


def test_effects_are_compared_with_random_ones():
    said = inside_in_words(sample_inside())
    ablated = said["Which neurons carry a language?"][0]
    assert "in 3 of 3 languages, ablating the language's neurons (3 on average)" in ablated
    assert "random +0.010" in ablated
    assert "different in 9 of 9 cases" in said["What does removing a language change?"][0]
    assert "adjusted p < .05, against 20 random ones each" in said["Can it be steered to English?"][0]
