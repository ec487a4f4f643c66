"""Checks of parallel text."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from repalign.corpora.checks import normalise

FULL_WIDTH = "".join(map(chr, range(0xFF00, 0xFF66)))


@given(st.text(st.characters() | st.sampled_from(FULL_WIDTH + "\u0301\u0327\u3099\u3000 a")))
def test_normalise_is_nfkc_with_single_spaces(text):
    assert normalise(text) == " ".join(unicodedata.normalize("NFKC", text).split())
