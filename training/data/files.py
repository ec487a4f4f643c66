"""Items from files: instructions in Alpaca's format, sentence pairs, plain text."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from repalign.corpora.readers import hub_rows, parquet_rows
from repalign.errors import RepalignError
from training.data.instructions import translation_request
from training.data.items import Item, Items


def instructions(languages: tuple[str, ...], options: Mapping[str, Any], split: str) -> list[Item]:
    """Alpaca's format, `alpaca_en`: .json (one list), .jsonl or .parquet of instruction, input, output."""
    path = _path(options, languages[0])
    items = []
    for place, row in _records(path):
        missing = [key for key in ("instruction", "output") if not isinstance(row.get(key), str)]
        if missing:
            raise RepalignError(
                f"{path}, {place}: no text under {missing[0]!r}; "
                "Alpaca's format has instruction, input (may be empty) and output"
            )
        if row["instruction"].strip() and row["output"].strip():
            items.append(Item(row["instruction"], row.get("input") or "", row["output"], languages))
    return items


def pairs(languages: tuple[str, ...], options: Mapping[str, Any], split: str) -> Items:
    """Sentence pairs, `translation_en-zh`.

    `path` may hold {source} and {target}, or {pair} for either order of the two:

    - a .tsv, .jsonl or .parquet file with a column a language (or, as on the hub, one column `translation`);
    - two plain files line by line (Moses): a path with {language}, which stands for each of the two.

    `hub` instead names a data set in parquet, `owner/name:config`. `via` is a language in the middle: with "en",
    what zh and hi translate with the same English text is a zh-hi pair. `ask` is the language of the instruction:
    a code (en by default), "source" or "target"; `brief` takes the shortest one.

    Raises:
        RepalignError: no such file, a language it does not have, or sides of different length.
    """
    source, target = languages
    middle = options.get("via")
    found = (
        _pair_rows(options, source, target) if middle in (None, *languages) else _joined(options, languages)
    )
    rows = [row for row in found if row[0].strip() and row[1].strip()]
    ask = str(options.get("ask", "en"))
    asked_in = {"source": source, "target": target}.get(ask, ask)
    brief = options.get("brief", False)

    def make(index: int) -> Item:
        before, after = rows[index]
        return Item(translation_request(source, target, index, asked_in, brief), before, after, languages)

    return Items(len(rows), make)


def _joined(options: Mapping[str, Any], languages: tuple[str, ...]) -> list[tuple[str, str]]:
    source, target = (dict(_pair_rows(options, options["via"], language)) for language in languages)
    return [(text, target[middle]) for middle, text in source.items() if middle in target]


def text(languages: tuple[str, ...], options: Mapping[str, Any], split: str) -> Items:
    """Plain text, one paragraph or sentence a line: `text_en`."""
    lines = [line for line in _lines(_path(options, languages[0])) if line.strip()]
    return Items(len(lines), lambda index: Item("", "", lines[index], languages))


def repeat(languages: tuple[str, ...], options: Mapping[str, Any], split: str) -> Items:
    """Sentences to be said again in their own language, `repeat_zh`: plain text, or that column of a file of pairs.

    A model that learns to look back at what it has read learns it here first. `brief` as in `pairs`.
    """
    (language,) = languages
    path = _path(options, language)
    rows = [(line, line) for line in _lines(path)]
    if path.suffix in (".tsv", ".jsonl", ".parquet"):
        rows = list(_columns(_records(path), str(path), language, language))
    rows = [row for row in rows if row[0].strip()]
    brief = options.get("brief", False)

    def make(index: int) -> Item:
        return Item(translation_request(language, language, index, brief=brief), *rows[index], languages)

    return Items(len(rows), make)


def _path(options: Mapping[str, Any], language: str) -> Path:
    if "path" not in options:
        raise RepalignError("this source needs a path; set sources.NAME.path")
    path = _file(options["path"].replace("{language}", language))
    if not path.is_file():
        raise RepalignError(
            f"no file {path}; set sources.NAME.path (or the $VARIABLE in it) to where the data is"
        )
    return path


