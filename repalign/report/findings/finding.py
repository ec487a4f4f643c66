"""Finding: one sentence of the first screen."""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_NAMED_LANGUAGES = 12
"""With more languages than this, findings count languages instead of naming each."""


@dataclass(frozen=True)
class Finding:
    """A sentence and the test that supports it.

    Attributes:
        question: "where", "changed" or "sure".
        text: the sentence.
        evidence: the test.
        choice: what the page shows when the finding is selected, e.g. metric, variant, layer.
        details: the same for each language.
    """

    question: str
    text: str
    evidence: str = ""
    choice: dict[str, str | int] = field(default_factory=dict)
    details: tuple[Finding, ...] = ()
