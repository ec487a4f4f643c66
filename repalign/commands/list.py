"""`repalign list`: available checkpoints, corpora, metrics or tasks."""

from __future__ import annotations

import argparse
from pathlib import Path

KINDS = ("checkpoints", "corpora", "metrics", "tasks")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=KINDS)


def run(args: argparse.Namespace) -> list[Path]:
    rows = {"checkpoints": _checkpoints, "corpora": _corpora, "metrics": _metrics, "tasks": _tasks}[
        args.kind
    ]()
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    for row in rows:
        print(
            "  ".join(
                [*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]
            ).rstrip()
        )
    return []


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
