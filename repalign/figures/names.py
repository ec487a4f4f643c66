"""Names and texts as figures and pages show them: of bounded length, distinct, and without invisible characters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import accumulate, count, takewhile
from typing import TYPE_CHECKING, Any, TypeVar

from repalign.figures.security import END_ISOLATE, ISOLATE, as_text, isolated
from repalign.results.profile import LayerProfile
from repalign.results.results import Results
from repalign.results.tables import TableSet

if TYPE_CHECKING:
    import pandas as pd

LONGEST = 48
"""Columns of a name; a Chinese character takes two."""

LONGEST_LABEL = 32
"""Columns of a name along an axis."""

LONGEST_TITLE = 160
"""Columns of a title."""

LONGEST_TEXT = 1_000
"""Columns of any other text: a setting, a note, a command."""

LONGEST_FULL = 300
"""Columns of the full form that is given of a name that was shortened."""

COLUMNS = (
    "checkpoint", "baseline", "metric", "variant", "source", "target", "language", "other", "left", "right", "reducer",
    "measure", "control", "scorer", "judge", "asked", "answered", "toward", "of",
)  # fmt: skip
"""Columns that hold names."""

INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u200b\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
"""Control characters, overrides of direction, characters without width, halves of surrogate pairs."""

MARKS = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"

STACKED = re.compile(f"({MARKS}{{4}}){MARKS}+")
"""More marks on one letter than any writing system has: they would cover the lines above and below."""

Saved = TypeVar("Saved", bound="Results | TableSet")


def width(text: str) -> int:
    """How many columns of a fixed-width font a text takes at most."""
    return sum(map(_columns, text))


def shortened(text: str, longest: int) -> str:
    """Text of at most `longest` columns, cut in its middle.

    >>> shortened("meta-llama/Llama-3.2-1B", 23), shortened("meta-llama/Llama-3.2-1B", 15), shortened("一二三四五", 7)
    ('meta-llama/Llama-3.2-1B', 'meta-ll…-3.2-1B', '一…五')
    """
    if width(text) <= longest:
        return text
    half = (longest - 1) // 2
    end = _start(text[::-1], half)[::-1]
    while end and unicodedata.combining(end[0]):  # a mark of a letter that was cut off
        end = end[1:]
    return f"{_start(text, half)}…{end}"


def visible(text: str) -> str:
    """Text with a replacement character for what cannot be seen, changes the direction of others, or is stacked on them.

    >>> visible("a\u202eb")
    'a\ufffdb'
    """
    return STACKED.sub("\\1\ufffd", INVISIBLE.sub("\ufffd", text))


class Names:
    """Display names of names, and of the texts of a JSON value.

    Args:
        names: in the order of their display names' numbers, where several would be the same.
        longest: columns of a display name.

    Attributes:
        full: the original of each display name that was changed, itself of bounded length.
    """

    def __init__(self, names: Iterable[str], longest: int = LONGEST) -> None:
        short = {name: _short(name, longest) for name in dict.fromkeys(names)}
        # Names that need no change keep themselves, whatever the others are cut to.
        used = {name for name, own in short.items() if own == name}
        self._shown: dict[str, str] = {}
        self.full: dict[str, str] = {}
        for name, own in short.items():
            self._shown[name] = shown = isolated(name if own == name else _unused(own, used, longest))
            if own != name:
                self.full[shown] = shortened(visible(name), LONGEST_FULL)

    def __call__(self, value: Any) -> Any:
        """A JSON value as it is shown: its keys, and the texts that are known, are names."""
        if isinstance(value, str):
            return self._shown[value] if value in self._shown else shortened(visible(value), LONGEST_TEXT)
        if isinstance(value, Mapping):
            return {self(str(key)): self(entry) for key, entry in value.items()}
        if isinstance(value, (list, tuple)):
            return [self(entry) for entry in value]
        return value

    def frame(self, table: pd.DataFrame) -> pd.DataFrame:
        """A table with its names as they are shown."""
        changed = {name: shown for name, shown in self._shown.items() if shown != name}
        if not changed:
            return table
        shown = {}
        for column in _named(table):
            values = table[column]
            if values.dtype == "category":
                shown[column] = values.cat.rename_categories(lambda name: changed.get(name, name))
            else:
                named = values.map(lambda name: changed.get(name, name), na_action="ignore")
                shown[column] = named.astype(values.dtype)
        return table.assign(**shown)


def labels(names: Iterable[str]) -> list[str]:
    """Distinct names as Plotly writes them along an axis."""
    every = [name.strip(ISOLATE + END_ISOLATE) for name in names]  # which are set again
    short = Names(every, LONGEST_LABEL)
    return [as_text(short(name)) for name in every]


def presentable(saved: Saved) -> tuple[Saved, Names]:
    """Results as a page or a figure shows them, with their names, and with texts other than sentences and answers cut.

    Sentences, questions and answers are left as they are: a page cuts those that it shows.
    """
    profile = saved.profile if isinstance(saved, Results) else saved
    tables = list(saved.tables.values())
    if isinstance(profile, LayerProfile):
        tables += [table for table in (profile.table, profile.peaks) if table is not None]
    settings = profile.settings
    names = Names(
        [
            *(
                str(name)
                for table in tables
                for column in _named(table)
                for name in table[column].dropna().unique()
            ),
            *settings.get("labels", {}).values(),
            *settings.get("languages", []),
            *_keys([profile.signatures, settings, saved.about]),
        ]
    )
    shown: dict[str, Any] = {
        "title": shortened(visible(saved.title), LONGEST_TITLE),
        "tables": {name: names.frame(table) for name, table in saved.tables.items()},
        "about": names(saved.about),
    }
    decided = {"settings": names(settings), "signatures": _signatures(profile.signatures, names)}
    if isinstance(profile, LayerProfile):
        peaks = None if profile.peaks is None else names.frame(profile.peaks)
        shown["profile"] = replace(profile, table=names.frame(profile.table), peaks=peaks, **decided)
    else:
        shown |= decided
    return replace(saved, **shown), names


def _columns(letter: str) -> int:
    return 2 if unicodedata.east_asian_width(letter) in ("W", "F") else 1


def _short(name: str, longest: int) -> str:
    if name.startswith(ISOLATE) and name.endswith(END_ISOLATE):  # already as a page shows it
        name = name[1:-1]
    own = shortened(" ".join(visible(name).split()), longest)
    return own if own or not name else "(blank)"


def _unused(name: str, used: set[str], longest: int) -> str:
    """The name, or with a number if it is in use."""
    numbered = (f" ({number})" for number in count(2))
    free = (
        name
        if name not in used
        else next(one for end in numbered if (one := shortened(name, longest - len(end)) + end) not in used)
    )
    used.add(free)
    return free


def _start(text: str, room: int) -> str:
    """As much of a text as `room` columns hold."""
    return text[: sum(1 for _ in takewhile(lambda end: end <= room, accumulate(map(_columns, text))))]


def _named(table: pd.DataFrame) -> list[str]:
    return [name for name in COLUMNS if name in table and table[name].dtype.kind == "O"]


def _keys(value: Any) -> list[str]:
    """The keys of a JSON value, at any depth."""
    if isinstance(value, Mapping):
        return [*map(str, value), *_keys(list(value.values()))]
    return [key for entry in value for key in _keys(entry)] if isinstance(value, (list, tuple)) else []


def _signatures(signatures: Mapping[str, str], names: Names) -> dict[str, str]:
    """Signatures by name; one that begins with the name still does."""
    return {
        names(name): names(name) + names(signature.removeprefix(name))
        if signature.startswith(name)
        else names(signature)
        for name, signature in signatures.items()
    }