def _file(spelled: str) -> Path:
    """`~` and `$VARIABLE` stand for what they mean in a shell."""
    return Path(os.path.expandvars(spelled)).expanduser()


def _pair_rows(options: Mapping[str, Any], source: str, target: str) -> Iterator[tuple[str, str]]:
    if "hub" in options:
        yield from _columns(_hub(options["hub"], source, target), options["hub"], source, target)
        return
    spelled = options.get("path", "").replace("{source}", source).replace("{target}", target)
    orders = [spelled.replace("{pair}", f"{a}-{b}") for a, b in ((source, target), (target, source))]
    there = (order for order in orders if _file(order.replace("{language}", source)).is_file())
    spelled = next(there, orders[0])
    if "{language}" in spelled:
        sides = [_lines(_path({"path": spelled}, language)) for language in (source, target)]
        if len(sides[0]) != len(sides[1]):
            raise RepalignError(
                f"{spelled}: {source} has {len(sides[0])} lines, {target} {len(sides[1])}; "
                "line i of one must translate line i of the other"
            )
        yield from zip(*sides, strict=True)
        return
    path = _path({"path": spelled}, source)
    yield from _columns(_records(path), str(path), source, target)


def _columns(
    records: Iterable[tuple[str, dict[str, Any]]], where: str, source: str, target: str
) -> Iterator[tuple[str, str]]:
    for place, record in records:
        sides = record.get("translation", record)
        sides = sides if isinstance(sides, dict) else record
        for language in (source, target):
            if not isinstance(sides.get(language), str):
                raise RepalignError(
                    f"{where}, {place}: no text in column {language!r}; its columns are {', '.join(sides)}"
                )
        yield sides[source], sides[target]


def _hub(spec: str, source: str, target: str) -> Iterator[tuple[str, dict[str, Any]]]:
    name, _, config = spec.replace("{source}", source).replace("{target}", target).partition(":")
    rows = hub_rows(name, config, "train", f"hub data set {spec!r}", "it must be in parquet, not a script")
    return ((f"row {number}", row) for number, row in enumerate(rows, start=1))


def _records(path: Path) -> Iterator[tuple[str, Any]]:
    """Rows with the place to name in an error.

    Raises:
        RepalignError: a file that is damaged, or holds something else than rows.
    """
    for place, row in _rows(path):
        if not isinstance(row, dict):
            raise RepalignError(
                f"{path}, {place}: expected an object with named fields, not {str(row)[:40]!r}"
            )
        yield place, row


def _rows(path: Path) -> Iterator[tuple[str, Any]]:
    if path.suffix == ".parquet":
        return ((f"row {number}", row) for number, row in enumerate(parquet_rows(path), start=1))
    if path.suffix == ".json":
        rows = _json("\n".join(_lines(path)), path, "the file")
        if not isinstance(rows, list):
            raise RepalignError(
                f"{path} should hold one JSON list of objects; for one object a line name it .jsonl"
            )
        return ((f"object {number}", row) for number, row in enumerate(rows, start=1))
    lines = _lines(path)
    if path.suffix == ".tsv":
        header = lines[0].split("\t")
        return (
            (f"line {number}", dict(zip(header, line.split("\t"), strict=False)))
            for number, line in enumerate(lines[1:], start=2)
        )
    return (
        (f"line {number}", _json(line, path, f"line {number}"))
        for number, line in enumerate(lines, start=1)
        if line.strip()
    )


def _json(text: str, path: Path, place: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise RepalignError(f"{path}, {place}: not valid JSON ({error})") from error


def _lines(path: Path) -> list[str]:
    try:
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n").rstrip("\n").split("\n")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise RepalignError(f"{path}, line {line}: not UTF-8; convert the file") from error
