"""Language codes and names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from langcodes import Language

CODE = re.compile(r"[a-z]{2,3}([-_][A-Za-z0-9]{2,8})*")
"""ISO 639 codes with an optional script or region: zh, zho_Hans, pt-BR."""

NAMES = {
    "ar": "Arabic", "bg": "Bulgarian", "bn": "Bengali", "cs": "Czech", "da": "Danish", "de": "German",
    "el": "Greek", "en": "English", "es": "Spanish", "et": "Estonian", "fa": "Persian", "fi": "Finnish",
    "fr": "French", "gu": "Gujarati", "he": "Hebrew", "hi": "Hindi", "hr": "Croatian", "hu": "Hungarian",
    "id": "Indonesian", "it": "Italian", "ja": "Japanese", "ka": "Georgian", "ko": "Korean", "lt": "Lithuanian",
    "lv": "Latvian", "ms": "Malay", "nl": "Dutch", "no": "Norwegian", "pl": "Polish", "pt": "Portuguese",
    "ro": "Romanian", "ru": "Russian", "sk": "Slovak", "sl": "Slovenian", "sr": "Serbian", "sv": "Swedish",
    "sw": "Swahili", "ta": "Tamil", "te": "Telugu", "th": "Thai", "tr": "Turkish", "uk": "Ukrainian",
    "ur": "Urdu", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip


def is_code(text: str) -> bool:
    """Whether `text` looks like a language code."""
    return CODE.fullmatch(text) is not None


def language_name(code: str) -> str:
    """English name of a language, or its code if it is not in `NAMES`."""
    return NAMES.get(re.split("[-_]", code)[0], code)


class Spoken(NamedTuple):
    """What decides whether two codes mean the same language.

    Attributes:
        language: ISO 639-3, e.g. "arb"; of a two-letter code the one that it stands for, e.g. "ara".
        usual: the same for a macrolanguage and the member of it that is usually meant: "ara" for both. A member that
            is not usually meant stays itself: "arz".
        script: ISO 15924; where the code names none, the likely one in its region by CLDR.
    """

    language: str
    usual: str
    script: str


USUAL = {"nob": "nor", "pbt": "pus"}
"""Languages that corpora and models also call by the second code, where CLDR keeps the two apart."""

WHOLE_SCRIPTS = {"Hang": "Kore"}
"""Names of a part of a writing system, and of the whole: text in Hangul is Korean as it is usually written."""


def match_language(code: str, supported: Iterable[str]) -> str | None:
    """The one of some codes that means the same language in the same script, or None.

    Codes may be those of ISO 639-1, 639-2 and 639-3, of BCP 47, of FLORES (`zho_Hans`) or of mBART (`zh_CN`, `en_XX`).
    A code without a script means the likely one: `zh` and `zh-CN` are simplified Chinese, and neither matches
    `zho_Hant`. `ar` is Standard Arabic (`arb`), never a dialect (`arz`). Regions matter only between several matches:
    `pt_BR` prefers `pt-BR` to `pt-PT`.

    >>> match_language("zh", ["eng_Latn", "zho_Hant", "zho_Hans"])
    'zho_Hans'

    Args:
        code: of a corpus; anything that is no code of a language matches only itself.
        supported: codes of a model.
    """
    from langcodes import tag_distance

    supported = list(supported)
    spoken = _spoken(code)
    if code in supported or spoken is None:
        return code if code in supported else None
    others = {other: one for other in supported if (one := _spoken(other)) and one.script == spoken.script}
    same = [other for other, one in others.items() if one.language == spoken.language]
    same = same or [other for other, one in others.items() if one.usual == spoken.usual]
    return min(same, key=lambda other: tag_distance(code, other), default=None)


@lru_cache(maxsize=4096)
def _spoken(code: str) -> Spoken | None:
    """None for what is no code of a language."""
    from langcodes import Language
    from langcodes.tag_parser import LanguageTagError

    try:
        tag, raw = Language.get(code), Language.get(code, normalize=False)
    except LanguageTagError:
        return None
    script = tag.prefer_macrolanguage().maximize().script
    if tag.territory and not raw.territory:  # Dari, prs, would become the Persian of Afghanistan
        tag = raw
    if not tag.language or not script:
        return None
    language = _three_letters(tag)
    usual = USUAL.get(language) or _three_letters(tag.prefer_macrolanguage())
    return Spoken(language, usual, WHOLE_SCRIPTS.get(script, script))


def _three_letters(tag: Language) -> str:
    try:
        return tag.to_alpha3()
    except LookupError:  # not in ISO 639, such as M2M100's ns
        return str(tag.language)
