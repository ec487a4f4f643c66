"""What a command found and wrote, and how it is printed: as text, as one JSON object, or as the path to open.

stdout holds results only. Progress, notes, warnings and errors go to stderr.
"""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repalign.errors import RepalignError
from repalign.files import finite

if TYPE_CHECKING:
    import pandas as pd

    from repalign.results.tables import TableSet

SHOWN_FILES = 2
"""Files that are named before the rest is counted."""


@dataclass(frozen=True)
class Outcome:
    """What a command found and wrote.

    Attributes:
        text: lines for a reader.
        record: the same for a program, in JSON types; numbers that are not finite become null.
        paths: files that were written, or the one folder.
        error: raised when all is printed: what was found is kept, and scripts stop.
    """

    text: Iterable[str] = ()
    record: Any = None
    paths: Sequence[Path] = ()
    error: RepalignError | None = None

    def printed(self, as_json: bool, quiet: bool) -> Iterator[str]:
        """The lines for stdout.

        Args:
            as_json: one JSON object, with the paths as `files` and the page to open as `page`.
            quiet: the paths of the pages only; of a command that writes none, those of the files.

        Raises:
            RepalignError: `error`, after the lines.
        """
        if as_json:
            yield json.dumps(finite(self._described()), ensure_ascii=False, indent=1)
        elif quiet:
            yield from map(str, self.pages or self.paths)
        else:
            yield from self.text
            yield from written(self.paths)
            yield from (f"open {shlex.quote(str(page))}" for page in self.pages)
        if self.error:
            raise self.error

    @property
    def pages(self) -> list[Path]:
        """The pages among the files."""
        return [path for path in self.paths if path.suffix == ".html"]

    def _described(self) -> Any:
        if not isinstance(self.record, dict):
            return self.record
        page = str(self.pages[0]) if self.pages else None
        return {**self.record, "files": list(map(str, self.paths)), "page": page}


def in_words(answers: Mapping[str, Sequence[str]]) -> list[str]:
    """Lines of questions, each with its answers below.

    >>> in_words({"Which language?": ["Hindi.", "Not English."]})
    ['Which language?', '  Hindi.', '  Not English.']
    """
    return [
        line for question, lines in answers.items() for line in (question, *(f"  {line}" for line in lines))
    ]


def described(
    found: TableSet, tables: Iterable[str], answers: Mapping[str, Sequence[str]] | None = None
) -> dict[str, Any]:
    """What `--json` prints of results.

    Args:
        found: the results.
        tables: names of those that are printed.
        answers: sentences of the page by question, if it has any.
    """
    findings = [
        {"question": question, "text": line} for question, lines in (answers or {}).items() for line in lines
    ]
    return {
        "title": found.title,
        "signatures": found.signatures,
        "settings": found.settings,
        **({} if answers is None else {"findings": findings}),
        **{name: records(found.tables[name]) for name in tables},
    }


def written(paths: Iterable[Path]) -> Iterator[str]:
    """One line per folder: its name, then those of its files, pages first.

    >>> list(written([Path("out/a/profile.parquet"), Path("out/a/report.html")]))
    ['wrote out/a: report.html, profile.parquet']
    """
    folders: dict[Path, list[str]] = {}
    for path in paths:
        if path.is_dir():
            yield f"wrote {path}"
        else:
            folders.setdefault(path.parent, []).append(path.name)
    for folder, names in folders.items():
        ordered = sorted(names, key=lambda name: not name.endswith(".html"))
        more = f", ... ({len(names)} files)" if len(names) > SHOWN_FILES else ""
        yield f"wrote {folder}: {', '.join(ordered[:SHOWN_FILES])}{more}"


def aligned(rows: Sequence[Sequence[str]], indent: str = "") -> Iterator[str]:
    """Lines whose columns begin at the same places; the last column may be of any length."""
    widths = [max(map(len, column)) for column in list(zip(*rows, strict=True))[:-1]]
    for *cells, last in rows:
        padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
        yield indent + "  ".join([*padded, last]).rstrip()


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A table as JSON types, one mapping per row; missing values are None."""
    return json.loads(table.to_json(orient="records", double_precision=15))


def add_printing_options(
    parser: argparse.ArgumentParser | argparse._ArgumentGroup, quiet: bool = True
) -> None:
    """How a command prints; `quiet` where it writes files or works for long."""
    parser.add_argument("--json", action="store_true", help="print one JSON object in place of text")
    if quiet:
        parser.add_argument(
            "-q",
            "--quiet",
            action="store_true",
            help="print nothing but the path of the page (or of the files), and warnings and errors on stderr",
        )
