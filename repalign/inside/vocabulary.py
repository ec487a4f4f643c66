"""The language of each token of the vocabulary, where it can be determined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from repalign.corpora.scripts import script
from repalign.models.encoding import decode
from repalign.models.tokenization import TokenRows, special_ids

MIN_SENTENCES = 2
"""Sentences of a language that must contain a token for it to be assigned to that language."""


def languages_of_tokens(
    tokenizer: Any, texts: Mapping[str, Sequence[str]], tokens: Mapping[str, TokenRows], size: int
) -> np.ndarray:
    """Assign tokens of the vocabulary to languages, without word lists.

    A token belongs to a language if its letters are of a script that only this language uses in the corpus, or if at
    least two of this language's sentences contain it and no sentence of another language does. Most names and digits
    belong to none, nor do special tokens.

    Args:
        tokenizer: of the model.
        texts: language -> sentences.
        tokens: language -> the same sentences, tokenised.
        size: of the vocabulary, as in the output layer.

    Returns:
        bool [language, token], at most one language per token.
    """
    sentences = np.stack([_sentences_with(rows, size) for rows in tokens.values()])
    assigned = (sentences >= MIN_SENTENCES) & (sentences.sum(axis=0) == sentences)
    script_of_language = [script(" ".join(rows)) for rows in texts.values()]
    known = min(size, len(tokenizer))
    scripts = np.array([script(text) for text in decode(tokenizer, [[token] for token in range(known)])])
    for row, name in enumerate(script_of_language):
        if script_of_language.count(name) == 1:
            assigned[:, :known] &= scripts != name
            assigned[row, :known] |= scripts == name
    assigned[:, [token for token in special_ids(tokenizer) if token < size]] = (
        False  # </s> has a Latin letter
    )
    return assigned


def _sentences_with(rows: TokenRows, size: int) -> np.ndarray:
    """Number of sentences that contain each token, int64 [token]."""
    distinct = [np.unique(ids) for ids in rows.own_ids]
    return np.bincount(np.concatenate(distinct), minlength=size)
