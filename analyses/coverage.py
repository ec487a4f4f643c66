"""Coverage of intervals and validity of p-values: `OMP_NUM_THREADS=1 python analyses/coverage.py` writes docs/coverage.md.

The simulations are those of `pytest -m heavy tests/statistics`: two languages at one layer, 200 sentences, 24
dimensions with a decaying spectrum, different means; bootstrap draws and shuffles as in the test.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import pandas as pd  # noqa: E402
from simulation import coverage, simulation, uniformity  # noqa: E402
from tqdm import tqdm  # noqa: E402

from repalign import __version__  # noqa: E402
from repalign.metrics import DEFAULT_METRICS  # noqa: E402

DRAWS, SENTENCES, POWER = 500, 200, 0.5
STRENGTHS = (0.0, 0.4, 1.0, 3.0)
METRICS = (*DEFAULT_METRICS, "rsa", "cka_biased")

TEXT = """# Coverage of intervals and validity of p-values

Written by `python analyses/coverage.py` (repalign {version}; {draws} simulated language pairs per column, seeds 0 to {last};
{sentences} sentences each). A 95% interval should contain the expected score in 95% of the draws; with {draws} draws, 93% to
97% is within chance. "Related" is the strength of the shared meaning relative to what is specific to each language.

{table}

On unrelated languages p-values should be uniform: the last two columns give the share of p below .05 (should be .05) and
the p of a Kolmogorov-Smirnov test of uniformity. P@1 and MEXA take few values, so their p-values are uniform only after
randomisation between these values, which has a separate test. Scores near 1 have no meaningful interval (marked –). Nor
have scores near 0: raw MEXA at "related 0.4" is expected to find 0.15 of 200 sentences, so a draw that finds one counts
as a miss.
"""


def main() -> None:
    tables = {
        strength: simulation(DRAWS, SENTENCES, strength, POWER, METRICS)
        for strength in tqdm(STRENGTHS, desc="related", disable=None)
    }
    rows = [
        row(metric, variant, tables)
        for metric, variant in tables[0.0].groupby(["metric", "variant"], sort=False).groups
    ]
    head = ["metric", "variant", *(f"related {s:g}" for s in STRENGTHS), "p < .05", "uniform"]
    lines = [" | ".join(cells) for cells in (head, ["---"] * len(head), *rows)]
    text = TEXT.format(
        version=__version__,
        draws=DRAWS,
        last=DRAWS - 1,
        sentences=SENTENCES,
        table="\n".join(f"| {line} |" for line in lines),
    )
    (ROOT / "docs" / "coverage.md").write_text(text, encoding="utf-8")


def row(metric: str, variant: str, tables: dict[float, pd.DataFrame]) -> list[str]:
    """One line of the table."""
    draws = {s: t[(t["metric"] == metric) & (t["variant"] == variant)] for s, t in tables.items()}
    covered = [f"{coverage(rows):.1%}" if rows["value"].mean() < 0.98 else "–" for rows in draws.values()]
    null = draws[0.0]["p"]
    return [metric, variant, *covered, f"{(null < 0.05).mean():.3f}", f"{uniformity(null):.2g}"]


if __name__ == "__main__":
    main()
