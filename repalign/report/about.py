"""The facts below a page's title: what was measured, on what, and how."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from repalign.corpora.languages import language_name
from repalign.figures.names import LONGEST, shortened

if TYPE_CHECKING:
    from repalign.figures.view import View

READING = ("template", "pooling", "site", "dtype")
"""Parts of a signature, after the checkpoint and the corpus."""

MAX_NAMED = 4
"""Languages or checkpoints that are named; more are counted."""


def profile_about(view: View) -> dict[str, str]:
    """The facts on results of `layers` or `compare`, by label; empty where unknown."""
    profile, checkpoints = view.results.profile, view.checkpoints
    rows = view.rows("scores") if len(view.rows("scores")) else view.rows("differences")
    languages = [view.pivot, *view.targets]
    documents = profile.settings.get("documents")
    sentences = f"{rows['sentences'].max():,}"
    return {
        "checkpoint" if len(checkpoints) == 1 else "checkpoints": few(checkpoints),
        "corpus": view.corpus or "not named",
        "sentences": f"{sentences} in {documents:,} documents" if documents else sentences,
        "languages": few(languages),
        "pivot": language_name(view.pivot),
        "layers": str(rows["layer"].nunique()),
        **read(profile.signatures),
        "date": str(view.results.about.get("date", "")),
    }


def read(signatures: Mapping[str, str]) -> dict[str, str]:
    """How states were read, as the checkpoints' signatures say: template, pooling, site, dtype; what differs is listed.

    >>> read({"a": "a@1f2e|ntrex#9c1e|raw|mean|resid|float32|repalign:0.1.0", "b": "-"})["pooling"]
    'mean'
    """
    # the name may hold the separator
    found = [text.removeprefix(name).split("|")[2 : 2 + len(READING)] for name, text in signatures.items()]
    known = [parts for parts in found if len(parts) == len(READING)]
    columns = zip(*known, strict=True)
    values = {
        label: ", ".join(dict.fromkeys(column)) for label, column in zip(READING, columns, strict=False)
    }
    if values.get("template") == "raw":
        del values["template"]
    return {label: shortened(value, LONGEST) for label, value in values.items()}


def few(names: Iterable[Any]) -> str:
    """The names, or their number if there are many.

    >>> few(["en", "zh"]), few("abcdefgh")
    ('en, zh', '8')
    """
    named = list(map(str, names))
    return ", ".join(named) if len(named) <= MAX_NAMED else str(len(named))
