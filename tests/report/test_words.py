"""Numbers and names as findings write them."""

from __future__ import annotations

import pytest

from repalign.report.findings.words import count_of, layers_in_words, listing, p_in_words, rounded


@pytest.mark.parametrize(
    ("layers", "text"),
    [
        ([3], "layer 3"),
        ([3, 4], "layers 3 and 4"),
        ([5, 3, 4, 8], "layers 3 to 5 and 8"),
        ([0, 2, 4, 5, 6], "layers 0, 2 and 4 to 6"),
    ],
)
def test_layers_in_words(layers, text):
    assert layers_in_words(layers) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.004, "0.0040"),
        (0.314, "0.31"),
        (0.0999, "0.10"),
        (-0.0123, "-0.012"),
        (0.0, "0"),
        (1e-9, "0"),
        (1.0, "1.00"),
    ],
)
def test_small_values_keep_two_significant_digits(value, text):
    assert rounded(value) == text


def test_small_words():
    assert listing(["a", "b", "c"]) == "a, b and c"
    assert count_of([240, 238, 240]) == "238 to 240"
    assert p_in_words(1e-9) == "p\u00a0<\u00a00.001"
    assert p_in_words(0.04) == "p\u00a0=\u00a00.040"
