"""The facts below a page's title: what was measured, on what, and how."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repalign.corpora.languages import language_name
from repalign.figures.names import LONGEST, shortened

if TYPE_CHECKING:
    from repalign.figures.view import View

MAX_NAMED = 4
"""Languages or checkpoints that are named; more are counted."""

READING = ("template", "pooling", "site", "dtype")
"""Parts of a signature, after the checkpoint and the corpus."""


@dataclass(frozen=True)
class Reading:
    """What a signature says.

    Attributes:
        weights, text: digests of the checkpoint's weights and of the corpus; empty if unknown.
        how: the parts that follow: of states, those that `READING` names.
    """

    weights: str
    text: str
    how: tuple[str, ...]


def profile_about(view: View) -> dict[str, str | tuple[str, str]]:
    """The facts on results of `layers` or `compare`, by label; empty where unknown.

    Of some, a text for hovering follows: digests of weights and text, the layers, names of languages.
    """
    profile, checkpoints, about = view.results.profile, view.checkpoints, view.results.about
    rows = view.scored
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


def read_from(signatures: Mapping[str, str], parts: int = len(READING)) -> dict[str, Reading]:
    """What the signatures of checkpoints say; those with fewer parts after the corpus are left out.

    >>> read_from({"a": "a@1f2e|ntrex#9c1e|raw|mean|resid|float32|repalign:0.1.0", "b": "-"})["a"].text
    '9c1e'
    """
    found = {}
    for name, signature in signatures.items():
        weights, *rest = signature.removeprefix(name).split("|")  # the name may hold the separator
        if len(rest) > parts:
            corpus, *how = rest
            found[name] = Reading(weights.removeprefix("@"), corpus.rpartition("#")[2], tuple(how[:parts]))
    return found


def how(signatures: Mapping[str, str], labels: tuple[str, ...]) -> dict[str, str]:
    """The parts of signatures after the checkpoint and the corpus, by label; what differs between them is listed.

    >>> how({"a": "a@1f2e|xquad#9c1e|alpaca|greedy:32|float32|repalign:0.1.0"}, ("template", "decoding"))
    {'template': 'alpaca', 'decoding': 'greedy:32'}
    """
    columns = zip(*(one.how for one in read_from(signatures, len(labels)).values()), strict=True)
    return {
        label: shortened(", ".join(dict.fromkeys(column)), LONGEST)
        for label, column in zip(labels, columns, strict=False)
    }


def read(signatures: Mapping[str, str]) -> dict[str, str]:
    """How states were read: pooling, site, dtype, and the template unless it is raw.

    >>> read({"a": "a@1f2e|ntrex#9c1e|raw|mean|resid|float32|repalign:0.1.0", "b": "-"})["pooling"]
    'mean'
    """
    values = how(signatures, READING)
    return {label: value for label, value in values.items() if (label, value) != ("template", "raw")}


def made(signatures: Iterable[str], about: Mapping[str, Any]) -> dict[str, str]:
    """When results were made, and by which version.

    >>> made(["a@1f2e|ntrex#9c1e|raw|repalign:0.1.0"], {"date": "2026-01-31"})
    {'date': '2026-01-31', 'repalign': '0.1.0'}
    """
    parts = [part for text in signatures for part in text.split("|") if part.startswith("repalign:")]
    versions = dict.fromkeys(shortened(part.partition(":")[2], LONGEST) for part in parts)
    return {"date": str(about.get("date", "")), "repalign": few(versions)}


def few(names: Iterable[Any]) -> str:
    """The names, or their number if there are many.

    >>> few(["en", "zh"]), few("abcdefgh")
    ('en, zh', '8')
    """
    named = list(map(str, names))
    return ", ".join(named) if len(named) <= MAX_NAMED else str(len(named))
