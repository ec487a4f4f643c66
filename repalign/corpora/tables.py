"""Tables in files: TSV, CSV, JSON, JSON lines, parquet and TMX, as rows with names and positions."""

from __future__ import annotations

import csv
import io
import json
import logging
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from repalign.corpora.text_files import TextFile
from repalign.corpora.tmx import read_tmx
from repalign.errors import RepalignError

logger = logging.getLogger(__name__)

Row = tuple[str, Mapping[str, Any]]
"""Position for messages ("line 3"), and the cells by column."""

MOST_COLUMNS = 10_000
"""Columns of a table: a language each."""

MOST_ROWS = 10
"""Rows of a parquet file for each of its bytes, at most; and a million more."""

DELIMITERS = "\t,;|"
LONGEST_JSON = 1 << 30
"""Bytes of a JSON list, which may be one line."""

QUOTED = re.compile(r'"(?:[^"]|"")*"')
"""A cell as CSV quotes it: quotes within it are doubled."""


def read_rows(file: TextFile) -> Iterator[Row]:
    """The rows of a table.

    TSV and CSV have a header. Quotes around cells of a CSV are removed; those in a TSV are text, unless the whole file
    is quoted as spreadsheets do, which is logged. JSON holds a list of objects, or an object with it under "data".

    Raises:
        RepalignError: a kind of file that is not read, or one that is damaged; a row that is not an object or has other
            cells than the header. Names file and row.
    """
    if file.suffix not in READERS:
        raise RepalignError(
            f"{file.where}: a table is one of {', '.join(READERS)}, or one of these compressed; got {file.suffix or 'no suffix'}"
        )
    for position, row in READERS[file.suffix](file):
        if not isinstance(row, dict):
            raise RepalignError(
                f"{file.where}, {position}: expected an object with named fields, got {str(row)[:40]!r}"
            )
        yield position, row


def read_cells(file: TextFile) -> Iterator[tuple[int, list[str]]]:
    """The cells of each line of a TSV or CSV, and its number; blank lines are left out.

    Raises:
        RepalignError: it is damaged.
    """
    return _comma_cells(file) if file.suffix == ".csv" else _tab_cells(file)


def with_header(file: TextFile, lines: Iterable[tuple[int, list[str]]]) -> Iterator[Row]:
    """
    Raises:
        RepalignError: no lines; a name of two columns; a line with more or fewer cells than the header.
    """
    numbered = iter(lines)
    header = [name.strip() for name in next(numbered, (0, []))[1]]
    check_columns(len(header), file.where)
    twice = next((name for name, count in Counter(header).items() if name and count > 1), None)
    if twice:
        raise RepalignError(f"{file.where}: two columns are named {twice!r}; rename or remove one of them")
    for number, cells in numbered:
        if len(cells) != len(header):
            raise RepalignError(
                f"{file.where}, line {number}: {len(cells)} columns, the header has {len(header)}{_cause(cells, header)}"
            )
        yield f"line {number}", dict(zip(header, cells, strict=True))


def check_columns(count: int, where: str) -> None:
    """
    Raises:
        RepalignError: more columns, or languages, than there are languages in the world.
    """
    if count > MOST_COLUMNS:
        raise RepalignError(
            f"{where} has {count:,} columns or languages, and at most {MOST_COLUMNS:,} are read; are rows and columns exchanged?"
        )


def _cause(cells: Sequence[str], header: Sequence[str]) -> str:
    if len(cells) > len(header):
        return "; is there a tab or comma within a cell?"
    if any(cell.count('"') % 2 for cell in cells):
        return "; a quoted cell seems to go on in the next line: join the lines"
    return "; is a cell missing, or broken into two lines?"


def _separated(file: TextFile) -> Iterator[Row]:
    return with_header(file, read_cells(file))


def _tab_cells(file: TextFile) -> Iterator[tuple[int, list[str]]]:
    if _is_quoted(file):
        logger.info("%s: cells are quoted as in CSV; the quotes are removed", file.where)
        yield from _unquoted(file, "\t")
        return
    for number, line in enumerate(file.lines(), start=1):
        if line.strip():
            yield number, line.split("\t")


def _is_quoted(file: TextFile) -> bool:
    """Whether quotes in a TSV are those of CSV rather than text.

    They are if only so all rows have the same number of cells; or if every cell with a quote is quoted as a whole, and
    either a quote within one is doubled or no text is left unquoted.
    """
    widths: set[int] = set()
    kinds: Counter[str] = Counter()
    for cells in (line.split("\t") for line in file.lines() if line.strip()):
        widths.add(len(cells))
        kinds.update(_kind(cell) for cell in cells if cell)
    if len(widths) > 1:
        return len(kinds) > 1 and _is_even(_unquoted(file, "\t"))
    return not kinds["odd"] and (kinds["doubled"] > 0 or (kinds["quoted"] > 0 and not kinds["plain"]))


