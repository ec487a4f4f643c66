"""The facts below a page's title: what was measured, on what, and how."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repalign.corpora.languages import language_name
from repalign.figures.names import LONGEST, shortened

if TYPE_CHECKING:
    from repalign.figures.view import View

READING = ("template", "pooling", "site", "dtype")
"""Parts of a signature, after the checkpoint and the corpus."""


@dataclass(frozen=True)
class Reading:
    """What a signature says.

    Attributes:
        weights, text: digests of the checkpoint's weights and of the corpus; empty if unknown.
        how: template, pooling, site and dtype.
    """

    weights: str
    text: str
    how: tuple[str, ...]


MAX_NAMED = 4
"""Languages or checkpoints that are named; more are counted."""


def profile_about(view: View) -> dict[str, str | tuple[str, str]]:
    """The facts on results of `layers` or `compare`, by label; empty where unknown.

    Of some, a text for hovering follows: digests of weights and text, the layers, names of languages.
    """
    profile, checkpoints, about = view.results.profile, view.checkpoints, view.results.about
    rows = view.rows("scores") if len(view.rows("scores")) else view.rows("differences")
    languages = [view.pivot, *view.targets]
    documents = profile.settings.get("documents")
    sentences = f"{rows['sentences'].max():,}"
    layers = sorted(rows["layer"].unique())
    signed = read_from(profile.signatures)
    date, version = about.get("date"), str((about.get("versions") or {}).get("repalign", ""))
    version = f"repalign {version}" if date and version else version
    weights = [f"{name}: weights {one.weights}" for name, one in signed.items()]
    return {
        "checkpoint" if len(checkpoints) == 1 else "checkpoints": (few(checkpoints), "; ".join(weights)),
        "corpus": (
            view.corpus or "not named",
            ", ".join(dict.fromkeys(f"text {one.text}" for one in signed.values())),
        ),
        "sentences": f"{sentences} in {documents:,} documents" if documents else sentences,
        "languages": (few(languages), ", ".join(map(language_name, languages))),
        "pivot": language_name(view.pivot),
        "layers": (str(len(layers)), f"{layers[0]} to {layers[-1]}"),
        **read(profile.signatures),
        **({"date": (str(date), version)} if date else {"repalign": version}),
    }


def read_from(signatures: Mapping[str, str]) -> dict[str, Reading]:
    """What the signatures of checkpoints say; those of another form are left out.

    >>> read_from({"a": "a@1f2e|ntrex#9c1e|raw|mean|resid|float32|repalign:0.1.0", "b": "-"})["a"].text
    '9c1e'
    """
    made = {}
    for name, signature in signatures.items():
        weights, *parts = signature.removeprefix(name).split("|")  # the name may hold the separator
        if len(parts) > len(READING):
            corpus, *how = parts
            made[name] = Reading(
                weights.removeprefix("@"), corpus.rpartition("#")[2], tuple(how[: len(READING)])
            )
    return made


def read(signatures: Mapping[str, str]) -> dict[str, str]:
    """How states were read, as the checkpoints' signatures say: template, pooling, site, dtype; what differs is listed.

    >>> read({"a": "a@1f2e|ntrex#9c1e|raw|mean|resid|float32|repalign:0.1.0", "b": "-"})["pooling"]
    'mean'
    """
    columns = zip(*(one.how for one in read_from(signatures).values()), strict=True)
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
