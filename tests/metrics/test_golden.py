"""Golden values of every metric, computed by plain numpy formulas."""

from __future__ import annotations

import pytest
from metrics.factories import golden_inputs

from repalign.metrics import METRICS, Representation
from repalign.metrics.shape import gulp_distance

GOLDEN = {
    "cosine_gap": (0.6015941384812789,) * 2,
    "p_at_1": (0.9666666666666667,) * 2,
    "mexa": (0.9333333333333333,) * 2,
    "xsim_ratio": (0.0, 0.0),
    "xsim_distance": (0.0, 0.0),
    "csls": (1.0, 1.0),
    "cka": (0.804761555410337,) * 2,
    "cka_biased": (0.8347875164663014,) * 2,
    "svcca": (0.8263762203060511,) * 2,
    "pwcca": (0.8956705213024451, 0.9021865688298002),
    "procrustes": (0.19912466622114433,) * 2,
    "angular": (0.45002169195180186,) * 2,
    "gulp": (2.8546830265721184,) * 2,
    "rsa": (0.7032640278194495,) * 2,
    "mutual_knn": (0.575, 0.575),
    "anc": (0.748850313175975,) * 2,
    "nasca": (0.25,) * 2,
    "navca": (0.4,) * 2,
    "ilo": (0.9915966386554621,) * 2,
}


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_values(name):
    x, y = golden_inputs()
    assert METRICS[name](x, y).value == pytest.approx(GOLDEN[name][0], abs=1e-6)
    assert METRICS[name](y, x).value == pytest.approx(GOLDEN[name][1], abs=1e-6)


def test_more_golden_values():
    x, y = golden_inputs()
    assert round(METRICS["xsim_absolute"](x, y).value * 60) == 2
    representations = [Representation.of(side - side.mean(0)) for side in (x, y)]
    for penalty, expected in ((1e-3, 8.474988555504616), (1e-1, 0.6116841215573392)):
        found = gulp_distance(representations[0].states, representations[1].states, penalty)
        assert found == pytest.approx(expected, abs=1e-6)
    assert set(METRICS) == {*GOLDEN, "xsim_absolute"}  # a new metric needs a golden value
