"""Coverage of intervals and validity of p-values: `OMP_NUM_THREADS=1 python analyses/coverage.py` writes docs/coverage.md.

The simulations are those of `pytest -m heavy tests/statistics tests/scoring`: two languages at one layer, 24 dimensions
with a decaying spectrum, different means. `python analyses/coverage.py documents peaks` rewrites only these sections.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from itertools import product
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import pandas as pd  # noqa: E402
from simulation import (  # noqa: E402
    LAYER_COUNTS,
    PER_DOCUMENT,
    best_layers,
    coverage,
    curve_truth,
    holds_layer,
    in_documents,
    rates,
    simulation,
    uniformity,
)
from tqdm import tqdm  # noqa: E402

from repalign import __version__  # noqa: E402
from repalign.metrics import DEFAULT_METRICS  # noqa: E402

PAGE = ROOT / "docs" / "coverage.md"
DRAWS, SENTENCES, POWER = 500, 200, 0.5
STRENGTHS = (0.0, 0.4, 1.0, 3.0)
METRICS = (*DEFAULT_METRICS, "rsa", "cka_biased")
ICC = (0.0, 0.1, 0.4)
DOCUMENT_DRAWS = {100: 200, 500: 60}
"""Draws for each number of sentences."""
PEAK_DRAWS = 500
CORRELATIONS = (0.0, 0.5, 0.8, 0.95)

HEAD = """# Coverage of intervals and validity of p-values

Written by `python analyses/coverage.py`. A 95% interval should contain the expected score in 95% of simulated draws, and p
should be below .05 in 5% of draws in which there is nothing to find. "Related" is the strength of the shared meaning
relative to what is specific to each language.
"""

INDEPENDENT = """repalign {version}; {draws} simulated language pairs per column, seeds 0 to {last}; {sentences} sentences each. With
{draws} draws, 93% to 97% is within chance.

{table}

On unrelated languages p-values should be uniform: the last two columns give the share of p below .05 (should be .05) and
the p of a Kolmogorov-Smirnov test of uniformity. P@1 and MEXA take few values, so their p-values are uniform only after
randomisation between these values, which has a separate test. Scores near 1 have no meaningful interval (marked –). Nor
have scores near 0: raw MEXA at "related 0.4" is expected to find 0.15 of 200 sentences, so a draw that finds one counts
as a miss.
"""

DOCUMENTS = """repalign {version}; documents of {size} sentences, "related 1", {draws} simulated language pairs for 100 and 500
sentences, so {chance} are within chance. Cells of one number of sentences share their random numbers, so
they err together. ICC is the share of the variance that lies between documents. Each cell: coverage of the score / of
the difference of two checkpoints that do not differ.

{covered}

The interval of a calibrated score is that of the score, calibrated, and covers as often ({calibrated}).

With nothing in common but that each language has effects of its documents of its own ("related 0"), p should be below .05 in
5% of draws; {rejected} percent are within chance. Each cell: p of the score / of the difference, in percent.

{positives}

P@1 and MEXA take few values, so their p-values are conservative, and so are their intervals where few sentences are found.
Differences of sums over pairs of sentences between unrelated languages (CKA, mutual 10-NN) are conservative too.
With fewer than 20 documents intervals are Student's.
"""

PEAKS = """repalign {version}; {draws} simulated curves of P@1 a cell, 200 sentences, neighbouring layers correlated as the columns
say. The interval of the best layer should contain the highest true score in 95% of draws, and the set of layers that may be
the best should contain the true best layer in at least 95%. Each cell: coverage / the set holds the best layer.

{table}

Chosen and scored on the same sentences, the best layer of a flat curve is too high by {naive} on average; chosen on some and
scored on others, it is off by at most {fitted}. On peaked curves the cross-fitted score is too low by up to {low}, because
a part of the sentences does not always choose the best layer.
"""


def table(head: list[str], rows: Iterable[list[str]]) -> str:
    """A table in Markdown."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


def independent() -> str:
    """Independent sentences."""
    found = {
        strength: simulation(DRAWS, SENTENCES, strength, POWER, METRICS)
        for strength in tqdm(STRENGTHS, desc="related", disable=None)
    }
    rows = [
        row(metric, variant, found)
        for metric, variant in found[0.0].groupby(["metric", "variant"], sort=False).groups
    ]
    head = ["metric", "variant", *(f"related {s:g}" for s in STRENGTHS), "p < .05", "uniform"]
    return INDEPENDENT.format(
        version=__version__, draws=DRAWS, last=DRAWS - 1, sentences=SENTENCES, table=table(head, rows)
    )


