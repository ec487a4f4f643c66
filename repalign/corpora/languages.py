"""What codes of languages mean: the one table behind prompts, scores, filters, corpora and models.

Corpora, models and papers write one language in many ways: `zh`, `zho`, `cmn`, `zh-CN`, `zho_Hans`. What a code means is
read from CLDR and ISO 639 (packages `langcodes` and `language_data`); every table of this project is keyed by
`Language.short`, and scripts are those of `Language.script`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import langcodes

CODE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")
"""The form of codes: ISO 639 with an optional script or region, such as zh, zho_Hans and pt-BR."""

NAMES = {"bn": "Bengali", "ckb": "Central Kurdish", "my": "Burmese"}
"""Names that this field uses instead of CLDR's ("Bangla")."""

USUAL = {"nob": "nor", "pbt": "pus"}
"""Languages that corpora and models also call by the second code, where CLDR keeps the two apart."""

WHOLE_SCRIPTS = {"Hang": "Kore"}
"""Names of a part of a writing system, and of the whole: text in Hangul is Korean as it is usually written."""

SCRIPTS_WITHOUT_SPACES = {"Hans", "Hant", "Jpan", "Thai", "Laoo", "Khmr", "Mymr", "Tibt"}
"""Writing systems that do not put spaces between words."""

HAN_SCRIPTS = {"Hani", "Hans", "Hant"}
"""Writing systems of Chinese characters only."""

LETTERS = {"Hans": "Hani Bopo", "Hant": "Hani Bopo", "Jpan": "Hani Hira Kana", "Kore": "Hang Hani"}
"""Writing systems of several scripts, and the scripts of Unicode that their letters belong to."""

SPEAKERS = 100_000
"""Nearly every three letters are the code of some language (`doc`, `ids`, `src`). A bare code of three letters names a
column or file of text only if CLDR counts so many speakers, or if the language also has a code of two letters."""

SPELLINGS = {"zho_simpl": "zho_Hans", "zho_trad": "zho_Hant"}
"""Codes of FLORES-101 that no standard has."""

WORDS = {"src"}
"""Codes that nearly always mean something else: a source text, not Logudorese."""


class Language(NamedTuple):
    """What a code means.

    Attributes:
        language: ISO 639-3, e.g. "arb"; of a two-letter code the one that it stands for, e.g. "ara".
        usual: the same for a macrolanguage and the member of it that is usually meant: "ara" for both. A member that
            is not usually meant stays itself: "arz".
        short: `usual` in two letters if it has such a code: "ar", "arz". The key of tables.
        script: ISO 15924; where the code names none, the likely one in its region by CLDR; "" if CLDR knows none.
        region: as in the code, e.g. "BR" or "419"; "" for none.
        variant: the rest of the code, e.g. "valencia"; "" for none.
        is_specific: whether the code names a script, region or variant.
    """

    language: str
    usual: str
    short: str
    script: str
    region: str
    variant: str
    is_specific: bool

    @property
    def tag(self) -> str:
        """One spelling per language, script and region, by BCP 47: "zh", "zh-Hant", "pt-PT"."""
        from langcodes import Language as Tag

        script = "" if self.script == script_of(self.short) else self.script
        likely = Tag.get("-".join(filter(None, (self.short, script)))).maximize()
        region = "" if self.region == likely.territory else self.region
        return "-".join(filter(None, (self.short, script, region, self.variant)))


@lru_cache(maxsize=4096)
def find(code: str) -> Language | None:
    """What a code means; None for what is no code of a language.

    Codes may be those of ISO 639-1, 639-2 and 639-3, of BCP 47, of FLORES (`zho_Hans`) or of mBART (`zh_CN`, `en_XX`).
    """
    from langcodes import Language as Tag
    from langcodes.tag_parser import LanguageTagError

    code = SPELLINGS.get(code, code)
    try:
        tag, raw = Tag.get(code), Tag.get(code, normalize=False)
    except LanguageTagError:
        return None
    if tag.territory and not raw.territory:  # Dari, prs, would become the Persian of Afghanistan
        tag = raw
    if not tag.language:
        return None
    language = _three_letters(tag)
    usual = USUAL.get(language) or _three_letters(tag.prefer_macrolanguage())
    shortest = Tag.get(usual)
    script = _script(tag, shortest)
    region = "" if tag.territory in (None, "XX") else str(tag.territory)
    variant = "-".join(tag.variants or ())
    return Language(
        language, usual, usual if shortest.territory else str(shortest.language), WHOLE_SCRIPTS.get(script, script), region,
        variant, is_specific=bool(tag.script or region or variant),
    )  # fmt: skip


