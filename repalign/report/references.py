"""What a page cites: repalign, the paper whose recipes it implements, and the sources of the metrics."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from repalign.files import read_toml

PAPER = "zhu2023extrapolating"
URL = "https://github.com/repalign/repalign"


@dataclass(frozen=True)
class Reference:
    """An entry of `references.toml`.

    Attributes:
        key: in BibTeX.
        authors: "Family, Given".
        id: "arXiv:..." or "doi:..."; empty if it has neither.
        year: of the first version.
        metrics: the metrics that it defines.
    """

    key: str
    title: str
    authors: Sequence[str]
    year: int
    id: str = ""
    journal: str = ""
    volume: str = ""
    metrics: Sequence[str] = ()

    @property
    def cited(self) -> str:
        """
        >>> Reference("k", "T", ["Song, Le", "Smola, Alex"], 2012).cited
        'Song and Smola, 2012'
        """
        families = [author.partition(",")[0] for author in self.authors]
        names = " and ".join(families) if len(families) < 3 else f"{families[0]} et al."
        return f"{names}, {self.year}"

    @property
    def bibtex(self) -> str:
        """The entry: an @article if there is a journal, else @misc with its arXiv id."""
        kind, _, number = self.id.partition(":")
        fields = {"title": f"{{{self.title}}}", "author": " and ".join(self.authors), "year": str(self.year)}
        fields |= {"journal": self.journal, "volume": self.volume}
        fields |= {"eprint": number, "archivePrefix": "arXiv"} if kind == "arXiv" else {"doi": number}
        return _entry("article" if self.journal else "misc", self.key, fields)


@cache
def references() -> dict[str, Reference]:
    """Every reference by its key."""
    entries = read_toml(Path(__file__).with_name("references.toml"))["reference"]
    return {one["key"]: Reference(**one) for one in entries}


def sources(metric: str) -> list[Reference]:
    """The sources of a metric; none of a custom one."""
    return [one for one in references().values() if metric in one.metrics]


def bibtex(metrics: Iterable[str], version: str) -> str:
    """The BibTeX entries of repalign, the paper and the metrics.

    Args:
        version: of repalign.
    """
    software = {"title": "repalign", "author": "{The repalign authors}", "version": version, "url": URL}
    cited = [references()[PAPER], *(one for metric in metrics for one in sources(metric))]
    entries = [_entry("software", "repalign", software), *(one.bibtex for one in cited)]
    return "\n\n".join(dict.fromkeys(entries))


def _entry(kind: str, key: str, fields: dict[str, str]) -> str:
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@{kind}{{{key},", *lines, "}"])
