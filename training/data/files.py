"""Items from files: instructions in Alpaca's format, sentence pairs, plain text."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from repalign import RepalignError
from repalign.corpora.readers import hub_rows, parquet_rows

from .instructions import translation_request
from .items import Item, Items


def instructions(languages: tuple[str, ...], options: Mapping[str, Any], split: str) -> list[Item]:
    """Alpaca's format, `alpaca_en`: .json (one list), .jsonl or .parquet of instruction, input, output."""
    path = _path(options, languages[0])
    items = []
    for position, row in _records(path):
        missing = [key for key in ("instruction", "output") if not isinstance(row.get(key), str)]
        if missing:
            raise RepalignError(
                f"{path}, {position}: no text under {missing[0]!r}; "
                "Alpaca's format has instruction, input (may be empty) and output"
            )
        if row["instruction"].strip() and row["output"].strip():
            items.append(Item(row["instruction"], row.get("input") or "", row["output"], languages))
    return items


def pairs(languages: tuple[str, ...], options: Mapping[str, Any], split: str) -> Items:
    """Sentence pairs, `translation_en-zh`.

    `path` may hold {source} and {target}, or {pair} for either order of the two:

    - a .tsv, .jsonl or .parquet file with one column per language (or, as on the hub, one column `translation`);
    - two plain text files with corresponding lines (Moses): a path with {language}, which stands for each of the two.

    `hub` instead names a data set in parquet, `owner/name:config`. `via` is an intermediate language: with "en",
    the zh and hi translations of the same English text make a zh-hi pair. `ask` is the language of the instruction:
    a code (en by default), "source" or "target"; `brief` takes the shortest one.

    Raises:
        RepalignError: no such file, a language it lacks, or sides of different length.
    """
    source, target = languages
    direct = options.get("via") in (None, *languages)
    sides = _pair_rows(options, source, target) if direct else _joined(options, languages)
    rows = [row for row in sides if row[0].strip() and row[1].strip()]
    ask = str(options.get("ask", "en"))
    asked_in = {"source": source, "target": target}.get(ask, ask)
    brief = options.get("brief", False)

    def make(index: int) -> Item:
        request = translation_request(source, target, index, asked_in, brief)
        return Item(request, *rows[index], languages)

    return Items(len(rows), make)


def _joined(options: Mapping[str, Any], languages: tuple[str, ...]) -> list[tuple[str, str]]:
    """Pairs of texts that translate the same text of the intermediate language."""
    source, target = (dict(_pair_rows(options, options["via"], language)) for language in languages)
    return [(text, target[shared]) for shared, text in source.items() if shared in target]


def text(languages: tuple[str, ...], options: Mapping[str, Any], split: str) -> Items:
    """Plain text, one paragraph or sentence per line: `text_en`."""
    lines = [line for line in _lines(_path(options, languages[0])) if line.strip()]
    return Items(len(lines), lambda index: Item("", "", lines[index], languages))


def repeat(languages: tuple[str, ...], options: Mapping[str, Any], split: str) -> Items:
    """Sentences to repeat in the same language, `repeat_zh`: plain text, or that column of a file of pairs.

    Repetition is the easiest task on which a model learns to attend to its input. `brief` as in `pairs`.
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
    path = _expanded(options["path"].replace("{language}", language))
    if not path.is_file():
        raise RepalignError(
            f"no file {path}; set sources.NAME.path (or the $VARIABLE in it) to where the data is"
        )
    return path


def _expanded(path: str) -> Path:
    """The path with `~` and `$VARIABLE` expanded as in a shell."""
    return Path(os.path.expandvars(path)).expanduser()


def _pair_rows(options: Mapping[str, Any], source: str, target: str) -> Iterator[tuple[str, str]]:
    if "hub" in options:
        yield from _columns(_hub(options["hub"], source, target), options["hub"], source, target)
        return
    template = options.get("path", "").replace("{source}", source).replace("{target}", target)
    orders = [template.replace("{pair}", f"{a}-{b}") for a, b in ((source, target), (target, source))]
    existing = (order for order in orders if _expanded(order.replace("{language}", source)).is_file())
    template = next(existing, orders[0])
    if "{language}" in template:
        sides = [_lines(_path({"path": template}, language)) for language in (source, target)]
        if len(sides[0]) != len(sides[1]):
            raise RepalignError(
                f"{template}: {source} has {len(sides[0])} lines, {target} {len(sides[1])}; "
                "line i of one must translate line i of the other"
            )
        yield from zip(*sides, strict=True)
        return
    path = _path({"path": template}, source)
    yield from _columns(_records(path), str(path), source, target)


def _columns(
    records: Iterable[tuple[str, dict[str, Any]]], where: str, source: str, target: str
) -> Iterator[tuple[str, str]]:
    for position, record in records:
        sides = record.get("translation", record)
        sides = sides if isinstance(sides, dict) else record
        for language in (source, target):
            if not isinstance(sides.get(language), str):
                raise RepalignError(
                    f"{where}, {position}: no text in column {language!r}; its columns are {', '.join(sides)}"
                )
        yield sides[source], sides[target]


def _hub(spec: str, source: str, target: str) -> Iterator[tuple[str, dict[str, Any]]]:
    name, _, config = spec.replace("{source}", source).replace("{target}", target).partition(":")
    rows = hub_rows(name, config, "train", f"hub data set {spec!r}", "it must be in parquet, not a script")
    return ((f"row {number}", row) for number, row in enumerate(rows, start=1))


def _records(path: Path) -> Iterator[tuple[str, Any]]:
    """Rows with their position for an error message.

    Raises:
        RepalignError: a file that is damaged or does not hold rows.
    """
    for position, row in _rows(path):
        if not isinstance(row, dict):
            raise RepalignError(
                f"{path}, {position}: expected an object with named fields, not {str(row)[:40]!r}"
            )
        yield position, row


def _rows(path: Path) -> Iterator[tuple[str, Any]]:
    if path.suffix == ".parquet":
        return ((f"row {number}", row) for number, row in enumerate(parquet_rows(path), start=1))
    if path.suffix == ".json":
        rows = _json("\n".join(_lines(path)), path, "the file")
        if not isinstance(rows, list):
            raise RepalignError(
                f"{path} should hold one JSON list of objects; name a file with one object per line .jsonl"
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


def _json(text: str, path: Path, position: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise RepalignError(f"{path}, {position}: not valid JSON ({error})") from error


def _lines(path: Path) -> list[str]:
    try:
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n").rstrip("\n").split("\n")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise RepalignError(f"{path}, line {line}: not UTF-8; convert the file") from error
