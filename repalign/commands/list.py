"""`repalign list`: available checkpoints, corpora, metrics and tasks."""

from __future__ import annotations

import argparse

from repalign.commands.outcome import Outcome, add_printing_options, aligned
from repalign.commands.parser import Parser

KINDS = {
    "checkpoints": ("name", "state", "about"),
    "corpora": ("name", "about"),
    "metrics": ("name", "label", "reference"),
    "tasks": ("name", "scorers", "about"),
}
"""What is listed, and the names of the columns."""


def add_arguments(parser: Parser) -> None:
    parser.add_argument("kind", nargs="?", choices=[*KINDS, "all"], default="all", metavar="KIND",
                        help="checkpoints, corpora, metrics or tasks; default: all of them")  # fmt: skip
    add_printing_options(parser, quiet=False)
    parser.add_examples("repalign list", "repalign list metrics", "repalign list checkpoints --json")


def run(args: argparse.Namespace) -> Outcome:
    listed = {kind: _rows(kind) for kind in KINDS if args.kind in (kind, "all")}
    record = {
        kind: [dict(zip(KINDS[kind], row, strict=True)) for row in rows] for kind, rows in listed.items()
    }
    if len(listed) == 1:
        return Outcome(list(aligned(next(iter(listed.values())))), record)
    return Outcome(
        [line for kind, rows in listed.items() for line in (f"{kind}:", *aligned(rows, "  "))], record
    )


def _rows(kind: str) -> list[tuple[str, ...]]:
    return {"checkpoints": _checkpoints, "corpora": _corpora, "metrics": _metrics, "tasks": _tasks}[kind]()


def _checkpoints() -> list[tuple[str, ...]]:
    from repalign.checkpoints import catalogue, checkpoint_folder, shipped_names, trained_names

    entries, trained = catalogue(), trained_names()
    where = dict.fromkeys(shipped_names(), "shipped") | dict.fromkeys(trained, "trained")
    rows = [
        (name, where.get(name, "trained on first use"), entry["about"]) for name, entry in entries.items()
    ]
    return rows + [(name, "trained", str(checkpoint_folder(name))) for name in trained if name not in entries]


def _corpora() -> list[tuple[str, ...]]:
    from repalign.corpora import EMBEDDED

    return list(EMBEDDED.items())


def _metrics() -> list[tuple[str, ...]]:
    from repalign.metrics import METRICS, offered

    rows = [(name, METRICS[name].label, METRICS[name].reference) for name in METRICS]
    return rows + [(name, "of an installed package", point.value) for name, point in offered().items()]


def _tasks() -> list[tuple[str, ...]]:
    from repalign.evaluation.tasks import TASKS

    return [(name, ", ".join(TASKS[name].scorers), TASKS[name].about) for name in TASKS]
