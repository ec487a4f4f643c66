"""The terms of a page: each is explained on hover where it first occurs in a text, and in a glossary at the foot."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from repalign.files import read_toml

if TYPE_CHECKING:
    from markupsafe import Markup


@dataclass(frozen=True)
class Term:
    """A term and what it means.

    Attributes:
        id: the name of a metric, measure, control or variant, or a slug.
        name: as the glossary lists it.
        definition: one to three sentences.
        also: other forms of it in running text.
    """

    id: str
    name: str
    definition: str
    also: tuple[str, ...] = ()


@cache
def terms() -> dict[str, Term]:
    """Every term by its id, in the order of `glossary.toml`."""
    entries = read_toml(Path(__file__).with_name("glossary.toml"))["term"]
    found = [Term(one["id"], one["name"], one["definition"], tuple(one.get("also", ()))) for one in entries]
    return {term.id: term for term in found}


@cache
def _forms() -> tuple[dict[str, Term], re.Pattern[str]]:
    """The term of each form, and a pattern that finds the longest one at a word boundary."""
    forms = {form: term for term in terms().values() for form in (term.name, *term.also)}
    longest_first = sorted(forms, key=len, reverse=True)
    return forms, re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, longest_first))})(?![\w-])")


class Glossary:
    """The glossary of one page: it holds the terms that the page's texts used."""

    def __init__(self) -> None:
        self._used: set[str] = set()

    def explained(self, text: object) -> Markup:
        """A text, escaped, in which each known term is linked to its definition where it first occurs.

        Its definition shows on hover (by common.js, from the glossary); a click or tap goes there.
        """
        from markupsafe import Markup, escape

        forms, pattern = _forms()
        given, parts, end, seen = str(text), [], 0, set()
        for match in pattern.finditer(given):
            term = forms[match[0]]
            if term.id in seen:
                continue
            seen.add(term.id)
            parts += [escape(given[end : match.start()]), self._link(term, match[0])]
            end = match.end()
        self._used |= seen
        return Markup("").join([*parts, escape(given[end:])])

    def include(self, ids: Iterable[str]) -> None:
        """Take up the terms of these ids, e.g. of the metrics that can be chosen; unknown ids are ignored."""
        self._used |= terms().keys() & set(ids)

    def used(self) -> list[Term]:
        """The terms that occurred, by name."""
        found = [term for term in terms().values() if term.id in self._used]
        return sorted(found, key=lambda term: term.name.casefold())

    @staticmethod
    def _link(term: Term, form: str) -> Markup:
        from markupsafe import Markup

        return Markup('<a class="term" href="#term-{}">{}</a>').format(term.id, form)
