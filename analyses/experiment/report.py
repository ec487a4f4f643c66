"""The report of `pretrained.py` from the kept files: figures/pretrained.json, .md and .svg, and a part of docs/pretrained.md.

Neither a model nor data are needed, nor any text: see `experiment.keep` for what is kept.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from typing import Any

import pandas as pd
from demo_family import FIGURES

from repalign import RepalignError, Results
from repalign.evaluation.answer_language import REFERENCES, language_table
from repalign.evaluation.scores import score_table
from repalign.figures import export
from repalign.files import finite

from .answers import SCORERS_OF
from .claims import verdicts
from .correlations import GROUPS, of_group
from .departures import departures
from .figures import WIDTH, by_layer, forest
from .keep import KEPT
from .kept import Kept
from .page import PAGE, markdown, rewritten
from .page import verdicts as verdicts_table
from .plan import baselines
from .scores import items_of, statistics_of
from .tables import summary


def report() -> None:
    """Write the figures and the page, from as many runs as are kept.

    Raises:
        RepalignError: no run is kept, or none is measured.
    """
    kept = Kept.load(KEPT)
    if not kept.results:
        raise RepalignError(f"no alignment in {KEPT}; run the stages measure and keep first")
    figures: dict[str, Any] = finite(numbers(kept))
    FIGURES.mkdir(exist_ok=True)
    text = json.dumps(figures, indent=1, ensure_ascii=False)
    (FIGURES / "pretrained.json").write_text(text + "\n", encoding="utf-8")
    (FIGURES / "pretrained.md").write_text(markdown(figures) + "\n", encoding="utf-8")
    drawn = {"pretrained": by_layer(kept), "pretrained_claims": forest(figures["claims"])}
    for name, figure in drawn.items():
        if figure is not None:
            export(figure, FIGURES / f"{name}.svg", width=WIDTH)
            shutil.copyfile(FIGURES / f"{name}.svg", PAGE.parent / "pictures" / f"{name}.svg")
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(rewritten(page, figures), encoding="utf-8")
    print(verdicts_table(figures["claims"]))
    print(summary(figures))


def numbers(kept: Kept) -> dict[str, Any]:
    """All that figures/pretrained.json holds."""
    profiles = list(kept.results.values())
    return {
        "plan": {part: kept.plan[part] for part in ("sizes", "base", "data")},
        "departures": departures(kept),
        "claims": verdicts(kept),
        "runs": {run: about for run, about in kept.about.items() if "card" in about},
        "alignment": {metric: curves(profiles, metric) for metric in profiles[0].profile.settings["labels"]},
        "peaks": rows(pd.concat([one.profile.peaks for one in profiles])),
        **{name: rows(table) for name, table in evaluations(kept).items()},
        "signatures": {run: about["signatures"] for run, about in kept.about.items()},
        "settings": profiles[0].profile.settings,
    }


def curves(profiles: Sequence[Results], metric: str) -> dict[str, dict[str, list[float]]]:
    """Mean of both directions: language -> run -> one value a layer."""
    scores = pd.concat([one.profile.where(metric=metric, baseline=None).table for one in profiles])
    language = scores["target"].where(scores["source"] == "en", scores["source"])
    values = scores.groupby([language.rename("language"), "checkpoint", "layer"], sort=False)["value"].mean()
    curves: dict[str, dict[str, list[float]]] = {}
    for (name, run), curve in values.groupby(level=[0, 1], sort=False):
        curves.setdefault(name, {})[run] = curve.round(4).tolist()
    return curves


def evaluations(kept: Kept) -> dict[str, pd.DataFrame]:
    """Tables of the answers: scores with differences from the baselines, and the languages of answers."""
    tables: dict[str, list[pd.DataFrame]] = {"scores": [], "answer_languages": []}
    for name, task in GROUPS.items():
        groups = of_group(name, kept.groups(task))
        if not groups:
            continue
        answers = {
            run: {language: kept.group(run, task, group) for language, group in groups.items()}
            for run, table in kept.answers.items()
            if (table["task"] == task).any()
        }
        items = {language: items_of(table) for language, table in next(iter(answers.values())).items()}
        measured = {
            run: {
                scorer: {
                    language: statistics_of(kept, run, task, group, scorer)
                    for language, group in groups.items()
                }
                for scorer in SCORERS_OF[task]
            }
            for run in answers
        }
        for run in answers:
            for others in [[], *([one] for one in baselines(run) if one in answers)]:
                scores = score_table({one: measured[one] for one in (*others, run)}, items)
                scores = scores.dropna(subset=["baseline"]) if others else scores
                tables["scores"].append(scores.assign(task=name))
        detected = {
            run: {language: _codes(table["answered_in"]) for language, table in by_language.items()}
            for run, by_language in answers.items()
        }
        references = next(iter(answers.values())).items()
        detected[REFERENCES] = {language: _codes(table["reference_in"]) for language, table in references}
        tables["answer_languages"].append(language_table(items, detected).assign(task=name))
    return {name: pd.concat(parts, ignore_index=True) for name, parts in tables.items() if parts}


def _codes(languages: pd.Series) -> list[str | None]:
    return [None if pd.isna(one) else str(one) for one in languages]


def rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A table as JSON: rounded, and without what is missing."""
    return [
        {
            key: round(value, 4) if isinstance(value, float) else value
            for key, value in row.items()
            if pd.notna(value)
        }
        for row in table.to_dict("records")
    ]
