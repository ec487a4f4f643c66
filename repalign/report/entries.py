"""What the results folders below a folder hold, one entry for each kind of results: what an index lists."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from repalign.errors import RepalignError
from repalign.figures.view import View, corpus_of
from repalign.files import read_json
from repalign.privacy import without_home
from repalign.report import evaluation_findings, inside_text, quantisation_text, suspects_text
from repalign.report.findings import Verdicts, headline, leading
from repalign.report.findings.words import joined, listing
from repalign.report.scaling_findings import fit_headline
from repalign.results.evaluation import Evaluation
from repalign.results.inside import Inside
from repalign.results.paths import is_page
from repalign.results.quantisation import Quantisation
from repalign.results.results import Results
from repalign.results.suspects import Suspects
from repalign.scaling.plan import ALLOCATION
from repalign.scaling.study import FIT, load

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

HEADLINE_TABLES = ("profile", "peaks", "controls")
"""The tables of `layers` and `compare` from which their headline is made."""


class Contents(NamedTuple):
    """What an index says of one kind of results."""

    command: str
    title: str
    checkpoints: str = ""
    corpus: str = ""
    size: str = ""
    headline: str = ""


@dataclass(frozen=True)
class Entry:
    """One kind of results in one folder.

    Attributes:
        folder: relative to that of the index.
        contents: None if they cannot be read.
        written: when.
        page: file name of the page in the folder; empty if there is none.
        problem: why the contents cannot be read.
    """

    folder: Path
    contents: Contents | None
    written: datetime
    page: str = ""
    problem: str = ""


class _Split(TypedDict):
    name: str
    pairs: dict[str, float]


class _Allocation(TypedDict):
    """What is read of allocation.json; the best split is the first."""

    budget: float
    splits: list[_Split]
    note: str


class _Verification(TypedDict):
    """What is read of verification.json."""

    checkpoint: str
    engine: str
    conclusion: str


def entries(root: Path) -> list[Entry]:
    """Everything that repalign's commands saved in a folder and below it, newest first; hidden folders are left out.

    Results that cannot be read are entries too, with the reason.

    Raises:
        RepalignError: there is no such folder.
    """
    if not root.is_dir():
        raise RepalignError(f"no folder {root}; give the folder that holds results of repalign")
    found = chain.from_iterable(_in_folder(folder, root) for folder in _folders(root))
    return sorted(found, key=lambda entry: entry.written, reverse=True)


def _folders(root: Path) -> Iterator[Path]:
    def unreadable(error: OSError) -> None:
        logger.warning("%s cannot be read (%s) and is left out", error.filename, error.strerror)

    for folder, below, _ in os.walk(root, onerror=unreadable):
        below[:] = sorted(name for name in below if not name.startswith("."))
        yield Path(folder)


def _in_folder(folder: Path, root: Path) -> Iterator[Entry]:
    for kind in KINDS:
        path = folder / kind.file
        if path.is_file() or (path := folder / kind.manifest).is_file():
            yield _entry(kind, folder, path, root)


def _entry(kind: _Kind, folder: Path, path: Path, root: Path) -> Entry:
    contents, problem = None, ""
    try:
        contents = kind.read(folder)
    except RepalignError as error:
        problem = without_home(str(error))
    page = kind.page if is_page(folder / kind.page) else ""
    written = datetime.fromtimestamp(path.stat().st_mtime)
    return Entry(folder.relative_to(root), contents, written, page, problem)


def _profile(folder: Path) -> Contents:
    results = Results.load(folder, HEADLINE_TABLES)
    sentences = _most(results.profile.table, "sentences", "sentence")
    verdicts = Verdicts(View(results))
    view, lead = verdicts.view, leading(verdicts.view)
    return Contents(
        "compare" if len(view.checkpoints) == 2 and len(view.rows("differences")) else "layers",
        results.title,
        _names(results.profile.signatures),
        view.corpus,
        sentences,
        headline(verdicts, **lead).text,
    )


def _evaluation(folder: Path) -> Contents:
    evaluation = Evaluation.load(folder, ("scores", "answers"))
    scores, signatures = evaluation.tables["scores"], evaluation.signatures
    questions = _most(scores, "items", "question")
    said = evaluation_findings.headline(evaluation)
    return Contents("evaluate", evaluation.title, _names(signatures), corpus_of(signatures), questions, said)


def _inside(folder: Path) -> Contents:
    inside = Inside.load(folder, ("lens",))
    sentences = _most(inside.tables["lens"], "sentences", "sentence")
    names, corpus = _names(inside.signatures), corpus_of(inside.signatures)
    return Contents("inside", inside.title, names, corpus, sentences, inside_text.headline(inside))


def _suspects(folder: Path) -> Contents:
    found = Suspects.load(folder)
    rows = found.tables["suspects"]
    pairs = joined(len(rows), "pair")
    names, corpus = _names(found.signatures), corpus_of(found.signatures)
    return Contents("data suspects", found.title, names, corpus, pairs, suspects_text.headline(found))


def _quantisation(folder: Path) -> Contents:
    quantised = Quantisation.load(folder, ("losses", "ranking"))
    sentences = _most(quantised.tables["losses"], "sentences", "sentence")
    names, corpus = _names(quantised.signatures), corpus_of(quantised.signatures)
    said = quantisation_text.headline(quantised)
    return Contents("quantisation", quantised.title, names, corpus, sentences, said)


def _fit(folder: Path) -> Contents:
    summary = load(folder / "fit.json")
    title = f"{summary['score']} of {listing(summary['languages'])}"
    runs = joined(len(summary["runs"]["score"]), "run")
    return Contents("scaling fit", title, size=runs, headline=fit_headline(summary))


def _allocation(folder: Path) -> Contents:
    allocation = read_json(folder / "allocation.json", _Allocation)
    first = allocation["splits"][:1]
    pairs = [f"{language} {count:,.0f}" for split in first for language, count in split["pairs"].items()]
    title = f"{allocation['budget']:,.0f} sentence pairs"
    return Contents("scaling allocate", title, headline=f"{', '.join(pairs)}; {allocation['note']}")


def _verification(folder: Path) -> Contents:
    verdict = read_json(folder / "verification.json", _Verification)
    name = verdict["checkpoint"]
    return Contents("verify", f"{name} by {verdict['engine']}", name, headline=verdict["conclusion"])


def _most(table: pd.DataFrame, column: str, noun: str) -> str:
    """The largest number in a column, with its noun.

    Raises:
        RepalignError: the table has no rows, of which nothing can be said.
    """
    if table.empty:
        raise RepalignError("the results have no rows; run the command that wrote them again")
    return joined(int(table[column].max()), noun)


def _names(signatures: Mapping[str, str]) -> str:
    return ", ".join(signatures)


class _Kind(NamedTuple):
    """A kind of results: its file, its manifest, its page, and what reads it."""

    file: str
    manifest: str
    page: str
    read: Callable[[Path], Contents]


KINDS = (
    _Kind("profile.json", "profile.manifest.json", "report.html", _profile),
    _Kind("evaluation.json", "evaluation.manifest.json", "evaluation.html", _evaluation),
    _Kind("inside.json", "inside.manifest.json", "inside.html", _inside),
    _Kind("suspects.json", "suspects.manifest.json", "suspects.html", _suspects),
    _Kind("quantisation.json", "quantisation.manifest.json", "quantisation.html", _quantisation),
    _Kind("fit.json", FIT.manifest, "scaling.html", _fit),
    _Kind("allocation.json", ALLOCATION.manifest, "allocation.html", _allocation),
    _Kind("verification.json", "verification.manifest.json", "", _verification),
)
