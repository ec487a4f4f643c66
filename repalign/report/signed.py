"""What signatures say, as facts below a page's title."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from repalign.figures.names import LONGEST, shortened
from repalign.report.about import few


def how(signatures: Mapping[str, str], labels: tuple[str, ...]) -> dict[str, str]:
    """The parts of signatures after the checkpoint and the corpus, by label; what differs between them is listed.

    >>> how({"a": "a@1f2e|xquad#9c1e|alpaca|greedy:32|float32|repalign:0.1.0"}, ("template", "decoding"))
    {'template': 'alpaca', 'decoding': 'greedy:32'}
    """
    known = [parts[2 : 2 + len(labels)] for parts in _parts(signatures) if len(parts) >= 2 + len(labels)]
    columns = zip(*known, strict=True)
    return {
        label: shortened(", ".join(dict.fromkeys(column)), LONGEST)
        for label, column in zip(labels, columns, strict=False)
    }


def made(signatures: Iterable[str], about: Mapping[str, Any]) -> dict[str, str]:
    """When results were made, and by which version.

    >>> made(["a@1f2e|ntrex#9c1e|raw|repalign:0.1.0"], {"date": "2026-01-31"})
    {'date': '2026-01-31', 'repalign': '0.1.0'}
    """
    parts = [part for text in signatures for part in text.split("|") if part.startswith("repalign:")]
    versions = dict.fromkeys(shortened(part.partition(":")[2], LONGEST) for part in parts)
    return {"date": str(about.get("date", "")), "repalign": few(versions)}


def _parts(signatures: Mapping[str, str]) -> list[list[str]]:
    """The parts of each signature; a checkpoint's name may hold the separator."""
    return [text.removeprefix(name).split("|") for name, text in signatures.items()]
