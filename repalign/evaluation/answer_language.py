"""The language of an answer, detected with lingua (github.com/pemistahl/lingua-rs) among the evaluated languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from repalign.corpora.languages import HAN_SCRIPTS, script_of, short
from repalign.errors import RepalignError
from repalign.evaluation.items import Item
from repalign.results.schema import EVALUATION

if TYPE_CHECKING:
    import pandas as pd

REFERENCES = "references"
"""Stands for a checkpoint in the table: the detected languages of the references, which show how reliable detection is
on texts this short."""

LINGUA = {"no": "nb", "fil": "tl"}
"""Languages that lingua calls by another code."""


def _lingua() -> Any:
    try:
        import lingua
    except ImportError as error:
        raise RepalignError(
            "detecting the language of answers needs lingua: pip install lingua-language-detector, or skip it with "
            "--no-language (detect=False)"
        ) from error
    return lingua


@cache
def _detector(languages: tuple[str, ...]) -> Any:
    lingua = _lingua()
    if len(languages) < 2:
        return None
    known = [getattr(lingua.IsoCode639_1, language.upper()) for language in languages]
    return lingua.LanguageDetectorBuilder.from_iso_codes_639_1(*known).build()


def lingua_code(language: str) -> str | None:
    """Lingua's two-letter code of a language; None if lingua does not know the language in its script.

    >>> [lingua_code(code) for code in ("zho_Hant", "cmn", "pt_BR", "nob", "arb_Latn", "khm")]
    ['zh', 'zh', 'pt', 'nb', None, None]
    """
    usual = short(language)
    scripts = {script_of(language), script_of(usual)}
    code = LINGUA.get(usual, usual)
    is_known = hasattr(_lingua().IsoCode639_1, code.upper()) and (len(scripts) == 1 or scripts <= HAN_SCRIPTS)
    return code if is_known else None


def answer_languages(answers: Sequence[str], asked: str, languages: Sequence[str]) -> list[str | None]:
    """Each answer's language, as it is spelled among `languages`; None if it cannot be detected, as for a bare number.

    Variants of one language (zho_Hans and zho_Hant) are not distinguished: the language asked is preferred. Answers to
    questions in a language that lingua does not know are not detected, as every answer would be given to another.

    Args:
        answers: texts, all in reply to questions in one language.
        asked: that language.
        languages: to choose among, in any spelling; with fewer than two nothing is detected.

    Raises:
        RepalignError: lingua is not installed.
    """
    spelling: dict[str | None, str] = {}
    for language in (asked, *languages):
        spelling.setdefault(lingua_code(language), language)
    if lingua_code(asked) is None:
        return [None] * len(answers)
    detector = _detector(tuple(sorted(filter(None, spelling))))
    detected = [detector.detect_language_of(text) if detector and text.strip() else None for text in answers]
    return [spelling[one.iso_code_639_1.name.lower()] if one else None for one in detected]


def check_detector() -> None:
    """Fail before an hour of answers rather than after it.

    Raises:
        RepalignError: lingua is not installed.
    """
    _lingua()


def language_table(
    items: Mapping[str, Sequence[Item]], detected: Mapping[str, Mapping[str, Sequence[str | None]]]
) -> pd.DataFrame:
    """How often each language was answered in which: checkpoint, asked, answered (NA: not detected), count, share.

    Args:
        items: by language.
        detected: checkpoint (or `REFERENCES`) -> language of the question -> language of each answer. Languages that
            it lacks are left out.
    """
    rows = [
        {
            "checkpoint": name, "asked": asked, "answered": answered, "count": languages.count(answered),
            "share": languages.count(answered) / len(languages),
        }
        for name, by_question in detected.items()
        for asked, languages in ((asked, list(by_question[asked])) for asked in items if asked in by_question)
        for answered in dict.fromkeys(sorted(languages, key=lambda code: (code is None, code or "")))
    ]  # fmt: skip
    return EVALUATION["answer_languages"].frame(rows)
