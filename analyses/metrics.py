"""Reference of all metrics, with data that mislead them: `python analyses/metrics.py` writes docs/metrics.md."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import numpy as np
from misleading import EXAMPLES

import repalign
from repalign.metrics import DEFAULT_METRICS, INVARIANCES, METRICS, Metric
from repalign.report.glossary import terms
from repalign.scoring import VARIANTS

ROOT = Path(__file__).parents[1]

INTRODUCTION = """\
# Metrics

Written by `python analyses/metrics.py` (repalign {version}). Terms are explained in the [glossary](glossary.md).

{index}

In all formulas X and Y are the states of two languages at one
layer, [sentence, dim], row i of one a translation of row i of the other; S = cosines of X with Y.

```python
import numpy as np
import repalign

x, y = np.random.default_rng(0).normal(size=(2, 100, 64))  # your states: numpy arrays or torch tensors
scores = repalign.metrics.METRICS["cka"](x, y)
scores.value, scores.null.p(scores.value)

states = repalign.LayerStates.from_arrays({{"en": x[None], "zh": y[None]}})  # [layer, sentence, dim]
profile = repalign.profile(states, metrics=["mexa", "cka"])
profile.table  # pandas, one row per score
profile.peaks  # the best layers, cross-fitted
```

Saved results need neither repalign nor torch:

```python
import pandas as pd

table = pd.read_parquet("out/m-llama/profile.parquet")
```

## Custom metrics

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

No registration is needed; the tutorial is [Your own metric](tutorials/own-metric.md). From a file it is used as `--metrics my.py:top5`; a package publishes it through an
entry point in the group `repalign.metrics`. Either is code: it runs with your rights, once per command, and only when you name
the metric. What it raises, also `sys.exit`, ends the command in one line with file and line number; what it prints goes to stderr.
`os._exit` and an endless loop cannot be caught (Ctrl-C ends the latter). A change of the file, or of what the metric
declares, makes saved results outdated. `repalign check-metric my.py` tests its declared properties. It may
return one number per sentence (bool for a share), a single number, or `Scores` with an influence per sentence.
Chance, p and intervals are derived from the mean over sentences, else from shuffling and a jackknife.

## Chance, p-values and intervals

- **Chance** is analytic if there is a formula, else the mean over shuffled translations.
- **p** is the probability of a score at least as close when translations are shuffled; where documents are known,
  within documents, so that a shared topic does not count. All default metrics have closed-form moments of that
  distribution, so no shuffling is done, and p can be small enough to survive a correction (Holm by default) over all
  layers and languages. Numbers of hits have their exact distribution.
- **Calibrated** = (value - chance) / (value of identical languages - chance). Its zero is the mean of the null, so
  unrelated languages scatter around 0 and may be negative. `calibrated-similarity` (arXiv:2602.14486) puts its zero
  at the 95% critical value of the null and clips at 0 and 1: (value - critical) / (1 - critical), 0 for all that is
  not significant. A score just above chance is small here and exactly 0 there; at few sentences or many layers, where
  the critical value is far above the mean, the two differ most: ours is an effect with its sign,
  theirs an effect beyond significance. Its `calibrate_layers` does the same with the maximum over pairs of layers,
  with one shuffle of the sentences for all layers. Here the best layer is cross-fitted, so that the same zero serves, and
  its p uses such shuffles (`peaks`).
- **Intervals** (95%): for means over sentences, a bootstrap (BCa, or percentile) over documents where these are
  known, else over sentence groups, from one influence per sentence; all metrics, layers, languages and checkpoints
  share one matrix of resamples, so differences between checkpoints are paired. For shares of sentences, the Wilson
  interval, which has a width at 0 and 1, with the effective number of sentences. For CKA and RSA without documents, a
  score interval on a debiased jackknife, because for unrelated languages they depend on pairs of sentences rather than
  single ones. Coverage is checked by simulation (`pytest -m heavy`).
- Units, topic, the best layer, differences and what is assumed: [statistics.md](statistics.md).
- **Duplicates**: identical texts (in any language) form one group, represented by its first sentence.
- **Ties** are not hits. A layer where all states are identical scores 0 in retrieval, and NaN where a metric is
  undefined.
- **Narrow cones.** In a real model all states of a layer can point almost the same way (`average_cosine` in the table
  "geometry"; above .99 in 8 of the 19 layers of Gemma 3 270M). Cosines there differ in digits that a float32 product of
  unit vectors loses: at a mean cosine of .9999958, MEXA came out as .09 instead of .34. So ranks, margins and gaps are
  computed from deviations from the mean directions, which are as precise in a cone as elsewhere and cost no float64
  matrix product. A tie is what differs by no more than the rounding of those deviations; `tied` in "geometry" is the
  share of sentences that have the direction of another sentence.

