"""Damage to files: bytes, JSON and tables changed at random, the way that broken tools, transfers and attackers do."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

TOKENS = (
    b"\n", b"\r", b"\r\n", b"\t", b",", b";", b'"', b'""', b"'", b"\\", b"{", b"}", b"[", b"]", b":", b"null", b"NaN", b"true",
    b"1e999", b"-0", b"\0", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\\ud800", b"\xe2\x80\xa8", b"\xe2\x80\x8b", b"en", b"zh",
    b"id", b"text", b"translation", b"language", b"0" * 5000, b"9" * 5000, b"[" * 3000, b"<seg>", b"</tu>", b"&x;", b"PAR1",
    b"", b" ", "\u0627".encode(), "\U0001f600".encode(),
)  # fmt: skip


ODD: tuple[Any, ...] = (
    None, True, -1, 0, 1, 0.5, 10**30, 1e308, float("nan"), float("inf"), "", "x", "en", [], ["x"], {}, {"x": 1}, [[[]]],
    "<script>window.__x=1</script>", "\x1b[31m\u202e", "x" * 3000, "../../x", 10**400,
)  # fmt: skip
"""Values that take the place of others in JSON; the first 13 also in tables."""


def mutated(data: bytes, rng: random.Random) -> bytes:
    """One to four changes: a byte, a piece doubled, moved or cut, a token put in or in place of others, the end lost."""
    for _ in range(rng.randint(1, 4)):
        data = rng.choice(CHANGES)(data, rng)
    return data


def _span(data: bytes, rng: random.Random) -> tuple[int, int]:
    start = rng.randint(0, len(data))
    return start, min(len(data), start + rng.choice((1, 2, 8, 64, 512)))


def _flipped(data: bytes, rng: random.Random) -> bytes:
    place = rng.randint(0, max(len(data) - 1, 0))
    return data[:place] + bytes([rng.randint(0, 255)]) + data[place + 1 :]


def _cut(data: bytes, rng: random.Random) -> bytes:
    start, end = _span(data, rng)
    return data[:start] + data[end:]


def _doubled(data: bytes, rng: random.Random) -> bytes:
    start, end = _span(data, rng)
    return data[:end] + data[start:end] + data[end:]


def _moved(data: bytes, rng: random.Random) -> bytes:
    start, end = _span(data, rng)
    rest, place = data[:start] + data[end:], rng.randint(0, len(data) - (end - start))
    return rest[:place] + data[start:end] + rest[place:]


def _inserted(data: bytes, rng: random.Random) -> bytes:
    start, end = _span(data, rng)
    return data[:start] + rng.choice(TOKENS) + data[rng.choice((start, end)) :]


def _ended(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randint(0, len(data))]


CHANGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _flipped, _cut, _doubled, _moved, _inserted, _inserted, _inserted, _ended,
)  # fmt: skip


def mutate_file(path: Path, rng: random.Random) -> None:
    """Change the bytes of a file."""
    path.write_bytes(mutated(path.read_bytes(), rng))


def damage_json(path: Path, rng: random.Random) -> None:
    """Replace, drop, double or rename something at any place of a JSON file, nest it deeply, or change its bytes."""
    text = path.read_text(encoding="utf-8")
    way = rng.randrange(9)
    if way == 0:
        mutate_file(path, rng)
    elif way == 1:
        place, deep = rng.randint(0, len(text)), "[" * rng.choice((50, 100_000))
        path.write_text(text[:place] + deep + text[place:], encoding="utf-8")
    else:
        value = json.loads(text)
        holder, key = rng.choice([*_places(value)] or [({"x": 0}, "x")])
        if way == 2:
            del holder[key]
        elif way == 3 and isinstance(holder, dict):
            holder["renamed"] = holder.pop(key, None)
        elif way == 4 and isinstance(holder, list):
            holder.append(holder[key])
        else:
            holder[key] = rng.choice(ODD)
        path.write_text(json.dumps(value), encoding="utf-8")


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every key or index in nested JSON, with what holds it."""
    if isinstance(value, (dict, list)):
        for key, entry in value.items() if isinstance(value, dict) else enumerate(value):
            yield value, key
            yield from _places(entry)


def damage_table(path: Path, rng: random.Random) -> None:
    """Change columns, cells or rows of a parquet file, or its bytes."""
    way = rng.randrange(12)
    if way < 2:
        mutate_file(path, rng)
        return
    table = pd.read_parquet(path)
    column = rng.choice(list(table.columns))
    if way == 2:
        table = table.drop(columns=column)
    elif way == 3:
        table = table.rename(columns={column: "renamed"})
    elif way == 4:
        table[column] = table[column].astype(str)
    elif way == 5:
        table[column] = [rng.choice(ODD[:9])] * len(table)
    elif way == 6:
        table = table.iloc[: rng.randrange(3)]
    elif way == 7:
        table = table.sample(frac=0.5, random_state=rng.randrange(100))
    elif way == 8:
        table = pd.concat([table, table.tail(7)])
    else:  # a cell, or a tenth of all
        rows = range(len(table))
        chosen = {row for row in rows if rng.random() < 0.1} if way == 9 else {rng.randrange(len(table) or 1)}
        kept = [row not in chosen for row in rows]
        table[column] = table[column].astype(object).where(kept, rng.choice(ODD[:13]))
    try:
        table.to_parquet(path, index=False)
    except Exception:  # arrow has no form for it
        mutate_file(path, rng)


def damage_folder(folder: Path, rng: random.Random) -> None:
    """Damage one file of a folder by its kind: tables and JSON as such, others byte by byte; or lose, or swap, a whole file."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    path = rng.choice(files)
    way = rng.randrange(20)
    if way == 0:
        path.unlink()
    elif way == 1:
        path.write_bytes(rng.choice(files).read_bytes())
    elif way == 2:
        path.unlink()
        path.mkdir()
    elif path.suffix == ".parquet":
        damage_table(path, rng)
    elif path.suffix == ".json":
        damage_json(path, rng)
    else:
        mutate_file(path, rng)
