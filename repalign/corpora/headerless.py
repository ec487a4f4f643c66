"""Tables of sentence pairs without a header, as manythings.org and Tatoeba export them."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence

from repalign.corpora.columns import PREFIX, Texts, from_rows
from repalign.corpora.languages import is_code, language_name
from repalign.corpora.long_tables import LANGUAGE_COLUMNS, TEXT_COLUMNS
from repalign.corpora.tables import read_cells, with_header
from repalign.corpora.text_files import TextFile
from repalign.errors import RepalignError

logger = logging.getLogger(__name__)

ATTRIBUTION = re.compile(r"CC-BY .*Attribution: tatoeba\.org.+")
"""The third column of manythings.org's files."""

NUMBER = re.compile(r"\d+")


def read_headerless(file: TextFile, languages: Sequence[str] | None = None) -> Texts | None:
    """The texts of a TSV or CSV whose first line is a row already; None if that is a header, or it is no such file.

    Args:
        file: manythings.org's (sentences and attribution), Tatoeba's (id, sentence, id, translation) or one with a
            column for each of `languages`.
        languages: of the columns, in order. In manythings.org's files the first is English and the name of the file,
            such as fra.txt, is the second.

    Raises:
        RepalignError: rows of different width; a file without a header whose languages are not known.
    """
    if file.suffix not in (".tsv", ".csv", ".txt"):
        return None
    first = next((line for line in file.lines() if line.strip()), "")
    if file.suffix == ".txt" and "\t" not in first:
        return None
    rows = list(read_cells(file))
    if not rows:
        return None
    names = _exported(file, [cells for _, cells in rows], languages or ())
    if names is None and _is_header(rows[0][1], languages or ()):
        return None
    if names is None and languages and len(rows[0][1]) == len(languages):
        names = list(languages)
        logger.info("%s: no header; its columns are %s", file.where, ", ".join(names))
    if names is None and file.suffix == ".txt":
        raise RepalignError(
            f"{file.where}: a table without a header; --langs names the languages of its {len(rows[0][1])} columns in order"
        )
    return (
        from_rows(file.stem, list(with_header(file, [(0, names), *rows])), languages, file.where)
        if names
        else None
    )


def _is_header(cells: Sequence[str], languages: Sequence[str]) -> bool:
    """Whether a first line names columns: some are codes or other names of columns, or all are languages in English."""
    named = {cell.strip().removeprefix(PREFIX) for cell in cells}
    if any(map(is_code, named)) or named & {
        *languages,
        *LANGUAGE_COLUMNS,
        *TEXT_COLUMNS,
        "source",
        "target",
        "src",
        "tgt",
    }:
        return True
    return bool(languages) and {name.casefold() for name in named} <= {
        language_name(c).casefold() for c in languages
    }


def _exported(file: TextFile, rows: Sequence[Sequence[str]], languages: Sequence[str]) -> list[str] | None:
    """Names for the columns of an export of Tatoeba; None for any other file."""
    if all(len(cells) == 3 and ATTRIBUTION.match(cells[2]) for cells in rows):
        pair = ["eng", file.stem] if is_code(file.stem) else languages
        return [*_pair(file, pair), "attribution"]
    if all(len(cells) == 4 and NUMBER.fullmatch(cells[0]) and NUMBER.fullmatch(cells[2]) for cells in rows):
        first, second = _pair(file, languages)
        return ["id", first, "id of translation", second]
    return None


def _pair(file: TextFile, languages: Sequence[str]) -> Sequence[str]:
    if len(languages) != 2:
        raise RepalignError(
            f"{file.where}: pairs from Tatoeba, without a header; --langs names their two languages in order"
        )
    return languages