def _script(tag: langcodes.Language, shortest: langcodes.Language) -> str:
    """The script that a tag names, or the likely one. CLDR has none for most languages, and would guess Latin letters."""
    from langcodes.data_dicts import LIKELY_SUBTAGS

    if tag.script:
        return tag.script
    known = next((one for one in (tag, shortest) if one.language in LIKELY_SUBTAGS), None)
    if known is None:
        return ""
    return str(known.update_dict({"territory": tag.territory}).maximize().script)


def _three_letters(tag: langcodes.Language) -> str:
    try:
        return tag.to_alpha3()
    except LookupError:  # not in ISO 639, such as M2M100's ns
        return str(tag.language)


def short(code: str) -> str:
    """The key of a code in tables: "zh" for zho_Hans, cmn and zh-TW. What is no code of a language is its own."""
    language = find(code)
    return language.short if language else code


def script_of(code: str) -> str:
    """The script that a language is written in, by ISO 15924: "Hans", "Arab"; "" for what is no code of a language.

    >>> script_of("zh"), script_of("sr"), script_of("srp_Latn")
    ('Hans', 'Cyrl', 'Latn')
    """
    language = find(code)
    return language.script if language else ""


def canonical(code: str) -> str:
    """One spelling for all codes of the same language, script and region: see `Language.tag`.

    >>> [canonical(code) for code in ("zho_Hans", "cmn", "zh-CN", "zh_TW", "arb_Arab", "arb_Latn", "pt_BR", "en-US")]
    ['zh', 'zh', 'zh', 'zh-Hant', 'ar', 'ar-Latn', 'pt', 'en']
    """
    language = find(code)
    return language.tag if language else code


def has_spaces(code: str) -> bool:
    """Whether a language puts spaces between words."""
    return script_of(code) not in SCRIPTS_WITHOUT_SPACES


def looks_like_code(text: str) -> bool:
    """Whether `text` has the form of a code, whatever it means."""
    return CODE.fullmatch(text) is not None


def is_code(text: str) -> bool:
    """Whether `text`, the name of a column or file, is the code of a language: see `SPEAKERS`.

    >>> [name for name in ("zh", "yue", "kbp_Latn", "id", "doc", "iso_15924", "has_image", "src", "xx") if is_code(name)]
    ['zh', 'yue', 'kbp_Latn', 'id']
    """
    from langcodes import Language as Tag

    language = find(text) if looks_like_code(text) and text.lower() not in WORDS else None
    if language is None or not Tag.get(text).is_valid():
        return False
    tag = Tag.get(text, normalize=False)
    if tag.extlangs and tag.language != "zh":  # zh-yue is Cantonese; en_ner is a column of labels
        return False
    if len(language.short) == 2 or tag.script:
        return True
    return Tag.get(language.short).speaking_population() >= SPEAKERS


def language_name(code: str) -> str:
    """English name of a language, with a script or region that is not the usual one; else the code itself.

    >>> [language_name(code) for code in ("zho_Hans", "zh-TW", "arz_Arab", "pt_BR", "elvish")]
    ['Chinese', 'Chinese (Traditional)', 'Egyptian Arabic', 'Portuguese', 'elvish']
    """
    from langcodes import Language as Tag

    language = find(code)
    if language is None or not Tag.get(language.short).is_valid():
        return code
    name = Tag.get(language.tag).display_name()
    plain = Tag.get(language.short).display_name()
    return name.replace(plain, NAMES.get(language.short, plain), 1)


@lru_cache(maxsize=4096)
def named(word: str) -> str | None:
    """The code of a language that is written as a code or as an English name; None for any other word.

    >>> [named(word) for word in ("zho_Hans", "arabic", "Swahili", "question", "dev")]
    ['zho_Hans', 'ar', 'sw', None, None]
    """
    import langcodes

    if is_code(word):
        return word
    try:
        code = str(langcodes.find(word, language="en").language)
    except LookupError:
        return None
    return code if is_code(code) else None
