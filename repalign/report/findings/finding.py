"""Finding: one sentence of the first screen, and the claims that it makes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

MAX_NAMED_LANGUAGES = 12
"""With more languages than this, findings count languages instead of naming each."""

Kind = Literal[
    "aligned", "above chance", "best layers", "rises", "falls", "early", "passes", "closer", "further", "disagree",
    "no evidence", "too weak", "too few", "not beyond",
]  # fmt: skip
"""What a sentence may claim, of each of its languages:

aligned: nearer to the pivot than unrelated sentences, and than every control that was computed.
above chance: nearer than unrelated sentences; no claim about controls.
best layers: the layer where it is nearest is among `layers`.
rises, falls: nearer at the best layer than at the first, or the last, of those scored.
early: above chance at layer 0.
passes: beyond the control `other`.
closer, further: nearer to the pivot than in the baseline `other`, or less near, at each of `layers`.
disagree: the metric finds these languages, and some other metric does not.
no evidence, too weak, too few, not beyond: that a claim is not made; `other` is the control that was not exceeded.
"""


@dataclass(frozen=True)
class Claim:
    """What a sentence asserts, in a form that can be checked.

    Attributes:
        kind: what is claimed.
        checkpoint, metric, variant: of what.
        languages: of which languages; it holds for each.
        layers: for the kinds that name layers.
        other: a control, or the baseline.
    """

    kind: Kind
    checkpoint: str
    metric: str
    variant: str
    languages: tuple[str, ...]
    layers: tuple[int, ...] = ()
    other: str = ""


@dataclass(frozen=True)
class LanguageRow:
    """What a finding says of one language, as a row of a table.

    Attributes:
        language: its code.
        name: its name with the code.
        score: at its best layer (or the largest difference), with the interval; empty if unknown.
        layers: that may be the best, or of the largest difference.
        verdict: what may be claimed, e.g. "aligned", "not beyond shared tokens", "no evidence".
        evidence: the test.
        choice: what the page shows when the row is selected.
        claims: all that the row asserts.
    """

    language: str
    name: str
    score: str
    layers: str
    verdict: str
    evidence: str
    choice: dict[str, str | int] = field(default_factory=dict)
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True)
class Finding:
    """A sentence and the test that supports it.

    Attributes:
        question: "headline", "where", "changed" or "sure".
        text: the sentence.
        evidence: the test.
        choice: what the page shows when the finding is selected, e.g. metric, variant, layer.
        details: the same for each language.
        claims: all that the text asserts.
    """

    question: str
    text: str
    evidence: str = ""
    choice: dict[str, str | int] = field(default_factory=dict)
    details: tuple[LanguageRow, ...] = ()
    claims: tuple[Claim, ...] = ()