def _kind(cell: str) -> str:
    if '"' not in cell:
        return "plain"
    if not QUOTED.fullmatch(cell):
        return "odd"
    return "doubled" if '""' in cell[1:-1] else "quoted"


def _is_even(rows: Iterator[tuple[int, list[str]]]) -> bool:
    """Whether all rows have the same number of cells, and are valid CSV."""
    try:
        return len({len(cells) for _, cells in rows}) == 1
    except RepalignError:
        return False


def _comma_cells(file: TextFile) -> Iterator[tuple[int, list[str]]]:
    header = next((line for line in file.lines() if line.strip()), "")
    yield from _unquoted(file, max(DELIMITERS, key=QUOTED.sub("", header).count))


def _unquoted(file: TextFile, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Rows of cells, and the number of the line that each ends in.

    Raises:
        RepalignError: it is not valid CSV.
    """
    limit = csv.field_size_limit(sys.maxsize)
    reader = csv.reader((f"{line}\n" for line in file.lines()), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            if any(map(str.strip, cells)):
                yield reader.line_num, cells
    except csv.Error as error:
        raise RepalignError(
            f"{file.where}, line {reader.line_num}: a quote is not closed, or stands within a cell that is not quoted "
            f"({error}); quote whole cells and double the quotes within them; a file in which quotes are text is a .tsv"
        ) from error
    finally:
        csv.field_size_limit(limit)


def _json_lines(file: TextFile) -> Iterator[tuple[str, Any]]:
    for number, line in enumerate(file.lines(), start=1):
        if line.strip():
            yield f"line {number}", _json(line, file.where, number)


def _json_list(file: TextFile) -> Iterator[tuple[str, Any]]:
    """Objects of a JSON list; of JSON lines that are named .json, too."""
    text = "\n".join(file.lines(longest=LONGEST_JSON))
    first, _, more = text.strip().partition("\n")
    if first.startswith("{") and first.rstrip().endswith("}") and more:
        yield from _json_lines(file)
        return
    rows = _json(text, file.where)
    rows = rows.get("data") if isinstance(rows, dict) else rows
    if not isinstance(rows, list):
        raise RepalignError(
            f"{file.where} should hold a JSON list of objects, or an object with one under 'data'"
        )
    yield from ((f"object {number}", row) for number, row in enumerate(rows, start=1))


def _json(text: str, where: str, line: int | None = None) -> Any:
    try:
        value = json.loads(text, object_pairs_hook=_distinct)
        if "\\ud" in text.lower():  # half a surrogate pair is JSON, but no character
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise RepalignError(f"{where}, line {line or error.lineno}: not JSON ({error.msg})") from error
    except UnicodeEncodeError as error:
        raise RepalignError(
            f"{where}{f', line {line}' if line else ''}: holds half of a surrogate pair, which is no character; convert the text again"
        ) from error
    except (ValueError, RecursionError) as error:  # two keys of one name, thousands of digits or brackets
        raise RepalignError(f"{where}, line {line or 1}: not JSON ({error})") from error
    return value


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{max(names, key=names.count)!r} occurs twice in one object")
    return found


def _parquet(file: TextFile) -> Iterator[tuple[str, Any]]:
    import pyarrow
    import pyarrow.parquet

    data = file.read()
    try:
        table = pyarrow.parquet.ParquetFile(io.BytesIO(data))
        if table.metadata.num_rows > MOST_ROWS * len(data) + 1_000_000:
            raise RepalignError(
                f"{file.where} holds {table.metadata.num_rows:,} rows in {len(data):,} bytes, which no text does"
            )
        batches = table.iter_batches()
        rows = (row for batch in batches for row in batch.to_pylist())
        yield from ((f"row {number}", row) for number, row in enumerate(rows, start=1))
    except (pyarrow.ArrowException, OSError, ValueError) as error:  # ValueError: text that is not UTF-8
        reason = str(error).partition("\n")[0]
        raise RepalignError(f"{file.where} is not a readable parquet file: {reason}") from error


READERS: dict[str, Callable[[TextFile], Iterator[tuple[str, Any]]]] = {
    ".tsv": _separated, ".csv": _separated, ".jsonl": _json_lines, ".ndjson": _json_lines, ".json": _json_list,
    ".parquet": _parquet, ".tmx": read_tmx,
}  # fmt: skip
"""Suffixes of tables, and what reads them."""
