"""Declaring, finding and calibrating metrics, also custom ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import repalign
from repalign import RepalignError
from repalign.metrics import DEFAULT_METRICS, METRICS, find
from repalign.metrics.contract import related
from repalign.scoring import VARIANTS

OWN = '''
import repalign

@repalign.metric(
    label="Top-5", bounds=(0, 1), reference="-", chance=lambda n, d: 5 / n, minimum=6, symmetric=False
)
def top5(pair):
    """Share of sentences whose translation is among the five nearest."""
    as_near = pair.cosine >= pair.cosine.diagonal()[:, None]
    return as_near.sum(1) <= 5
'''


def test_a_metric_of_ones_own(tmp_path, capsys):
    from repalign.commands.main import main

    file = tmp_path / "my.py"
    file.write_text(OWN)
    assert find(f"{file}:top5")(*related(40, 8, 30.0)).value == 1
    assert find(str(file)).label == "Top-5"
    assert main(["check-metric", str(file)]) == 0
    with pytest.raises(RepalignError, match="did you mean 'top5'"):
        find(f"{file}:top_5")

    file.write_text(OWN.replace("bounds=(0, 1)", "bounds=(0, .5)"))
    assert main(["check-metric", str(file)]) == 1
    assert "lies outside (0, 0.5)" in capsys.readouterr().out


def test_calibrated_runs_from_shuffled_to_identical():
    for name, chance, identical in (("p_at_1", 0.1, 1.0), ("procrustes", 1.6, 0.0)):
        calibrated = METRICS[name].calibrated
        found = [calibrated(value, chance) for value in (chance, (chance + identical) / 2, identical)]
        assert found == pytest.approx([0, 0.5, 1])
    assert np.isnan(METRICS["cosine_gap"].calibrated(0.5, 0.0))


def test_a_metric_cannot_declare_nonsense():
    function = METRICS["cka"].function
    for wrong in ({"invariances": ("spin",)}, {"higher_is_better": "up"}, {"bounds": (1, 0)}):
        with pytest.raises(RepalignError, match="'m'"):
            repalign.metric(**{"name": "m", "label": "m", "bounds": (0, 1), "reference": "-", **wrong})(
                function
            )


def test_unknown_metric_suggests_the_near_miss():
    with pytest.raises(RepalignError, match="did you mean 'mexa'"):
        METRICS["mexxa"]


def test_knowing_the_metrics_costs_no_torch():
    import subprocess
    import sys

    code = (
        "import sys; from repalign.metrics import METRICS; assert len(METRICS) and 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_page_of_metrics_names_all():
    page = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert [line for line in page.splitlines() if line.startswith("### ")] == [
        f"### `{name}`: {METRICS[name].label}{' (default)' if name in DEFAULT_METRICS else ''}"
        for name in METRICS
    ]
    assert all(f"- `{name}`: " in page for name in VARIANTS)
