"""suspects_of(): how much every row of every language is suspected, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from repalign.corpora.checks import duplicate_groups
from repalign.errors import RepalignError
from repalign.results.schema import SUSPECTS
from repalign.states.layer_states import LayerStates
from repalign.suspects.expectation import expected, flagged, spread_by
from repalign.suspects.kinds import Pieces, guesses
from repalign.suspects.meaning import LEAST, Meaning, meanings
from repalign.suspects.numbers import differ
from repalign.suspects.other_language import in_another_script, nearer_to_another

if TYPE_CHECKING:
    import pandas as pd

LEAST_ROWS = 30
"""Different sentences of the pivot: fewer do not say what is usual."""

THRESHOLD = 4.0
"""Score from which a row is suspected."""


@dataclass(frozen=True)
class Scored:
    """What is known of all rows.

    Attributes:
        table: all rows, as `repalign.results.schema.SUSPECTS["suspects"]` declares, the most suspect first.
        readings: what the states say, by language.
        unread: languages that no layer brings together with the pivot, with the share that the best layer does.
    """

    table: pd.DataFrame
    readings: Mapping[str, Meaning]
    unread: Mapping[str, float] = field(default_factory=dict)


def suspects_of(
    states: LayerStates, pivot: str, threshold: float = THRESHOLD, progress: bool = True
) -> Scored:
    """Score every row of every language against the pivot.

    Args:
        states: of all layers, with their texts.
        pivot: language that the others are compared with, one of those of the states.
        threshold: score from which a row is suspected.
        progress: whether to show signs of life: see `repalign.progress`.

    Raises:
        RepalignError: fewer than two languages or than `LEAST_ROWS` different sentences, or no layer that brings any language
            together with the pivot.
    """
    import pandas as pd

    others = [language for language in states.languages if language != pivot]
    same = duplicate_groups({pivot: states.texts[pivot]})
    if not others or len(np.unique(same)) < LEAST_ROWS:
        raise RepalignError(
            f"suspects need two or more languages and {LEAST_ROWS} different sentences, not {len(np.unique(same))} of "
            f"{pivot!r} in {', '.join(states.languages)}; give more text"
        )
    near = nearer_to_another(states)
    # Tokens rather than characters: a name in Latin letters is as long as a Chinese sentence.
    lengths = {
        language: np.log(np.maximum(states.token_counts[language], 1)) for language in states.languages
    }
    read = meanings(states, pivot, others, same, lengths, progress)
    readings = {language: one for language, one in read.items() if one.working.any()}
    unread = {
        language: float(one.together.max()) for language, one in read.items() if language not in readings
    }
    parts: list[pd.DataFrame] = []
    for language, one in readings.items():
        # The shorter a sentence, the more its length varies: the variance of a sum of words, over its square.
        longer = lengths[language] - expected(lengths[language], lengths[pivot])
        longer = spread_by(longer, np.exp(-lengths[pivot] / 2))
        pieces = _pieces(
            states.texts[pivot], states.texts[language], language, one.score, longer, near[language]
        )
        parts.append(_rows(language, one, pieces, threshold))
    if not parts:
        shares = ", ".join(f"{language}: {share:.1%}" for language, share in unread.items())
        raise RepalignError(
            f"no layer of {states.checkpoint} brings {LEAST:.0%} of the pairs together (best layers: {shares}), so that it "
            "knows nothing of single pairs; use a model that reads these languages"
        )
    return Scored(_ranked(pd.concat(parts, ignore_index=True), len(parts)), readings, unread)


def _pieces(
    pivot: Sequence[str],
    rows: Sequence[str],
    language: str,
    worse: np.ndarray,
    longer: np.ndarray,
    near: np.ndarray,
) -> Pieces:
    has_numbers, mismatch = differ(pivot, rows)
    flags = in_another_script(language, rows, pivot) | near
    return Pieces(
        worse, longer, flagged(mismatch, has_numbers), flagged(flags, np.ones(len(rows), dtype=bool))
    )


def _rows(language: str, read: Meaning, pieces: Pieces, threshold: float) -> pd.DataFrame:
    import pandas as pd

    score = pieces.score
    suspected = score >= threshold
    fits = pd.Series(read.fits, dtype="Int64").where(read.fits >= 0)
    return pd.DataFrame(
        {
            "language": language,
            "sentence": np.arange(len(score)),
            "score": score,
            "meaning": pieces.meaning,
            "length": pieces.length,
            "number": pieces.number,
            "other_language": pieces.language,
            "kind": guesses(pieces, read.fits, suspected),
            "fits": fits,
            "together": read.layers_together,
            "suspected": suspected,
        }
    )


def _ranked(rows: pd.DataFrame, languages: int) -> pd.DataFrame:
    """Ranked, with the number of languages in which a row is suspected and what that says."""
    rows = rows.sort_values("score", ascending=False, kind="stable", ignore_index=True)
    count = rows.groupby("sentence")["suspected"].transform("sum").astype("int64")
    side = np.select(
        [~rows["suspected"] | (languages < 2), 2 * count > languages, count == 1],
        ["", "source", "translation"],
        "several",
    )
    ranked = rows.assign(rank=np.arange(1, len(rows) + 1), suspected_in=count, side=side)
    return ranked[SUSPECTS["suspects"].names]
