"""`repalign cache`: the stores of hidden states and of answers."""

from __future__ import annotations

import argparse
import re
import shutil
import time
from pathlib import Path
from typing import TypedDict

from repalign.errors import RepalignError
from repalign.files import read_json, typed

DAY = 86_400


class Key(TypedDict):
    """What is listed of the key of a store."""

    weights: str
    language: str
    template: str
    pooling: str
    site: str
    dtype: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=["list", "verify", "prune", "path"])
    parser.add_argument(
        "--older",
        type=_age,
        metavar="AGE",
        help="prune only entries not read or written for AGE, e.g. 30d, 12h",
    )


def run(args: argparse.Namespace) -> list[Path]:
    from repalign.checkpoints import home

    root = home() / "states"
    if args.action == "path":
        return [root]
    folders = sorted(path.parent for path in root.glob("*/key.json"))
    answers = sorted((home() / "answers").glob("*.jsonl"))
    if args.action == "list":
        for folder in folders:
            print(_describe(folder))
        print(f"{len(folders)} in {root}, {sum(map(_bytes, folders)) / 1e6:,.0f} MB")
        print(f"answers: {len(answers)} in {home() / 'answers'}, {sum(map(_bytes, answers)) / 1e6:,.0f} MB")
    elif args.action == "verify":
        _verify(folders)
    else:
        _prune([*folders, *answers], args.older)
    return []


def _verify(folders: list[Path]) -> None:
    from repalign.states.store import damaged

    bad = [
        f"{path}: {damage}"
        for folder in folders
        for path in sorted(folder.glob("*.npy"))
        if (damage := damaged(path))
    ]
    for line in bad:
        print(line)
    if bad:
        raise RepalignError(f"{len(bad)} damaged shards; they are recomputed on next use")
    print(f"{len(folders)} stores verified, no damaged shards")


def _prune(entries: list[Path], older: float | None) -> None:
    removed = [
        path
        for path in entries
        if older is None or time.time() - max(file.stat().st_mtime for file in _files(path)) > older
    ]
    freed = sum(map(_bytes, removed))
    for path in removed:
        # A link is removed, and not what it points to.
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    print(f"removed {len(removed)} of {len(entries)}, {freed / 1e6:,.0f} MB")


def _describe(folder: Path) -> str:
    from repalign.states.store import FORMAT, Described

    try:
        described = read_json(folder / "key.json", Described)
        key = typed(described["key"], Key, folder / "key.json")
    except RepalignError:
        return f"{folder.name[:8]}  key.json is damaged; it is rewritten on next use"
    shape = described["shape"]
    reading = "|".join((key["template"], key["pooling"], key["site"], key["dtype"]))
    size = f"{len(shape.layers)} x {shape.rows} x {shape.dim}"
    old = "" if described.get("format") == FORMAT else "  of an earlier version: not used any more"
    return (
        f"{folder.name[:8]}  {key['weights'][:8]}  {key['language']:6}  {reading:28}  {size:>18}  {_bytes(folder) / 1e6:8.1f} MB"
        f"{old}"
    )


def _files(path: Path) -> list[Path]:
    return list(path.iterdir()) if path.is_dir() else [path]


def _bytes(path: Path) -> int:
    return sum(file.stat().st_size for file in _files(path))


def _age(text: str) -> float:
    match = re.fullmatch(r"(\d+)([dh])", text)
    if not match:
        raise argparse.ArgumentTypeError(f"expected days or hours such as 30d or 12h, got {text!r}")
    return int(match[1]) * (DAY if match[2] == "d" else DAY / 24)
