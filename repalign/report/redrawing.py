"""Which pages can be redrawn from what is in a folder, without a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from repalign.errors import RepalignError
from repalign.results.drawn import Drawn
from repalign.results.evaluation import Evaluation
from repalign.results.inside import Inside
from repalign.results.quantisation import Quantisation
from repalign.results.results import Results, Stored
from repalign.results.suspects import Suspects
from repalign.results.tables import TableSet

T = TypeVar("T", bound=TableSet)


@dataclass(frozen=True)
class Redrawn:
    """A kind of results that has a page.

    Attributes:
        file: by which it is recognised.
        page: file name of its page.
        draw: from the folder and a title (None for that of the results) to HTML.
    """

    file: str
    page: str
    draw: Callable[[Path, str | None], str | Drawn]


def saved_kinds(path: Path) -> list[Redrawn]:
    """The kinds of results in a folder, or the one whose JSON, table or page is given.

    Raises:
        RepalignError: there are none; names the folders below that have some.
    """
    if path.is_file() or path.suffix == ".html":
        folder, kinds = path.parent, [kind for kind in REDRAWN if path.name in (kind.file, kind.page)]
        kinds = kinds or [
            kind for kind in REDRAWN if path.suffix == ".parquet" and path.stem == Path(kind.file).stem
        ]
    else:
        folder, kinds = path, list(REDRAWN)
    kinds = [kind for kind in kinds if (folder / kind.file).is_file()]
    if not kinds:
        below = sorted({str(file.parent) for kind in REDRAWN for file in folder.glob(f"*/{kind.file}")})
        if below:
            raise RepalignError(
                f"no results in {path} itself; give one of the folders in it: {', '.join(below)}"
            )
        names = " or ".join(kind.file for kind in REDRAWN)
        raise RepalignError(f"no results in {path}: expected {names} there")
    return kinds


def _profile(folder: Path, title: str | None) -> Drawn:
    from repalign.report import Report
    from repalign.report.page import drawn

    return drawn(Report(Results.load(folder), title).results)


def _evaluation(folder: Path, title: str | None) -> str:
    from repalign.report.evaluation import render_evaluation

    return render_evaluation(_titled(Evaluation.load(folder), title))


def _inside(folder: Path, title: str | None) -> str:
    from repalign.report.inside import render_inside

    return render_inside(_titled(Inside.load(folder), title))


def _suspects(folder: Path, title: str | None) -> str:
    from repalign.report.suspects import render_suspects

    return render_suspects(_titled(Suspects.load(folder), title))


def _quantisation(folder: Path, title: str | None) -> str:
    from repalign.report.quantisation import render_quantisation

    return render_quantisation(_titled(Quantisation.load(folder), title))


def _titled(results: T, title: str | None) -> T:
    return replace(results, title=title) if title else results


def _scaling(folder: Path, title: str | None) -> str:
    from repalign.report.scaling import render_scaling
    from repalign.scaling.study import load

    if title:
        raise RepalignError("the page of a scaling study has no title of its own; leave out --title")
    return render_scaling(load(folder / "fit.json"))


REDRAWN = (
    Redrawn("profile.json", Stored.page, _profile),
    Redrawn("evaluation.json", Evaluation.page, _evaluation),
    Redrawn("inside.json", Inside.page, _inside),
    Redrawn("suspects.json", Suspects.page, _suspects),
    Redrawn("quantisation.json", Quantisation.page, _quantisation),
    Redrawn("fit.json", "scaling.html", _scaling),
)
"""Every kind of results whose page can be redrawn; that of an allocation is drawn by `scaling allocate`."""
