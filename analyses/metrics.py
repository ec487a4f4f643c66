"""Each metric, and data on which it misleads: `python analyses/metrics.py` writes docs/metrics.md."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np

import repalign
from repalign.metrics import DEFAULT_METRICS, INVARIANCES, METRICS, Metric
from repalign.scoring import VARIANTS

ROOT = Path(__file__).parents[1]

INTRODUCTION = """\
# Metrics

Written by `python analyses/metrics.py` (repalign {version}). X and Y are the states of two languages at one
layer, [sentence, dim], row i of one a translation of row i of the other; S = cosines of X with Y.

```python
import numpy as np
import repalign

scores = repalign.metrics.METRICS["cka"](x, y)   # numpy arrays or torch tensors
scores.value, scores.null.p(scores.value)

states = repalign.LayerStates.from_arrays({{"en": x[None], "zh": y[None]}})     # [layer, sentence, dim]
table = repalign.profile(states, metrics=["mexa", "cka"]).table              # pandas, one row a score
best = table[table["variant"] == "centred"].groupby(["metric", "target"])["value"].max()

import pandas as pd                                                          # no torch needed to read results
table = pd.read_parquet("out/m-llama/profile.parquet")
```

## A metric of one's own

```python
@repalign.metric(
    label="Top-5", bounds=(0, 1), reference="ours", chance=lambda n, d: 5 / n, minimum=6, symmetric=False
)
def top5(pair):
    \"\"\"Share of sentences whose translation is among the five nearest.\"\"\"
    as_near = pair.cosine >= pair.cosine.diagonal()[:, None]
    return as_near.sum(1) <= 5

repalign.profile(states, metrics=[top5, "mexa"])
```

It needs no registration; in a file it works as `--metrics my.py:top5`, and a package offers it to everyone
through an entry point of the group `repalign.metrics`. `repalign check-metric my.py` holds it to what it
promises. It may give one number a sentence (bool for a share), one number, or `Scores` with an influence for
each sentence. Chance, p and interval come by themselves: from the mean over sentences, else from shuffles and
a jackknife.

## How sure

- **Chance** is analytic where there is a formula, else the mean over shuffled translations.
- **p** is the probability of a value as close when translations are shuffled. All default metrics know the
  moments of that distribution in closed form, so no shuffle is made, and p may be small enough to outlive a
  correction (Holm by default) over all layers and languages. Counts of hits are Poisson.
- **Calibrated** = (value - chance) / (value of identical languages - chance).
- **Intervals** (95%): for means over sentences a bootstrap over sentence groups (BCa, or percentile), from
  one influence a sentence; one matrix of resamples serves all metrics, layers, languages and checkpoints, so
  differences of checkpoints are paired. For shares of sentences the Wilson interval, which has a width at 0
  and 1. For CKA and RSA a score interval on a debiased jackknife: single sentences do not move them in
  unrelated languages, pairs do. `pytest -m heavy` simulates that they hold.
- **Duplicates**: identical texts (in any language) are one group; the first stands for all.
- **Ties** are no hits. A layer in which all states are alike scores 0 in retrieval, and NaN where nothing is
  defined.

## Variants

What is fitted is fitted on other sentences (ten folds). `+` joins them: `centred+length-matched`.

{variants}

## Where they mislead

Values on made data, 100 sentences x 512 dims (CCA: 20 dims), chance in brackets; none of the columns but the
first holds any alignment of sentences that a reader of a curve would want to see.

{cases}

{legend}

## Each metric

Blind to a change means that the value stays as it is:

{invariances}

"""

CASES = {
    "meaning": "translations share half of their variance",
    "noise": "unrelated languages",
    "cone": "unrelated, but all states share one large vector",
    "length": "unrelated, but for one direction that holds the sentence's length",
    "rotated": "the same states, one language rotated: nothing is near its translation",
    "duplicates": "identical languages in which every sentence stands twice, not grouped",
}


def made(case: str, dims: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    n = 100
    x, y, meaning = rng.normal(size=(3, n, dims))
    if case == "meaning":
        return x + meaning, y + meaning
    if case == "cone":
        return x + 5, y + 5
    if case == "length":
        length = rng.normal(size=(n, 1)) * rng.normal(size=dims)
        return x + length, y + length
    if case == "rotated":
        return x, x @ np.linalg.qr(rng.normal(size=(dims, dims)))[0]
    if case == "duplicates":
        twice = np.arange(n) // 2
        return x[twice], x[twice]
    return x, y


def value(metric: Metric, case: str) -> str:
    x, y = made(case, 20 if metric.name in ("svcca", "pwcca") else 512)
    scores = metric(x, y)
    if metric.chance:
        chance = metric.chance(*x.shape)
    elif scores.null:
        chance = scores.null.mean
    else:
        rng = np.random.default_rng(1)
        chance = np.mean([metric(x, rng.permutation(y)).value for _ in range(20)])
    return f"{scores.value:.2f} [{chance:.2f}]"


def row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def cases() -> str:
    lines = [row(["metric", *CASES]), row(["---"] * (len(CASES) + 1))]
    lines += [row([name, *(value(METRICS[name], case) for case in CASES)]) for name in METRICS]
    return "\n".join(lines)


def section(metric: Metric) -> str:
    """Docstring and declarations of one metric."""
    text = textwrap.dedent("    " + (metric.function.__doc__ or "")).strip()
    low, high = metric.bounds
    facts = {
        "range": f"[{low:g}, {high:g}]; {metric.closer} is closer",
        "needs": f"at least {metric.minimum} sentences",
        "blind to": "; ".join(INVARIANCES[name] for name in INVARIANCES if name in metric.invariances)
        or "nothing",
        "directions": "one" if metric.symmetric else "two, both are reported",
        "source": metric.reference,
    }
    listed = "\n".join(f"- {name}: {fact}" for name, fact in facts.items())
    default = " (default)" if metric.name in DEFAULT_METRICS else ""
    return f"### `{metric.name}`: {metric.label}{default}\n\n{text}\n\n{listed}\n"


def variants() -> str:
    lines = []
    for name in VARIANTS:
        function = VARIANTS[name].change or VARIANTS[name].select
        about = (function.__doc__ or "").strip().splitlines()[0] if function else "As extracted."
        lines.append(f"- `{name}`: {about}")
    return "\n".join(lines)


def page() -> str:
    legend = "\n".join(f"- {case}: {about}" for case, about in CASES.items())
    head = INTRODUCTION.format(
        version=repalign.__version__,
        variants=variants(),
        cases=cases(),
        legend=legend,
        invariances="\n".join(f"- {name}: {about}" for name, about in INVARIANCES.items()),
    )
    return head + "\n".join(section(METRICS[name]) for name in METRICS)


if __name__ == "__main__":
    path = ROOT / "docs" / "metrics.md"
    path.write_text(page(), encoding="utf-8")
    print(path)
