"""Paired differences of shares: intervals and exact p, of independent sentences and of sentences in documents."""

from __future__ import annotations

import numpy as np
import pytest

from repalign import statistics

stats = pytest.importorskip("scipy.stats")
optimize = pytest.importorskip("scipy.optimize")

PER_DOCUMENT = 5


def changes(trials: int, n: int, right: float, wrong: float, icc: float, seed: int):
    """Per-sentence changes, float64 [trial, sentence], and their documents; `icc`: correlation within a document."""
    rng = np.random.default_rng(seed)
    documents = np.arange(n) // PER_DOCUMENT
    shares = np.array([right, wrong, 1 - right - wrong])
    if icc:  # a Dirichlet distribution whose intraclass correlation is 1 / (1 + sum of its parameters)
        shares = rng.dirichlet(shares * (1 - icc) / icc, size=(trials, documents.max() + 1))[:, documents]
    draw = rng.uniform(size=(trials, n))
    is_right, is_changed = draw < shares[..., 0], draw < shares[..., :2].sum(-1)
    return np.where(is_right, 1.0, np.where(is_changed, -1.0, 0.0)), documents


@pytest.mark.parametrize(("plus", "minus", "n"), [(5, 1, 30), (12, 0, 40), (3, 9, 25), (1.5, 2.25, 17.5)])
def test_the_interval_ends_where_mcnemars_score_test_just_rejects(plus, minus, n):
    def score(difference: float) -> float:
        def unlikely(wrong: float) -> float:
            right, same = wrong + difference, 1 - 2 * wrong - difference
            return -(plus * np.log(right) + minus * np.log(wrong) + (n - plus - minus) * np.log(same))

        bounds = (max(0, -difference) + 1e-12, (1 - difference) / 2 - 1e-12)
        wrong = optimize.minimize_scalar(
            unlikely, bounds=bounds, method="bounded", options={"xatol": 1e-12}
        ).x
        return (plus - minus - n * difference) / np.sqrt(n * (2 * wrong + difference - difference**2))

    low, high = statistics.paired_share_interval(plus, minus, n, 0.9)
    assert score(float(low)) == pytest.approx(stats.norm.ppf(0.95), abs=1e-4)
    assert score(float(high)) == pytest.approx(-stats.norm.ppf(0.95), abs=1e-4)
    back = statistics.paired_share_interval(minus, plus, n, 0.9)
    assert [-float(end) for end in back[::-1]] == pytest.approx([float(low), float(high)], abs=1e-9)


def test_where_nothing_or_everything_changed_an_interval_has_a_width():
    low, high, p = statistics.share_difference(np.array([[0.0] * 20, [1.0] * 20, [-1.0] * 20]))
    assert high - low == pytest.approx([2 * (z := 1.96**2) / (20 + z), 1 - low[1], 1 - low[1]], abs=1e-3)
    assert (low[2], high[1]) == (-1, 1)
    assert low[1] < 0.85
    assert p == pytest.approx([1, 2**-19, 2**-19])


@pytest.mark.parametrize(("right", "wrong"), [(5, 0), (6, 0), (9, 2), (4, 4)])
def test_p_is_the_exact_sign_test(right, wrong):
    differences = np.array([[1.0] * right + [-1.0] * wrong + [0.0] * 11])
    expected = stats.binomtest(right, right + wrong).pvalue
    assert statistics.share_difference(differences)[2][0] == pytest.approx(expected)


def test_p_of_documents_counts_all_flips_of_their_signs():
    differences, documents = changes(6, 40, 0.4, 0.2, 0.2, seed=1)
    p = statistics.share_difference(differences, documents)[2]
    sums = differences.reshape(6, -1, PER_DOCUMENT).sum(-1)
    for row, found in zip(sums, p, strict=True):
        every = stats.permutation_test(
            (row,), np.sum, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
        )
        assert found == pytest.approx(every.pvalue)
    assert statistics.share_difference(differences, np.arange(40))[2] == pytest.approx(
        statistics.share_difference(differences)[2]
    )


