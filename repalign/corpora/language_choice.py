"""Which of several languages is meant by a code: of a corpus, of states, of a model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from repalign.corpora.languages import find
from repalign.errors import RepalignError, unknown

T = TypeVar("T")

PIVOT = "en"
"""The language that others are compared with by default."""


def find_language(code: str, available: Iterable[str], where: str) -> str:
    """The one of a corpus's languages that is meant by a code.

    Two scripts or variants of a language are never mixed up: a code that names neither is refused where both are.

    >>> find_language("en", ["eng_Latn", "zho_Hans"], "corpus 'flores'")
    'eng_Latn'

    Args:
        code: as asked for.
        available: codes of the corpus.
        where: how a message refers to it.

    Raises:
        RepalignError: none of them is meant, or several are.
    """
    available = list(available)
    if code in available:
        return code
    found = matching(code, available)
    if len(found) > 1:
        raise RepalignError(f"{code!r} may be any of {', '.join(found)} {where}; name one of them")
    if not found:
        raise unknown("language", code, available, where)
    return found[0]


def matching(code: str, available: Sequence[str]) -> list[str]:
    """Those of a corpus's languages that a code may mean: see `find_language`."""
    asked = find(code)
    if asked is None:
        return []
    found = {one: meant for one in available if (meant := find(one))}
    same = [one for one, meant in found.items() if meant.language == asked.language]
    same = same or [one for one, meant in found.items() if meant.usual == asked.usual]
    written = [
        one
        for one in same
        if asked.script in ("", found[one].script) and asked.variant in ("", found[one].variant)
    ]
    if asked.is_specific:
        in_region = [one for one in written if found[one].region == asked.region]
        return in_region or [one for one in written if not (asked.region and found[one].region)]
    plain = [one for one in same if not found[one].is_specific]
    if plain or not written:
        return plain
    return same


def choose(available: Mapping[str, T], languages: Sequence[str] | None, where: str) -> dict[str, T]:
    """The entries of some languages, in the order and by the codes asked for.

    Args:
        available: language code -> anything.
        languages: codes, see `find_language`; None for all that are available.
        where: how error messages refer to the source.

    Raises:
        RepalignError: a language that is not available, or that is named twice.
    """
    if not languages:
        return dict(available)
    found = {code: find_language(code, available, where) for code in languages}
    if len(set(found.values())) != len(languages):
        raise RepalignError(f"a language is named twice in {','.join(languages)}")
    return {code: available[one] for code, one in found.items()}


def default_pivot(available: Sequence[str]) -> str:
    """English if it is there, in whatever spelling; else the first."""
    return PIVOT if PIVOT in available else (matching(PIVOT, available) or available)[0]


def match_language(code: str, supported: Iterable[str]) -> str | None:
    """The one of a model's codes that means the same language in the same script, or None.

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
    asked = find(code)
    if code in supported or asked is None:
        return code if code in supported else None
    others = {
        other: one
        for other in supported
        if (one := find(other)) and (one.script == asked.script or "" in (one.script, asked.script))
    }
    same = [other for other, one in others.items() if one.language == asked.language]
    same = same or [other for other, one in others.items() if one.usual == asked.usual]
    return min(same, key=lambda other: tag_distance(code, other), default=None)
