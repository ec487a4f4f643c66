"""Whether alignment predicts scores, over languages and over sentences, by the machinery of `repalign.evaluation.alignment`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from repalign import Results
from repalign.evaluation import alignment
from repalign.evaluation.scores import score_table
from repalign.results.schema import RESULTS
from repalign.statistics import spearman, spearman_interval

from .answers import SCORERS_OF
from .comparisons import Comparison
from .kept import METRIC, Kept, Missing
from .plan import BASE
from .scores import items_of, statistics_of

GROUPS = {"xquad": "xquad", "en-x": "translation", "x-en": "translation"}
"""What is averaged over languages -> the task of its answers."""

MEASURE = "Spearman's rho"


def of_group(name: str, groups: list[str]) -> dict[str, str]:
    """Language -> its group of answers: itself, or of translation the direction by its other language than English."""
    if name == "xquad":
        return {group: group for group in groups}
    side = 1 if name == "en-x" else 0
    pairs = {group.split("-")[side]: group for group in groups}
    return {language: group for language, group in pairs.items() if language != "en"}


def over_languages(kept: Kept) -> list[Comparison]:
    """Rank correlations of alignment and score over languages: of the base, of MuIT, and of what MuIT changes."""
    found = []
    for group in GROUPS:
        tables = dict(_tables(kept, group))
        if len(tables) == 2:
            before, after = (table.set_index("language")[["alignment", "score"]] for table in tables.values())
            first = next(iter(tables.values()))
            change = first.assign(checkpoint="m − base", **(after - before).reset_index(drop=True))
            tables["m − base"] = change
        for name, table in tables.items():
            label = f"{name}: alignment and {_label(group)}, over {len(table)} languages"
            row = next(alignment.over_languages(table).itertuples())
            found.append(_comparison(label, row))
            if name == BASE and (control := _without_shared_tokens(kept, table, label)):
                found.append(control)
    return found or [Comparison("over languages", MEASURE, reason="base and m are not measured and answered")]


def over_sentences(kept: Kept) -> list[Comparison]:
    """Rank correlations, within a language, of the margin of a sentence and chrF++ of its translation."""
    found: list[Comparison] = []
    for name, run in _runs(kept):
        for group in ("en-x", "x-en"):
            found += _over_sentences(kept, name, run, group)
    return found or [
        Comparison(
            "over sentences",
            MEASURE,
            reason=f"fewer than {alignment.MIN_LINKED_ITEMS} measured sentences are translated",
        )
    ]


def _over_sentences(kept: Kept, name: str, run: str, group: str) -> Iterator[Comparison]:
    groups = of_group(group, kept.groups("translation"))
    if run not in kept.margins or run not in kept.answers or not groups:
        return
    rows = {language: kept.group(run, "translation", one) for language, one in groups.items()}
    scores = {
        language: statistics_of(kept, run, "translation", one, "chrf").per_item
        for language, one in groups.items()
    }
    items = {language: items_of(table) for language, table in rows.items()}
    linked = _linked(kept, run)
    for row in alignment.over_items(linked, items, {run: {"chrf": scores}}).itertuples():
        label = f"{name}: margin and chrF++ {_direction(group, row.language)}, over {row.units} sentences"
        yield _comparison(label, row)
        margins = kept.margins[run][kept.margins[run]["language"] == row.language]
        margin = margins.set_index(_ids(margins))["margin"]
        characters = np.stack(rows[row.language]["chrf"].to_list())[:, 1]  # of the reference
        table = pd.DataFrame(
            {"score": scores[row.language], "length": characters}, index=rows[row.language]["item"]
        )
        both = table.join(margin, how="inner").to_numpy(float).T
        yield _partial(f"{label}, at equal length of the reference", both[2], both[0], both[1])


def _runs(kept: Kept) -> Iterator[tuple[str, str]]:
    """The base and the first MuIT, where there are any."""
    for name in (BASE, "m"):
        if seeds := kept.seeds(name):
            yield name, seeds[min(seeds)]


def _tables(kept: Kept, group: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """The alignment and score of each language: see `alignment.alignment_table`."""
    task, scorer = GROUPS[group], SCORERS_OF[GROUPS[group]][0]
    for name, run in _runs(kept):
        groups = of_group(group, kept.groups(task))
        try:
            measured = {
                language: statistics_of(kept, run, task, one, scorer) for language, one in groups.items()
            }
            items = {language: items_of(kept.group(run, task, one)) for language, one in groups.items()}
        except Missing:
            continue
        if measured and run in kept.results:
            own = kept.results[run].profile.where(metric=METRIC, baseline=None)
            table = alignment.alignment_table(
                Results(run, own), score_table({run: {scorer: measured}}, items)
            )
            if len(table):
                yield name, table.reset_index(drop=True)


def _without_shared_tokens(kept: Kept, table: pd.DataFrame, label: str) -> Comparison | None:
    """The same correlation at equal alignment by shared tokens alone (the control "bag-of-tokens" of the base)."""
    controls = kept.results[BASE].tables.get("controls")
    if controls is None:
        return None
    bags = controls[(controls["control"] == "bag-of-tokens") & (controls["metric"] == METRIC)]
    language = bags["target"].where(bags["target"] != "en", bags["source"]).astype(str)
    shared = bags.groupby(language)["value"].mean().reindex(table["language"]).to_numpy(float)
    numbers = (table["alignment"].to_numpy(float), table["score"].to_numpy(float), shared)
    return _partial(f"{label}, at equal overlap of tokens", *numbers)


def _partial(label: str, a: np.ndarray, b: np.ndarray, given: np.ndarray) -> Comparison:
    """Spearman's correlation of `a` and `b` at equal `given`, each [unit], with one degree of freedom less."""
    one, two, three = (float(spearman(x[None], y[None])[0]) for x, y in ((a, b), (a, given), (b, given)))
    scale = np.sqrt((1 - two**2) * (1 - three**2))
    if len(a) < alignment.MIN_UNITS or not scale > 0:
        return Comparison(label, MEASURE, reason=_too_few(len(a)), kind="correlation", beside=True)
    value = (one - two * three) / scale
    interval = spearman_interval(value, len(a) - 1)
    return Comparison(
        label, MEASURE, kind="correlation", value=value, interval=interval, items=len(a), beside=True
    )


