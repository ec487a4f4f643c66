"""Requests that cannot be met get one line."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scoring.factories import made, quiet

from repalign import LayerStates, RepalignError, contrast


@pytest.mark.parametrize(
    ("change", "request_", "message"),
    [
        (lambda s: s, {"metrics": ["mexxa"]}, "did you mean 'mexa'"),
        (lambda s: s, {"metrics": []}, "no metric to compute"),
        (lambda s: s, {"variants": ["centered"]}, "did you mean 'centred'"),
        (lambda s: s, {"variants": ["length-matched+length-matched"]}, "selects sentences twice"),
        (lambda s: s, {"source": "enn"}, "did you mean 'en'"),
        (lambda s: s, {"targets": ["fr"]}, "no language named 'fr'"),
        (lambda s: s, {"targets": ["en"]}, "no pair of languages"),
        (lambda s: s, {"pairs": "every"}, "kind of pairs"),
        (lambda s: s, {"layers": [9]}, "no layer 9"),
        (lambda s: s, {"correction": "holms"}, "did you mean 'holm'"),
        (lambda s: s, {"interval": "normal"}, "bca, percentile"),
        (lambda s: s.arrays["zh"].__setitem__((1, 5), np.nan), {}, "layer 1, language 'zh'.*row 5"),
        (lambda s: s.groups.__setitem__(1, 0) or s.arrays["zh"].__setitem__((1, 5), np.nan), {}, "row 5"),
        (lambda s: s.arrays["ar"].__setitem__((2, 7), 0), {}, "layer 2, language 'ar'.*zero vector.*row 7"),
    ],
)
def test_bad_requests_get_one_clear_line(change, request_, message):
    states = made()
    change(states)
    with pytest.raises(RepalignError, match=message) as found:
        quiet(states, **request_)
    assert "\n" not in str(found.value)


def test_too_few_sentences_name_the_metric():
    states = made()
    few = LayerStates.from_arrays({language: a[:, :8] for language, a in states.arrays.items()})
    with pytest.raises(RepalignError, match="'mutual_knn' needs at least 12 sentences, got 8"):
        quiet(few)


def test_contrast_refuses_other_sentences_and_layers():
    a, b = made(), made(checkpoint="b")
    other = {k: ["changed" if row == 3 else text for row, text in enumerate(v)] for k, v in b.texts.items()}
    with pytest.raises(RepalignError, match=r"different sentences: 1 differ in .*row 3"):
        contrast(a, dataclasses.replace(b, texts=other))
    fewer = LayerStates.from_arrays({k: v[:, :50] for k, v in b.arrays.items()}, checkpoint="b")
    with pytest.raises(RepalignError, match="80 and 50"):
        contrast(a, fewer)
    deeper = LayerStates.from_arrays({k: v[:2] for k, v in b.arrays.items()}, checkpoint="b", texts=b.texts)
    with pytest.raises(RepalignError, match=r"0\.\.2 and 0\.\.1"):
        contrast(a, deeper)
    assert len(contrast(a, deeper, layers=[0, 1], metrics=["cka"], draws=20, progress=False))
