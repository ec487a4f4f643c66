"""Tables of sentence pairs without a header, as manythings.org and Tatoeba export them."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence

from repalign.corpora.columns import PREFIX
from repalign.corpora.languages import is_code, language_name
from repalign.corpora.long_tables import LANGUAGE_COLUMNS, TEXT_COLUMNS
from repalign.corpora.text_files import TextFile
from repalign.errors import RepalignError

logger = logging.getLogger(__name__)

ATTRIBUTION = re.compile(r"CC-BY .*Attribution: tatoeba\.org.+")
"""The third column of manythings.org's files."""

NUMBER = re.compile(r"\d+")

SIDES = {"source", "target", "src", "tgt"}
"""Names of columns that name no language."""


def missing_header(
    file: TextFile, rows: Sequence[tuple[int, list[str]]], languages: Sequence[str] | None = None
) -> list[str] | None:
    """Names for the columns of a file whose first line is a row already; None if that is a header.

    Args:
        file: manythings.org's (sentences and attribution), Tatoeba's (id, sentence, id, translation) or one with a
            column for each of `languages`.
        rows: its cells, see `repalign.corpora.tables.read_cells`.
        languages: of the columns, in order. In manythings.org's files the first is English and the name of the file,
            such as fra.txt, is the second.

    Raises:
        RepalignError: a file without a header whose languages are not known.
    """
    if not rows:
        return None
    first, asked = rows[0][1], languages or ()
    if names := _exported(file, [cells for _, cells in rows], asked):
        return names
    if _is_header(first, asked):
        return None
    if len(first) == len(asked):
        logger.info("%s: no header; its columns are %s", file.where, ", ".join(asked))
        return list(asked)
    if file.suffix == ".txt":
        raise RepalignError(
            f"{file.where}: a table without a header; --langs names the languages of its {len(first)} columns in order"
        )
    return None


def _is_header(cells: Sequence[str], languages: Sequence[str]) -> bool:
    """Whether a first line names columns: some are codes or other names of columns, or all are languages in English."""
    named = {cell.strip().removeprefix(PREFIX) for cell in cells}
    if any(map(is_code, named)) or named & {*languages, *LANGUAGE_COLUMNS, *TEXT_COLUMNS, *SIDES}:
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