def _comparison(label: str, row: Any) -> Comparison:
    if np.isnan(row.low):
        return Comparison(label, MEASURE, reason=_too_few(row.units), kind="correlation")
    return Comparison(label, MEASURE, value=row.value, interval=(row.low, row.high), p=row.p, items=row.units)


def _too_few(units: int) -> str:
    if units < alignment.MIN_UNITS:
        return f"{units} units, fewer than {alignment.MIN_UNITS}"
    return "one of the two does not vary"


def _label(group: str) -> str:
    return "XQuAD F1" if group == "xquad" else f"chrF++ {_direction(group, 'L')}"


def _direction(group: str, language: str) -> str:
    return f"en to {language}" if group == "en-x" else f"{language} to en"


def _linked(kept: Kept, run: str) -> Any:
    """The results of a run with the tables that link sentences to items by their ids, which stand for their texts."""
    margins = kept.margins[run]
    placed = margins.assign(checkpoint=run, reducer="none", variant="centred")
    known = margins[["language", "sentence"]].assign(text=_ids(margins), group=margins["sentence"], tokens=0)
    columns = {
        name: list(table.to_dict("records")) for name, table in (("map", placed), ("sentences", known))
    }
    tables = {name: RESULTS[name].frame(some) for name, some in columns.items()}
    return Results(run, kept.results[run].profile, tables)


def _ids(margins: pd.DataFrame) -> pd.Series:
    """The ids of the items that are about the sentences: those of translation are numbered from 1."""
    return (margins["sentence"] + 1).astype(str)