def test_no_test_of_few_alike_sentences_is_sure():
    alike = np.array([1.0, 1.0, 0.0])
    assert statistics.difference_p(alike, np.zeros((3, 5))) == pytest.approx([0.0625, 0.0625, 1])
    almost = np.array([[1e-9, -1e-9, 0, 0, 0, 0]])
    assert statistics.difference_p(alike[:1], almost)[0] == pytest.approx(2**-5)
    assert statistics.difference_p(alike[:1], np.zeros((1, 2000)))[0] > 0


def test_sentences_count_for_less_in_documents_that_differ():
    alone = np.random.default_rng(0).normal(size=(1, 60))
    documents = np.arange(60) // PER_DOCUMENT
    alike = np.repeat(alone[:, :12], PER_DOCUMENT, axis=1)
    assert statistics.effective_sentences(alike, None) == 60
    assert statistics.effective_sentences(alike, documents)[0] < 12
    assert 20 < statistics.effective_sentences(alone, documents)[0] <= 60
    few = (stats.norm.ppf(0.975) / stats.t.ppf(0.975, 11)) ** 2
    assert statistics.effective_sentences(np.zeros((1, 60)), documents)[0] == pytest.approx(60 * few)
    assert statistics.effective_sentences(alone, np.zeros(60, int))[0] == 1


def test_wilsons_interval_takes_an_effective_number_of_sentences():
    low, high = statistics.wilson([0.2, 0.2], [30, 12.5])
    assert (low[0], high[0]) == pytest.approx(statistics.wilson(0.2, 30))
    expected = stats.binomtest(6, 30).proportion_ci(method="wilson")
    assert (low[0], high[0]) == pytest.approx((expected.low, expected.high))
    assert low[1] < low[0] < high[0] < high[1]


SETTINGS = [  # sentences, shares that turn right and wrong, correlation within a document (None: no documents)
    *((n, right, wrong, None) for n in (30, 100) for right, wrong in ((0.17, 0.0), (0.17, 0.03), (0.3, 0.1))),
    *((100, right, wrong, icc) for icc in (0.0, 0.1, 0.4) for right, wrong in ((0.17, 0.0), (0.17, 0.03), (0.3, 0.1))),
]  # fmt: skip


def held(trials: int, n: int, right: float, wrong: float, icc: float | None) -> float:
    """Share of intervals that contain the true change."""
    differences, documents = changes(trials, n, right, wrong or 1e-9, icc or 0.0, seed=n)
    low, high, _ = statistics.share_difference(differences, None if icc is None else documents)
    return float(((low <= right - wrong) & (high >= right - wrong)).mean())


def rejected(trials: int, n: int, share: float, icc: float | None) -> float:
    """Share of small p where as many sentences turn right as wrong."""
    differences, documents = changes(trials, n, share, share, icc or 0.0, seed=n)
    return float(
        (statistics.share_difference(differences, None if icc is None else documents)[2] < 0.05).mean()
    )


@pytest.mark.parametrize(("n", "right", "wrong", "icc"), SETTINGS)
def test_intervals_of_a_change_hold_the_truth_light(n, right, wrong, icc):
    assert 0.91 <= held(300, n, right, wrong, icc) <= 0.99


@pytest.mark.heavy
@pytest.mark.parametrize(("n", "right", "wrong", "icc"), SETTINGS)
def test_intervals_of_a_change_hold_the_truth(n, right, wrong, icc):
    assert 0.92 <= held(5000, n, right, wrong, icc) <= 0.98


@pytest.mark.heavy
@pytest.mark.parametrize("icc", [0.0, 0.1, 0.4])
def test_intervals_of_six_documents_are_safe(icc):
    for right, wrong in ((0.17, 0.0), (0.17, 0.03), (0.3, 0.1)):
        assert held(5000, 30, right, wrong, icc) >= 0.95


@pytest.mark.parametrize("icc", [None, 0.0, 0.4])
def test_where_as_many_turn_right_as_wrong_p_is_rarely_small_light(icc):
    assert rejected(300, 100, 0.2, icc) <= 0.08


@pytest.mark.heavy
@pytest.mark.parametrize("icc", [None, 0.0, 0.1, 0.4])
@pytest.mark.parametrize("n", [30, 100])
@pytest.mark.parametrize("share", [0.1, 0.3])
def test_where_as_many_turn_right_as_wrong_p_is_rarely_small(n, share, icc):
    assert rejected(5000, n, share, icc) <= 0.06
