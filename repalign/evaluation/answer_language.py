"""The language that an answer is in, by lingua (github.com/pemistahl/lingua-rs), among the languages at hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from repalign.errors import RepalignError
from repalign.evaluation.items import Item
from repalign.results.schema import EVALUATION

if TYPE_CHECKING:
    import pandas as pd

REFERENCES = "references"
"""In the place of a checkpoint: what the detector makes of right answers, short as they are."""


@cache
def _detector(languages: tuple[str, ...]) -> Any:
    try:
        from lingua import IsoCode639_1, LanguageDetectorBuilder
    except ImportError as error:
        raise RepalignError(
            "the language of answers needs lingua: pip install lingua-language-detector, or leave it out by --no-language"
        ) from error
    known = [getattr(IsoCode639_1, code.upper()) for code in languages if hasattr(IsoCode639_1, code.upper())]
    if len(known) < 2:
        return None
    return LanguageDetectorBuilder.from_iso_codes_639_1(*known).build()


def answer_languages(answers: Sequence[str], languages: Sequence[str]) -> list[str | None]:
    """Code of each answer's language; None where nothing tells, as for a bare number.

    Args:
        answers: texts.
        languages: short codes of those it may be in; with fewer than two there is nothing to tell.

    Raises:
        RepalignError: lingua is not installed.
    """
    detector = _detector(tuple(sorted(set(languages))))
    found = [detector.detect_language_of(text) if detector and text.strip() else None for text in answers]
    return [language.iso_code_639_1.name.lower() if language else None for language in found]


def language_table(
    items: Mapping[str, Sequence[Item]], detected: Mapping[str, Mapping[str, Sequence[str | None]]]
) -> pd.DataFrame:
    """How often each language was answered in which: checkpoint, asked, answered (NA: cannot be told), count, share.

    Args:
        items: of each language.
        detected: checkpoint (or `REFERENCES`) -> language asked in -> language of each answer.
    """
    rows = [
        {
            "checkpoint": name, "asked": asked, "answered": answered, "count": found.count(answered),
            "share": found.count(answered) / len(found),
        }
        for name, own in detected.items()
        for asked, found in ((asked, list(own[asked])) for asked in items)
        for answered in dict.fromkeys(sorted(found, key=lambda language: (language is None, language or "")))
    ]  # fmt: skip
    return EVALUATION["languages"].frame(rows)
