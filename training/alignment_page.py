"""A page that shows alignment over training, from the log that `AlignmentCallback` writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import binom

from repalign import LayerProfile, RepalignError, Report, Results
from repalign.results.profile import COLUMNS
from repalign.statistics import holm, share_difference, wilson

from .alignment_log import LOG, damaged_log, read_log, unpacked


def alignment_page(folder: Path) -> Path:
    """Draw the measurements of a run, finished or not, as `folder/alignment.html`.

    Raises:
        RepalignError: the folder has no measurements.
    """
    return Report(read_alignment(folder / LOG)).write(folder / "alignment.html")


def read_alignment(log: Path) -> Results:
    """The measurements as a series of checkpoints, one per measured step.

    A value is the mean of both directions; its interval and p are those of one direction, and so conservative.

    Raises:
        RepalignError: no such file, or not a log of alignment.
    """
    if not log.is_file():
        raise RepalignError(
            f"{log} does not exist; train with --set train.align_steps=100 to have it written"
        )
    entries = read_log(log)
    try:
        table = pd.concat([*map(_table, entries), *_changes(entries)], ignore_index=True)
    except (ValueError, KeyError, TypeError) as error:
        raise damaged_log(log, error) from error
    name = log.resolve().parent.name
    profile = LayerProfile(
        table,
        {
            f"step {entry['step']}": f"step {entry['step']}@{name}|{entry['corpus']}#|raw|mean|resid"
            for entry in entries
        },
        {"source": entries[0]["pivot"], "labels": {"p_at_1": "P@1"}, "correction": "holm"},
    )
    date = {"date": entries[-1]["date"]} if "date" in entries[-1] else {}
    return Results(f"{name}: alignment over training", profile, about=date)


def _table(entry: dict) -> pd.DataFrame:
    scores = pd.DataFrame(entry["p_at_1"])
    table = scores.rename_axis("layer").reset_index().melt("layer", var_name="target", value_name="value")
    n = entry["sentences"]
    low, high = wilson(table["value"].to_numpy(), n)
    p = binom.sf(np.floor(table["value"] * n + 1e-9) - 1, n, 1 / n)
    return table.assign(
        checkpoint=f"step {entry['step']}",
        baseline=None,
        metric="p_at_1",
        variant="centred",
        source=entry["pivot"],
        depth=table["layer"] / (len(scores) - 1),
        low=low,
        high=high,
        chance=1 / n,
        calibrated=(table["value"] - 1 / n) / (1 - 1 / n),
        p=p,
        p_adjusted=holm(p),
        design_effect=np.nan,
        sentences=n,
    ).loc[:, list(COLUMNS)]


def _changes(entries: list[dict]) -> list[pd.DataFrame]:
    """What changed from the first to the last step, on the same sentences; nothing if their hits were not logged."""
    first, last = entries[0], entries[-1]
    if first is last or not all("hits" in entry for entry in (first, last)):
        return []
    n, pivot = first["sentences"], first["pivot"]
    rows, differences = [], []
    for language, directions in last["hits"].items():
        ends = ((pivot, language), (language, pivot))
        for (source, target), before, after in zip(ends, first["hits"][language], directions, strict=True):
            for layer, (was, now) in enumerate(zip(before, after, strict=True)):
                rows.append(
                    {"source": source, "target": target, "layer": layer, "depth": layer / (len(after) - 1)}
                )
                differences.append(unpacked(now, n) - unpacked(was, n))
    changed = np.array(differences)
    low, high, p = share_difference(changed)
    table = pd.DataFrame(rows).assign(
        checkpoint=f"step {last['step']}", baseline=f"step {first['step']}", metric="p_at_1", variant="centred",
        value=changed.mean(1), low=low, high=high, chance=np.nan, calibrated=np.nan, p=p, p_adjusted=holm(p),
        design_effect=np.nan, sentences=n,
    )  # fmt: skip
    return [table.loc[:, list(COLUMNS)]]