def row(metric: str, variant: str, tables: dict[float, pd.DataFrame]) -> list[str]:
    """One line of the table of independent sentences."""
    draws = {s: t[(t["metric"] == metric) & (t["variant"] == variant)] for s, t in tables.items()}
    covered = [f"{coverage(rows):.1%}" if rows["value"].mean() < 0.98 else "–" for rows in draws.values()]
    null = draws[0.0]["p"]
    return [metric, variant, *covered, f"{(null < 0.05).mean():.3f}", f"{uniformity(null):.2g}"]


def documents() -> str:
    """Sentences in documents."""
    cells = list(product(DOCUMENT_DRAWS, ICC))
    related, unrelated = (
        {
            (n, icc): rates(*in_documents(DOCUMENT_DRAWS[n], n, icc, strength, DEFAULT_METRICS))
            for n, icc in tqdm(cells, desc=f"documents, related {strength:g}", disable=None)
        }
        for strength in (1.0, 0.0)
    )
    apart = max(float((found["covered"] - found["calibrated"]).abs().max()) for found in related.values())
    errors = [1.96 * (0.95 * 0.05 / draws) ** 0.5 for draws in DOCUMENT_DRAWS.values()]
    return DOCUMENTS.format(
        version=__version__,
        size=PER_DOCUMENT,
        draws=" and ".join(map(str, DOCUMENT_DRAWS.values())),
        chance=" and ".join(f"{0.95 - error:.0%} to {min(0.95 + error, 1):.0%}" for error in errors),
        covered=by_cell(related, "covered", "difference", "%"),
        rejected=" and ".join(f"{max(5 - 100 * error, 0):.0f} to {5 + 100 * error:.0f}" for error in errors),
        calibrated="the same in every cell" if apart == 0 else f"at most {apart:.1%} apart in any cell",
        positives=by_cell(unrelated, "p", "difference_p", ""),
    )


def by_cell(found: dict[tuple[int, float], pd.DataFrame], first: str, second: str, unit: str) -> str:
    """A table of two rates for each metric, variant, number of sentences and ICC."""
    head = ["metric", "variant", *(f"n = {n}, ICC {icc:g}" for n, icc in found)]
    names = next(iter(found.values()))[["metric", "variant"]]
    rows = [
        [
            *names.iloc[place],
            *(
                " / ".join(f"{100 * one.iloc[place][rate]:.1f}{unit}" for rate in (first, second))
                for one in found.values()
            ),
        ]
        for place in range(len(names))
    ]
    return table(head, rows)


def peaks() -> str:
    """The best layer."""
    rows, bias = [], []
    for layers, peaked in tqdm(list(product(LAYER_COUNTS, (False, True))), desc="best layer", disable=None):
        truth, cells = curve_truth(layers, peaked), []
        for rho in CORRELATIONS:
            found = best_layers(PEAK_DRAWS, truth, rho)
            best = truth.max()
            covered = coverage(found, best)
            held = sum(holds_layer(one, layers // 2) for one in found["layers"]) / len(found)
            cells.append(f"{covered:.1%} / {held:.1%}")
            bias.append({
                "peaked": peaked, "fitted": found["value"].mean() - best, "naive": found["chosen_on_all"].mean() - best,
            })  # fmt: skip
        rows.append([str(layers), "peaked" if peaked else "flat", *cells])
    biases = pd.DataFrame(bias)
    flat, sharp = biases[~biases["peaked"]], biases[biases["peaked"]]
    return PEAKS.format(
        version=__version__,
        draws=PEAK_DRAWS,
        table=table(["layers", "truth", *(f"correlation {rho:g}" for rho in CORRELATIONS)], rows),
        naive=f"{flat['naive'].min():.3f} to {flat['naive'].max():.3f}",
        fitted=f"{flat['fitted'].abs().max():.3f}",
        low=f"{-sharp['fitted'].min():.3f}",
    )


SECTIONS: dict[str, tuple[str, Callable[[], str]]] = {
    "independent": ("Independent sentences", independent),
    "documents": ("Sentences in documents", documents),
    "peaks": ("The best layer", peaks),
}


def main(names: list[str]) -> None:
    """Write the sections named, by default all, and keep the others."""
    parts = PAGE.read_text(encoding="utf-8").split("\n## ")[1:]
    kept = {title: body.strip("\n") + "\n" for title, body in (part.split("\n", 1) for part in parts)}
    for name in names or SECTIONS:
        title, write = SECTIONS[name]
        kept[title] = write()
    written = [f"\n## {title}\n\n{kept[title]}" for title, _ in SECTIONS.values() if title in kept]
    PAGE.write_text(HEAD + "".join(written), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
