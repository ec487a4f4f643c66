"""Of which language a token of the vocabulary is, as far as that can be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from repalign.corpora.checks import script
from repalign.models.tokenization import TokenRows

MIN_SENTENCES = 2
"""Sentences of a language that must hold a token before it counts as that language's."""


def languages_of_tokens(
    tokenizer: Any, texts: Mapping[str, Sequence[str]], tokens: Mapping[str, TokenRows], size: int
) -> np.ndarray:
    """bool [language, token]: a token is of at most one language, and most names and digits of none.

    It is of a language when its letters are of a script that the corpus writes only this language in, or when at least
    two of this language's sentences hold it and none of the others': no word lists are needed.

    Args:
        size: of the vocabulary, as the output layer has it.
    """
    seen = np.stack([_sentences_with(rows, size) for rows in tokens.values()])
    own = (seen >= MIN_SENTENCES) & (seen.sum(axis=0) == seen)
    usual = [script(" ".join(rows)) for rows in texts.values()]
    known = min(size, len(tokenizer))
    scripts = np.array([script(text) for text in tokenizer.batch_decode([[token] for token in range(known)])])
    for row, name in enumerate(usual):
        if usual.count(name) == 1:
            own[:, :known] &= scripts != name
            own[row, :known] |= scripts == name
    return own


def _sentences_with(rows: TokenRows, size: int) -> np.ndarray:
    """In how many sentences each token stands: int64 [token]."""
    once = [np.unique(ids) for ids in rows.own_ids]
    return np.bincount(np.concatenate(once), minlength=size)
