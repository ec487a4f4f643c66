"""Kinds of sources: what the names in a mixture mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from repalign import RepalignError
from repalign.errors import unknown

from . import files, phrasebook
from .items import Items

Reader = Callable[[tuple[str, ...], Mapping[str, Any], str], Items]
"""(languages, options, split) -> items; split is "train" or "held-out"."""


@dataclass(frozen=True)
class Kind:
    """A way to read items.

    Attributes:
        read: see `Reader`.
        languages: numbers of languages that a term may name.
        options: keys that the recipe's table may have, besides `kind`.
        held_out: whether the source has a held-out split.
    """

    read: Reader
    languages: tuple[int, ...]
    options: tuple[str, ...] = ()
    held_out: bool = False


KINDS = {
    "phrasebook-text": Kind(phrasebook.text, (1,), held_out=True),
    "phrasebook-tasks": Kind(phrasebook.tasks, (1, 2), held_out=True),
    "phrasebook-translation": Kind(phrasebook.translation, (1, 2), ("ask", "brief"), held_out=True),
    "phrasebook-phrases": Kind(phrasebook.phrases, (2,), held_out=True),
    "phrasebook-switched": Kind(phrasebook.switched, (1, 2), held_out=True),
    "instructions": Kind(files.instructions, (1,), ("path",)),
    "pairs": Kind(files.pairs, (2,), ("path", "columns", "hub", "via", "ask", "brief")),
    "repeat": Kind(files.repeat, (1,), ("path", "columns", "brief")),
    "text": Kind(files.text, (1,), ("path",)),
}


def source_kind(name: str, sources: Mapping[str, Mapping[str, Any]]) -> Kind:
    """The kind of a recipe's source.

    Raises:
        RepalignError: the recipe has no such source, or its table is wrong.
    """
    if name not in sources:
        raise unknown(
            "source", name, sources, "the recipe's [sources] table says what the names in its mixture mean"
        )
    if not isinstance(sources[name], Mapping):
        raise RepalignError(f"sources.{name} should be a table with a kind, not {sources[name]!r}")
    options = dict(sources[name])
    kind = options.pop("kind", "")
    if kind not in KINDS:
        raise unknown("kind of source", kind, KINDS, f"in sources.{name}")
    for option, value in options.items():
        if option not in KINDS[kind].options:
            raise RepalignError(f"sources.{name}: {unknown('option', option, KINDS[kind].options)}")
        if type(value) is not (bool if option == "brief" else str):
            expected = "true or false" if option == "brief" else "text"
            raise RepalignError(f"sources.{name}.{option} should be {expected}, not {value!r}")
    return KINDS[kind]


def read_source(
    name: str, languages: tuple[str, ...], sources: Mapping[str, Mapping[str, Any]], split: str = "train"
) -> Items:
    """The items of a recipe's source in the given languages.

    Raises:
        RepalignError: see `source_kind`; the wrong number of languages; a file that is missing or damaged.
    """
    kind = source_kind(name, sources)
    if len(languages) not in kind.languages:
        expected = " or ".join(str(count) for count in kind.languages)
        raise RepalignError(
            f"source {name!r} takes {expected} language(s), not {'-'.join(languages)!r}; a code of several parts is written "
            "in braces, e.g. {pt-br}"
        )
    return kind.read(languages, sources[name], split)
