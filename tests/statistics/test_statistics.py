"""Statistics against exact enumeration, scipy, and simulation."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
import torch
from simulation import coverage, simulated, simulation, uniformity

from repalign import RepalignError, contrast, statistics
from repalign.metrics import DEFAULT_METRICS, METRICS, LayerPair, Null
from repalign.metrics.neighbourhood import Neighbours, _shuffled_variance
from repalign.metrics.null import one_weight_tail, pearson_tail, tail
from repalign.metrics.quadratic import shuffled, u_centred
from repalign.scoring.influence import floor_influence_at_null, jackknife, score_interval

stats = pytest.importorskip("scipy.stats")


def moments(values: np.ndarray) -> tuple[float, float, float]:
    deviation = values - values.mean()
    return values.mean(), values.std(), (deviation**3).mean() / values.std() ** 3


def orders(n: int) -> list[list[int]]:
    return [list(order) for order in permutations(range(n))]


def test_linear_null_equals_all_orders():
    matrix = np.random.default_rng(0).normal(size=(6, 6)) ** 3
    matrix = matrix - matrix.mean(0) - matrix.mean(1, keepdims=True) + matrix.mean()
    exact = np.array([matrix[range(6), order].mean() for order in orders(6)])
    null = Null.of_linear(torch.tensor(matrix), scale=2.0)
    assert (null.mean, null.sd, null.skew) == pytest.approx(moments(2 * exact), abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_pair_null_equals_all_orders(seed):
    k, m = (a @ a.T for a in np.random.default_rng(seed).normal(size=(2, 6, 3)) ** 3)
    u, v = (u_centred(torch.tensor(a)) for a in (k, m))
    exact = np.array([float((u.matrix * v.matrix[order][:, order]).sum()) for order in orders(6)])
    null = shuffled(u, v)
    assert (null.mean, null.sd, null.skew) == pytest.approx(moments(exact), abs=1e-9)
    off = ~np.eye(6, dtype=bool)
    whole = np.array([(k * m[order][:, order])[off].sum() for order in orders(6)])
    assert shuffled(u, v, weight=2 * (6 - 2)).sd == pytest.approx(whole.std(), rel=1e-9)


def test_u_centring_splits_a_matrix():
    matrix = torch.tensor(np.random.default_rng(0).normal(size=(7, 7)))
    matrix = matrix + matrix.T
    split = u_centred(matrix)
    assert split.matrix.sum(0).numpy() == pytest.approx(np.zeros(7), abs=1e-12)
    rest = matrix - split.matrix - split.effects[:, None] - split.effects
    off = ~torch.eye(7, dtype=torch.bool)
    assert rest[off].numpy() == pytest.approx(np.full(42, float(rest[off].mean())))


def test_neighbour_null_equals_all_orders():
    rng = np.random.default_rng(0)

    def graph() -> torch.Tensor:
        edges = np.zeros((6, 6), dtype=bool)
        for row in range(6):
            edges[row, rng.choice([j for j in range(6) if j != row], 2, replace=False)] = True
        return torch.tensor(edges)

    a, b = graph(), graph()
    exact = np.array([float((a & b[order][:, order]).sum()) for order in orders(6)])
    x, y = (Neighbours(g, g.int().argmax(1), g.sum(0).double(), float((g & g.T).sum())) for g in (a, b))
    assert _shuffled_variance(x, y, 2) == pytest.approx(exact.var(), rel=1e-9)


@pytest.mark.parametrize("wanted", [range(7), [0, 0, 0, 1, 2, 2, 3], [4] * 7, [1, 5]])
def test_hits_are_those_of_all_orders(wanted):
    counts = np.array([sum(order[i] == j for i, j in enumerate(wanted)) for order in orders(7)])
    null = Null.of_matches(torch.tensor(list(wanted)), sentences=7)
    assert null.mean == pytest.approx(counts.mean() / 7)
    for hits in range(5):
        assert null.p(hits / 7) == pytest.approx((counts >= hits).mean(), abs=0.04)
        assert null.p(1 - hits / 7, False) == null.p(hits / 7)


def test_many_hits_are_never_impossible():
    null = Null.of_matches(torch.arange(1012), sentences=1012)
    tails = [null.p(hits / 1012) for hits in (0, 1, 5, 50, 1012)]
    assert tails[:3] == pytest.approx(stats.poisson.sf([-1, 0, 4], 1), rel=0.02)
    assert tails == sorted(tails, reverse=True)
    assert tails[-1] > 0


def test_tail_is_pearson_iii():
    for z in (-1.5, 0.0, 1.0, 4.0, 9.0):
        for skew in (-0.8, 0.0, 0.3, 1.9):
            assert pearson_tail(z, skew) == pytest.approx(stats.pearson3.sf(z, skew), rel=1e-6, abs=1e-300)


def test_tail_of_weighted_chi_squares():
    draws = np.random.default_rng(0).chisquare(1, size=(200_000, 40))
    for power in (0.0, 1.0, 2.0, 4.0):
        weights = (1 + np.arange(40.0)) ** -power
        values = (draws @ weights - weights.sum()) / (2 * (weights**2).sum()) ** 0.5
        skew = 8 * (weights**3).sum() / (2 * (weights**2).sum()) ** 1.5
        for z in (-0.6, 0.0, 1.0, 3.0):
            assert tail(z, skew) == pytest.approx((values >= z).mean(), abs=0.03)
        assert tail(3.0, skew) == pytest.approx((values >= 3.0).mean(), rel=0.2)
    assert one_weight_tail(2.0, 8**0.5) == pytest.approx(stats.chi2.sf(1 + 2 * 2**0.5, 1), rel=0.05)


def test_p_of_shuffles_is_their_share_and_goes_on_beyond_them():
    values = np.random.default_rng(0).normal(size=999)
    null = Null.of_shuffles(values)
    assert null.p(1.0) == pytest.approx((1 + (values >= 1).sum()) / 1000)
    assert null.p(5.0) == pytest.approx(stats.norm.sf(5), rel=3)
    assert null.p(-1.0, False) == pytest.approx((1 + (values <= -1).sum()) / 1000)
    assert np.isnan(null.p(float("nan")))


def test_bootstrap_is_that_of_scipy():
    sample = np.random.default_rng(0).exponential(size=80)
    value, influence = sample.mean(), sample - sample.mean()
    weights = statistics.resamples(80, 20_000, seed=1)
    draws = value + influence @ weights.T
    for method in ("percentile", "bca"):
        expected = stats.bootstrap(
            (sample,), np.mean, n_resamples=20_000, method=method, rng=np.random.default_rng(0)
        )
        low, high = statistics.intervals(np.array([value]), influence[None], weights, method=method)
        ends = np.array([low[0], high[0]])
        wider = (ends - value) / (np.array(expected.confidence_interval) - value)
        assert wider == pytest.approx(
            wider.mean(), rel=0.05
        )  # widened alike on both sides, for small samples
        assert 1 < wider.mean() < 1.1
    assert draws.std() == pytest.approx(sample.std() / 80**0.5, rel=0.02)


def test_small_samples_are_widened_as_students():
    sample = np.random.default_rng(0).normal(size=24)
    value, influence = sample.mean(), sample - sample.mean()
    weights = statistics.resamples(24, 999, seed=0)
    ends = np.array(
        statistics.intervals(np.array([value]), influence[None], weights, method="percentile")
    ).ravel()
    plain = np.quantile(influence @ weights.T, [0.025, 0.975])
    freedom = min(2 * 24 / (stats.kurtosis(sample, fisher=False) - 1), 23)
    wider = stats.t.ppf(0.975, freedom) / stats.norm.ppf(0.975) * (24 / 23) ** 0.5
    assert ends - value == pytest.approx(wider * plain)


@pytest.mark.parametrize("method", ["bca", "percentile"])
def test_the_interval_of_a_few_is_students(method):
    sample = np.random.default_rng(1).uniform(size=8)  # light tails: n - 1 degrees of freedom
    value = sample.mean()
    low, high = statistics.intervals(
        np.array([value]), (sample - value)[None], statistics.resamples(8, 99, seed=0), method=method
    )
    assert (low[0], high[0]) == pytest.approx(stats.t.interval(0.95, 7, value, stats.sem(sample)))


def test_score_intervals_end_where_the_observed_is_just_possible():
    spread = np.array([1.0, -1.0] * 50)  # of kurtosis 1: Student's t is the normal quantile, nearly
    null = Null(0.1, 0.05, skew=0.8)
    z = stats.t.ppf(0.975, 99)
    for value in (0.1, 0.13):
        room = (1 - (value - 0.1) / 0.9) ** 2
        for end in score_interval(value, 0.3 * spread, null):
            variance = room * (null.sd**2 + null.skew * null.sd * (end - null.mean))
            assert (end - value) ** 2 == pytest.approx(z**2 * variance)
    # below chance the slope is none, and the variance at least the measured one
    plain = score_interval(0.1, 2 * spread, Null(0.1, 0.05))
    assert plain == pytest.approx((0.1 - z * 0.2, 0.1 + z * 0.2))
    assert score_interval(1.0, 0 * spread, null) == (1.0, 1.0)


def test_what_cannot_be_floor_influence_at_null_has_the_error_of_shuffling():
    influence = np.random.default_rng(0).normal(size=100)
    error = np.linalg.norm(influence) / 100
    smaller, larger = Null(0.0, error / 2), Null(0.0, error * 2)
    floored = floor_influence_at_null(influence, smaller, p=0.5)
    assert np.linalg.norm(floored) / 100 == pytest.approx(smaller.sd)
    for null, p in ((smaller, 0.01), (larger, 0.5)):
        assert np.array_equal(floor_influence_at_null(influence, null, p), influence)


def test_resamples_are_shared_and_repeatable():
    weights = statistics.resamples(50, 100, seed=3)
    assert weights.sum(1) == pytest.approx(np.zeros(100), abs=1e-12)
    assert np.array_equal(weights, statistics.resamples(50, 100, seed=3))
    assert not np.array_equal(weights, statistics.resamples(50, 100, seed=4))


@pytest.mark.parametrize("hits", [0, 1, 17, 50])
def test_wilson_is_that_of_scipy(hits):
    expected = stats.binomtest(hits, 50).proportion_ci(method="wilson")
    assert statistics.wilson(hits / 50, 50) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_corrections():
    p = np.array([0.01, np.nan, 0.04, 0.03, 0.005])
    assert statistics.holm(p) == pytest.approx([0.03, np.nan, 0.06, 0.06, 0.02], nan_ok=True)
    known = ~np.isnan(p)
    expected = stats.false_discovery_control(p[known], method="bh")
    assert statistics.benjamini_hochberg(p)[known] == pytest.approx(expected)
    assert np.isnan(statistics.holm([np.nan, np.nan])).all()


def test_paired_difference_is_the_paired_t_test():
    a, b = np.random.default_rng(0).normal(size=(2, 30))
    difference = b - a
    p = statistics.difference_p(np.array([difference.mean()]), (difference - difference.mean())[None])
    assert p[0] == pytest.approx(stats.ttest_rel(b, a).pvalue)
    assert statistics.difference_p(np.zeros(1), np.zeros((1, 30)))[0] == 1


def test_jackknife_of_groups_has_the_error_of_a_mean():
    rng = np.random.default_rng(0)
    errors = []
    for trial in range(100):
        x = np.sort(rng.normal(size=(150, 1)), axis=0)  # neighbours are alike, as in most corpora
        pair = LayerPair.of(x, x)
        mean = METRICS["cka"].__class__("mean", "mean", lambda pair: float(pair.x.mean()), (-9, 9), "-")
        influence = jackknife(mean, pair, mean(pair).value, seed=trial)
        errors.append((influence**2).sum() / 150**2)
        assert influence.mean() == pytest.approx(0, abs=1e-12)
    few = stats.t.ppf(0.975, 19) / stats.norm.ppf(0.975)
    assert np.mean(errors) == pytest.approx(few**2 / 150, rel=0.1)


def test_bad_requests():
    with pytest.raises(RepalignError, match="bca, percentile"):
        statistics.intervals(np.zeros(1), np.zeros((1, 5)), np.zeros((3, 5)), method="magic")
    with pytest.raises(RepalignError, match=r"e\.g\. 0\.95, got 95"):
        statistics.intervals(np.zeros(1), np.zeros((1, 5)), np.zeros((3, 5)), confidence=95)


@pytest.mark.parametrize("name", ["p_at_1", "mexa", "csls", "xsim_distance"])
@pytest.mark.parametrize("mean", [0.0, 1.0])
def test_p_of_hits_is_uniform_once_spread_between_its_few_values(name, mean):
    rng = np.random.default_rng(0)
    metric, found = METRICS[name], []
    one_more = 1 / 60 if metric.higher_is_better else -1 / 60
    for _ in range(500):
        x, y = rng.normal(size=(2, 60, 10)) + mean * rng.normal(size=(2, 1, 10))  # a mean makes hubs
        scores = metric(x, y)
        p, next_p = (scores.null.p(scores.value + more, metric.higher_is_better) for more in (0, one_more))
        found.append(next_p + rng.uniform() * (p - next_p))
    assert uniformity(found) > 1e-3


SHARES = ("mexa", "p_at_1")


def test_null_and_coverage_light():
    unrelated = simulation(60, 60, 0.0, 0.3, (*DEFAULT_METRICS, "rsa"))
    related = simulation(60, 60, 1.0, 0.3, (*DEFAULT_METRICS, "rsa"))
    for (metric, variant), rows in unrelated.groupby(["metric", "variant"]):
        if metric not in SHARES:
            assert uniformity(rows["p"]) > 1e-3, (metric, variant)
        assert (rows["p"] < 0.05).mean() < 0.15, (metric, variant)
        assert coverage(rows) >= 0.85, (metric, variant)
    for (metric, variant), rows in related.groupby(["metric", "variant"]):
        assert coverage(rows) >= 0.85, (metric, variant)


@pytest.mark.heavy
@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_p_values_are_uniform_and_intervals_hold_on_independent_data(power):
    table = simulation(500, 200, 0.0, power, (*DEFAULT_METRICS, "rsa", "cka_biased"))
    for (metric, variant), rows in table.groupby(["metric", "variant"]):
        if metric not in SHARES:
            assert uniformity(rows["p"]) > 1e-3, (metric, variant)
        assert (rows["p"] < 0.05).mean() < 0.08, (metric, variant)
        assert 0.9 <= coverage(rows) <= 0.995, (metric, variant)


@pytest.mark.heavy
@pytest.mark.parametrize("strength", [0.4, 1.0, 3.0])
@pytest.mark.parametrize("power", [0.0, 1.0])
def test_intervals_hold_on_related_data(strength, power):
    table = simulation(500, 200, strength, power, (*DEFAULT_METRICS, "rsa", "cka_biased"))
    found = {
        key: coverage(rows)
        for key, rows in table.groupby(["metric", "variant"])
        if rows["value"].mean() < 0.98  # where nearly every sentence is found, an interval can only be safe
    }
    assert all(0.9 <= share <= 0.985 for share in found.values()), found


@pytest.mark.heavy
@pytest.mark.parametrize("strength", [0.0, 0.5, 2.0])
def test_paired_differences_hold_and_are_uniform_where_nothing_differs(strength):
    tables = []
    for seed in range(400):
        a, b = simulated(seed, 200, strength, 0.5, checkpoints=2)
        tables.append(contrast(a, b, draws=400, progress=False).table)
    table = pd.concat(tables, ignore_index=True)
    for (metric, variant), rows in table.groupby(["metric", "variant"]):
        covered = ((rows["low"] <= 0) & (rows["high"] >= 0)).mean()
        assert covered >= 0.91, (metric, variant, covered)
        assert (rows["p"] < 0.05).mean() <= 0.09, (metric, variant)


def test_draws_that_no_memory_holds_are_refused():
    with pytest.raises(
        RepalignError, match=r"10,000,000,000 draws of 200 units need .* of memory, .*--draws"
    ):
        statistics.resamples(200, 10**10, 0)
