"""Golden results: what the command line gave for two small checkpoints, kept so that a rewrite moves no number.

`python tests/golden.py` pins them anew (say in the commit which numbers moved, and why).
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

FOLDER = Path(__file__).parent / "data" / "golden"
COMMON = ["--langs", "en,hi,zh", "--sentences", "80", "--draws", "100", "--device", "cpu"]
RUNS = {
    "m-llama-everyday": [
        "layers", "--ckpt", "m-llama", "--corpus", "everyday", "--layers", "0,2,4,6", "--control", "random,unshared",
    ],
    "m-llama-phrasebook": ["layers", "--ckpt", "m-llama", "--corpus", "phrasebook", "--pairs", "all", "--probe"],
    "gpt2-everyday": ["layers", "--ckpt", "gpt2", "--corpus", "everyday", "--template", "brief", "--pooling", "last"],
    "gpt2-phrasebook": ["compare", "gpt2", "gpt2-tuned", "--corpus", "phrasebook"],
}  # fmt: skip
"""The command lines; checkpoints are folders of `FOLDER`."""


def run(name: str, home: Path) -> dict[str, Any]:
    """Run one command line and describe all that it wrote: tables, store keys, the page's data."""
    from repalign.commands.main import main

    here = {folder.name: str(folder) for folder in FOLDER.iterdir() if folder.is_dir()}
    out = home / name
    argv = [here.get(word, word) for word in RUNS[name]]
    with contextlib.redirect_stdout(io.StringIO()):
        status = main([*argv, *COMMON, "--out", str(out)])
    if status:
        raise RuntimeError(f"`repalign {' '.join(argv)}` ended with exit code {status}")
    keys = (json.loads(path.read_text(encoding="utf-8")) for path in (home / "states").glob("*/key.json"))
    return {
        "tables": {path.stem: table(pd.read_parquet(path)) for path in sorted(out.glob("*.parquet"))},
        "keys": {key["key"]["language"] + path_of(key): key["key"] for key in keys},
        "page": page(json.loads(page_data((out / "report.html").read_text(encoding="utf-8")))),
    }


def path_of(described: dict[str, Any]) -> str:
    """What tells two stores of one language apart in the golden file."""
    key = described["key"]
    return "|".join(["", key["weights"][:8], key["pooling"], key["template"], key["text"][:8]])


def folders(home: Path) -> list[str]:
    """The names of all stores: digests of their keys."""
    return sorted(path.parent.name for path in (home / "states").glob("*/key.json"))


def table(frame: pd.DataFrame) -> dict[str, Any]:
    """Each column by its distinct texts, or its numbers."""
    columns = {}
    for name, values in frame.items():
        if pd.api.types.is_numeric_dtype(values):
            columns[str(name)] = numbers(values.to_numpy(float, na_value=np.nan))
        else:
            columns[str(name)] = values.fillna("").astype(str).value_counts().sort_index().to_dict()
            if len(columns[str(name)]) > 40:
                columns[str(name)] = {"distinct": len(columns[str(name)])}
    return columns


def numbers(values: np.ndarray) -> list[float]:
    """How many there are, how many are known, their mean, mean size, and a mean that depends on their order."""
    known = values[np.isfinite(values)]
    if not len(known):
        return [len(values), 0]
    waves = np.cos(np.arange(len(known)))
    means = (known.mean(), np.abs(known).mean(), (known * waves).mean())
    return [len(values), len(known), *(float(f"{mean:.8g}") for mean in means)]


def page_data(html: str) -> str:
    found = re.search(r'<script type="application/json"[^>]*>(.*?)</script>', html, re.DOTALL)
    assert found, "the page has no data"
    return found[1]


def page(data: dict[str, Any]) -> dict[str, list[float]]:
    """The numbers of every picture, by figure and choice, and of every map."""
    described = {}
    for panel in data["panels"]:
        for picture in panel["pictures"]:
            choice = ", ".join(f"{key}={value}" for key, value in picture["choice"].items())
            described[f"{panel['figure']}: {panel['title']}: {choice}"] = numbers(flat(picture["data"]))
    for sheet in data["map"]["sheets"]:
        described[f"map: {sheet['checkpoint']}, {sheet['variant']}"] = numbers(flat(sheet))
    return described


def flat(value: Any) -> np.ndarray:
    return np.array(list(leaves(value)), dtype=float)


def leaves(value: Any) -> Iterator[float]:
    """All numbers in nested data, packed ones unpacked."""
    if isinstance(value, dict) and "bdata" in value:
        yield from np.frombuffer(base64.b64decode(value["bdata"]), np.dtype(value["dtype"])).astype(float)
    elif isinstance(value, dict):
        for key in sorted(value):
            yield from leaves(value[key])
    elif isinstance(value, list):
        for entry in value:
            yield from leaves(entry)
    elif isinstance(value, (int, float)):
        yield float(value)


def pin() -> None:
    for name in RUNS:
        with tempfile.TemporaryDirectory() as home:
            os.environ["REPALIGN_HOME"] = home
            described = run(name, Path(home)) | {"stores": folders(Path(home))}
        text = json.dumps(described, ensure_ascii=False, indent=1, sort_keys=True)
        (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")
        print(FOLDER / f"{name}.json", file=sys.stderr)


if __name__ == "__main__":
    pin()