## Variants

Parameters are fitted on the other sentences (ten-fold cross-fitting). `+` combines variants: `centred+length-matched`.

{variants}

## NeuronXA as published

`nasca` and `navca` read the sign and the size of the pooled activation. The paper (arXiv:2507.14900; we found no code of
its authors) asks of every token whether a neuron is active, averages that with weights 1, 2, 3, ... and scores it as MEXA does:

```python
from repalign.models.pooling import weighted


def neuron_states(hidden, content, real):
    return weighted((hidden > 0).float(), content, real)  # for NAVCA: hidden.abs()


states = repalign.extract("m-llama", "phrasebook", site="mlp-act", pooling=neuron_states)
repalign.profile(states, metrics=["mexa"], variants=["raw"])
```

The site `mlp-act` is what enters the last projection of the MLP: in a gated MLP the product of gate and value, whose sign
is not that of the gate.

## Failure modes

Values on synthetic data, 100 sentences x 512 dims (CCA: 20 dims), chance in brackets. Only the first column
contains meaningful alignment of sentences.

{cases}

{legend}

## All metrics

For each metric: what it measures, its formula, how it fails, and data on which it misleads, computed when this page was written
(`analyses/misleading.py`). A metric is invariant to a change that does not affect its value:

{invariances}

"""

CASES = {
    "meaning": "translations share half of their variance",
    "noise": "unrelated languages",
    "cone": "unrelated, but all states share one large vector",
    "length": "unrelated, except for one direction that encodes sentence length",
    "rotated": "identical states, one language rotated: no sentence is near its translation",
    "duplicates": "identical languages in which every sentence occurs twice, not grouped",
}


def synthetic(case: str, dims: int) -> tuple[np.ndarray, np.ndarray]:
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
    x, y = synthetic(case, 20 if metric.name in ("svcca", "pwcca") else 512)
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


PARTS = re.compile(r"^(Formula|Fails):\n((?:    .*\n?)+)", re.MULTILINE)
"""Sections of a metric's docstring."""


def parts(metric: Metric) -> dict[str, str]:
    """The docstring of a metric: `Formula`, `Fails`, and what follows its first line otherwise as `more`."""
    doc = inspect.cleandoc(metric.function.__doc__ or "")
    named = {match[1]: inspect.cleandoc(match[2]) for match in PARTS.finditer(doc)}
    _, _, more = PARTS.sub("", doc).partition("\n\n")
    return {"more": more.strip(), **named}


def index() -> str:
    """All metrics in a table, with links to their sections."""
    lines = [row(["metric", "label", "measures"]), row(["---"] * 3)]
    for name in METRICS:
        metric = METRICS[name]
        label = f"**{metric.label}**" if name in DEFAULT_METRICS else metric.label
        meaning = terms()[name].definition.split(". ")[0].rstrip(".")
        lines.append(row([f"[`{name}`](#{name})", label, f"{meaning}."]))
    return "\n".join(lines) + "\n\nThe metrics in bold are computed by default."


def section(metric: Metric) -> str:
    """Definition, docstring, declarations and a misleading example of one metric."""
    text = parts(metric)
    low, high = metric.bounds
    facts = {
        "Formula": text["Formula"],
        "Range": f"[{low:g}, {high:g}]; {'higher' if metric.higher_is_better else 'lower'} is closer",
        "Requires": f"at least {metric.minimum} sentences",
        "Invariant to": "; ".join(INVARIANCES[name] for name in INVARIANCES if name in metric.invariances)
        or "nothing",
        "Directions": "one" if metric.symmetric else "two, both reported",
        "Fails": text["Fails"],
        "Misleads": str(EXAMPLES[metric.name]),
        "Reference": ", ".join(linked(reference) for reference in metric.reference.split(", ")),
    }
    listed = "\n".join(f"- **{name}:** {' '.join(fact.split())}" for name, fact in facts.items())
    default = " (default)" if metric.name in DEFAULT_METRICS else ""
    return (
        f'<a id="{metric.name}"></a>\n\n### `{metric.name}`: {metric.label}{default}\n\n'
        f"{' '.join([terms()[metric.name].definition, *text['more'].split()])}\n\n{listed}\n"
    )


def linked(reference: str) -> str:
    """A reference in Markdown; arXiv numbers and DOIs lead to the paper."""
    reference = re.sub(r"arXiv:(\d+\.\d+)", r"[arXiv:\1](https://arxiv.org/abs/\1)", reference)
    return re.sub(r"^doi:(\S+)", r"[doi:\1](https://doi.org/\1)", reference)


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
        index=index(),
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
