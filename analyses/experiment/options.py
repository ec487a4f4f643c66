"""The command line of `pretrained.py`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from repalign.errors import RepalignError

from .base import convert
from .plan import LANGUAGES, NAMES, SEEDED, Plan


def arguments(stages: Sequence[str]) -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description="the paper's experiment on a pretrained model")
    parser.add_argument("stage", choices=stages)
    parser.add_argument("--base", type=Path, help="a model's folder, or a GGUF file")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="adapters, scores and answers")
    parser.add_argument("--data", type=Path, default=os.environ.get("REPALIGN_DATA", "../shared/data"))
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, dest="names", metavar="RECIPE")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time (default: 1)")
    for name, help in {
        "seeds": f"of {' and '.join(SEEDED)}", "tokens": "trained on by each run",
        "sentences": "for alignment", "translations": "in each direction; 0: none",
        "questions": "in each language; 0: none",
        "batch-tokens": "of answers at a time",
    }.items():  # fmt: skip
        default = getattr(Plan, name.replace("-", "_"))
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{help} (default: {default})")
    parser.add_argument(
        "--answer-languages", nargs="+", choices=LANGUAGES, default=LANGUAGES, metavar="LANGUAGE",
        help="of questions and translations: en and others (default: all seven)",
    )  # fmt: skip
    return parser.parse_args()


def planned(options: dict[str, Any]) -> Plan:
    """The plan of the options of the command line; the base is converted first.

    Raises:
        RepalignError: options that every stage but `report` needs are missing, or data.
    """
    if missing := [name for name in ("base", "out") if options[name] is None]:
        raise RepalignError(f"--{missing[0]} is missing; every stage but report needs it")
    if not (options["data"] / "ntrex").is_dir():
        raise RepalignError(
            f"no ntrex in {options['data']}; give --data the folder that this script's head describes"
        )
    os.environ["REPALIGN_DATA"] = str(options["data"].resolve())
    paths: dict[str, Any] = {
        "base": convert(options["base"], options["out"]).resolve(),
        "out": options["out"].resolve(),
    }
    lists: dict[str, Any] = {name: tuple(options[name]) for name in ("names", "answer_languages")}
    return Plan(**options | paths | lists)
