"""The language of an answer, detected with lingua (github.com/pemistahl/lingua-rs) among the evaluated languages."""

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
"""Stands for a checkpoint in the table: the detected languages of the references, which show how reliable detection is
on texts this short."""


@cache
def _detector(languages: tuple[str, ...]) -> Any:
    try:
        from lingua import IsoCode639_1, LanguageDetectorBuilder
    except ImportError as error:
        raise RepalignError(
            "detecting the language of answers needs lingua: pip install lingua-language-detector, or skip it with "
            "--no-language (detect=False)"
        ) from error
    known = [getattr(IsoCode639_1, code.upper()) for code in languages if hasattr(IsoCode639_1, code.upper())]
    if len(known) < 2:
        return None
    return LanguageDetectorBuilder.from_iso_codes_639_1(*known).build()


def answer_languages(answers: Sequence[str], languages: Sequence[str]) -> list[str | None]:
    """Code of each answer's language; None if it cannot be detected, as for a bare number.

    Args:
        answers: texts.
        languages: two-letter codes to choose among; with fewer than two nothing is detected.

    Raises:
        RepalignError: lingua is not installed.
    """
    detector = _detector(tuple(sorted(set(languages))))
    detected = [detector.detect_language_of(text) if detector and text.strip() else None for text in answers]
    return [language.iso_code_639_1.name.lower() if language else None for language in detected]


def check_detector() -> None:
    """Fail before an hour of answers rather than after it.

    Raises:
        RepalignError: lingua is not installed.
    """
    _detector(("en", "zh"))


def language_table(
    items: Mapping[str, Sequence[Item]], detected: Mapping[str, Mapping[str, Sequence[str | None]]]
) -> pd.DataFrame:
    """How often each language was answered in which: checkpoint, asked, answered (NA: not detected), count, share.

    Args:
        items: by language.
        detected: checkpoint (or `REFERENCES`) -> language of the question -> language of each answer.
    """
    rows = [
        {
            "checkpoint": name, "asked": asked, "answered": answered, "count": languages.count(answered),
            "share": languages.count(answered) / len(languages),
        }
        for name, by_question in detected.items()
        for asked, languages in ((asked, list(by_question[asked])) for asked in items)
        for answered in dict.fromkeys(sorted(languages, key=lambda code: (code is None, code or "")))
    ]  # fmt: skip
    return EVALUATION["languages"].frame(rows)
