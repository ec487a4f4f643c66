"""Results of the sweep: `python analyses/scaling.py` writes figures/scaling.json and figures/scaling.svg.

Reads figures/scaling_runs.parquet (analyses/scaling_sweep.py) and, if it exists, figures/scaling_variants.parquet
(analyses/scaling_variants.py). Fits the law of chrF and of alignment, predicts the largest size from the smaller ones, tests
whether measured similarity predicts difficulty, and splits a budget. The same as a page:
`repalign scaling fit figures/scaling_runs.parquet`.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from repalign_training.similarity import association, similarities
from scaling_variants import BUDGET, OUT, RUNS

from repalign import Checkpoint, ParallelCorpus
from repalign.figures import export
from repalign.figures.scaling import curves
from repalign.figures.style import THEMES
from repalign.files import finite
from repalign.scaling import Fit, Law, Runs, bootstrap, compare_forms, fit, plan, preferred, read_runs
from repalign.scaling.study import law_of, study

MEASURES = {"chrf": 100.0, "mexa": 1.0, "p_at_1": 1.0, "cka": 1.0}
FIGURES = RUNS.parent
DRAWS = 400


def extrapolated(runs: Runs) -> dict[str, object]:
    """The largest size predicted from the smaller ones, by language, with a 95% prediction interval for its runs' mean.

    The prediction is for the same test sentences, with their fitted error; the interval, which is that for other test
    sentences, is too wide rather than too narrow.
    """
    size = float(runs.sizes[-1])
    held_out = runs.pairs == size
    rest = runs.where(~held_out)
    fitted = fit(rest, preferred(compare_forms(rest)) or "power")
    draws = bootstrap(fitted, DRAWS)
    rows = {
        language: _predicted(
            fitted, draws, language, runs.score[held_out & (np.array(runs.language) == language)], size
        )
        for language in runs.languages
    }
    errors = [row["measured"] - row["predicted"] for row in rows.values()]
    return {
        "size": size,
        "form": fitted.form.name,
        "rmse": float(np.sqrt(np.mean(np.square(errors)))),
        "languages": rows,
    }


def _predicted(
    fitted: Fit, draws: np.ndarray, language: str, scores: np.ndarray, size: float
) -> dict[str, float]:
    generator = np.random.default_rng(0)
    noise = fitted.deviation.mean() / len(scores) ** 0.5
    of_tests = fitted.runs.shared_error @ fitted.values[len(fitted.names) :]
    test_error = of_tests[np.array(fitted.runs.language) == language].mean()
    around = fitted.predict(language, size, draws)[:, 0] + generator.normal(0, noise, len(draws))
    low, high = np.quantile(around, [0.025, 0.975]) + test_error
    value = float(fitted.predict(language, size)[0]) + test_error
    inside = bool(low <= scores.mean() <= high)
    return {"measured": float(scores.mean()), "predicted": value, "low": low, "high": high, "inside": inside}


def variants(path: Path, law: Law) -> dict[str, object] | None:
    """Mean chrF of each split over languages, measured by seed and predicted by the law, and the gain of optimal over uniform."""
    if not path.exists():
        return None
    table = pd.read_parquet(path)
    means = table.groupby(["split", "seed"])[["chrf", "p_at_1"]].mean()
    by_language = table.pivot_table(index="split", columns="language", values="chrf")
    pairs = table.pivot_table(index="split", columns="language", values="pairs")[list(law.languages)]
    summary: dict[str, object] = {
        "by the law": {
            split: float(law.scores(row.to_numpy(float)).mean()) for split, row in pairs.iterrows()
        },
        "mean": {split: rows.droplevel(0).to_dict() for split, rows in means.groupby(level=0)},
        "chrf": by_language.round(2).to_dict("index"),
        "pairs": pairs.to_dict("index"),
    }
    if {"optimal", "uniform"} <= set(table["split"]):
        gain = (means.loc["optimal"] - means.loc["uniform"]).dropna()
        summary["optimal over uniform"] = gain.to_dict()
    return summary


def main() -> None:
    runs_of = {measure: read_runs(RUNS, measure, top) for measure, top in MEASURES.items()}
    studies = {measure: study(runs, draws=DRAWS) for measure, runs in runs_of.items()}
    allocation = plan(law_of(studies["chrf"]), BUDGET)
    similarity = similarities(Checkpoint.named("base"), ParallelCorpus.named("phrasebook"))
    difficulty = {
        name[2:-1]: entry["value"]
        for name, entry in studies["chrf"]["parameters"].items()
        if name[:2] in ("a[", "k[")
    }
    results = {
        "signatures": {measure: one["signature"] for measure, one in studies.items()},
        "held out": {measure: extrapolated(runs) for measure, runs in runs_of.items()},
        "forms": {measure: one["forms"] for measure, one in studies.items()},
        "choice": {measure: one["choice"] for measure, one in studies.items()},
        "parameters": {measure: one["parameters"] for measure, one in studies.items()},
        "notes": {measure: one["notes"] for measure, one in studies.items()},
        "similarity": similarity,
        "predicts difficulty": {name: association(values, difficulty)._asdict() for name, values in similarity.items()},
        "plan": {"budget": BUDGET, "note": allocation.note, "identified": allocation.identified, "ranges": allocation.ranges,
                 "splits": [{"name": s.name, "pairs": s.pairs, "value": s.value, "gain": s.gain} for s in allocation.splits]},
        "variants": variants(OUT, law_of(studies["chrf"])),
    }  # fmt: skip
    (FIGURES / "scaling.json").write_text(json.dumps(finite(results), indent=1) + "\n")
    picture = curves(studies["chrf"])
    title = {"text": studies["chrf"]["signature"], "font": {"size": 9}, "x": 0, "y": 0.99}
    figure = go.Figure(picture["data"], {**picture["layout"], "template": THEMES["paper"], "title": title})
    export(figure, FIGURES / "scaling.svg")
    print(
        json.dumps(
            finite({key: results[key] for key in ("held out", "predicts difficulty", "plan", "variants")}),
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
