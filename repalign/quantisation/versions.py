"""Versions of one model: refused unless they have the same shape and read the same tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from repalign.errors import RepalignError
from repalign.models.tokenization import TokenRows
from repalign.states.subject import Subject

SHAPE = {
    "model_type": "model type",
    "num_hidden_layers": "number of layers",
    "hidden_size": "number of dims",
    "vocab_size": "size of the vocabulary",
}
"""Settings that all versions of a model share, and what they are called."""

REMEDY = "give versions of one model, such as GGUF files made from one source; `repalign compare` takes different ones"


def check_versions(subjects: Sequence[Subject]) -> None:
    """Refuse models whose configurations differ, before any weights are loaded.

    Args:
        subjects: the first is the one that the others are compared with.

    Raises:
        RepalignError: names the first difference.
    """
    base, *others = subjects
    for other in others:
        for setting, label in SHAPE.items():
            values = [getattr(one.config.get_text_config(), setting, None) for one in (base, other)]
            if values[0] != values[1]:
                raise RepalignError(
                    f"{other.name} is no version of {base.name}: the {label} is {values[1]}, not {values[0]}; {REMEDY}"
                )


def check_tokens(
    names: tuple[str, str], base: Mapping[str, TokenRows], other: Mapping[str, TokenRows]
) -> None:
    """Refuse tokenizers that give a sentence other tokens, whose losses could not be paired.

    Args:
        names: of the base and of the other version.
        base, other: tokens by language, with the special ones that the tokenizer adds.

    Raises:
        RepalignError: names the first sentence.
    """
    for language, rows in base.items():
        others = other[language]
        if len(rows) != len(others):
            raise RepalignError(
                f"{names[1]} reads {len(others)} of the sentences, {names[0]} {len(rows)}: they are too long for one of them; "
                "give shorter ones"
            )
        pairs = zip(rows.ids, others.ids, strict=True)
        row = next((row for row, (one, two) in enumerate(pairs) if not np.array_equal(one, two)), None)
        if row is not None:
            raise RepalignError(
                f"{names[1]} is no version of {names[0]}: their tokenizers give sentence {row + 1} of {language!r} different "
                f"tokens; {REMEDY}"
            )


def in_order(divergences: Mapping[str, float]) -> list[str]:
    """Versions from the mildest compression to the harshest: by the divergence of their predictions from the base's.

    Args:
        divergences: mean KL divergence over languages, nats per token.
    """
    return sorted(divergences, key=lambda name: (divergences[name], name))
