"""Metrics against published formulas, other packages, and their declared properties."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import repalign
from repalign import RepalignError
from repalign.metrics import DEFAULT_METRICS, METRICS, LayerPair, Representation, find
from repalign.metrics.contract import CONTRACT_CHECKS, related
from repalign.metrics.descriptors import geometry as shape
from repalign.metrics.descriptors import separation as against
from repalign.metrics.pair import winners
from repalign.metrics.retrieval import margin_search
from repalign.metrics.shape import gulp_distance
from repalign.scoring import VARIANTS


def golden_inputs(n: int = 60, d: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """Two languages made from seeds; the values below were computed by plain numpy formulas on them."""
    meaning = np.random.default_rng(0).normal(size=(n, 16))

    def language(seed: int) -> np.ndarray:
        mixing = np.random.default_rng(seed).normal(size=(16, d))
        own = 1.5 * np.random.default_rng(seed + 9).normal(size=(n, d))
        return meaning @ mixing + own + 2 * np.random.default_rng(seed + 5).normal(size=d)

    x = language(1)
    return x, 0.5 * language(2) + 0.6 * x


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


def test_golden_geometry():
    representation = Representation.of(golden_inputs()[0])
    assert shape.average_cosine(representation) == pytest.approx(0.23165286369844382, abs=1e-6)
    assert shape.isoscore(representation) == pytest.approx(0.35591521336218834, abs=1e-6)
    assert shape.effective_rank(representation) == pytest.approx(18.814865641704266, abs=1e-6)
    assert shape.participation_ratio(representation) == pytest.approx(9.18604990733033, abs=1e-6)


@pytest.mark.parametrize("check", CONTRACT_CHECKS)
@pytest.mark.parametrize("name", METRICS)
def test_contract(name, check):
    assert list(CONTRACT_CHECKS[check](METRICS[name])) == []


def test_the_contract_finds_what_is_wrong():
    @repalign.metric(
        label="wrong",
        bounds=(0, 0.5),
        reference="here",
        invariances=("shift",),
        chance=lambda sentences, dims: 0.4,
    )
    def wrong(pair):
        pair.x.mul_(1.5)
        return -float((pair.x - 2 * pair.y).norm())

    violated = {name for name, check in CONTRACT_CHECKS.items() if list(check(wrong))}
    assert violated >= {
        "bounds",
        "direction",
        "identity",
        "symmetry",
        "invariances",
        "chance",
        "inputs_untouched",
    }


def published_mexa(cosines: np.ndarray) -> float:
    """MEXA as published, one sentence at a time."""
    found = 0
    for i, row in enumerate(cosines):
        others = max(np.delete(row, i)), max(np.delete(cosines[:, i], i))
        found += row[i] > others[0] and row[i] > others[1]
    return found / len(cosines)


@pytest.mark.parametrize("seed", range(5))
def test_mexa_equals_the_published_script(seed):
    from scipy.spatial.distance import cosine

    x, y = related(60, 20, 1.0, seed)
    cosines = np.array([[1 - cosine(a, b) for b in y] for a in x])
    assert METRICS["mexa"](x, y).value == published_mexa(cosines)
    in_float32 = METRICS["mexa"](x.astype(np.float32), y.astype(np.float32)).value
    assert in_float32 == published_mexa(cosines)


def test_duplicated_and_collapsed_sentences_are_no_hits():
    x, y = related(40, 30, 10.0)
    assert METRICS["mexa"](x, y).value == 1
    for row in range(0, 20, 2):
        x[row + 1], y[row + 1] = x[row], y[row]
    for name in ("mexa", "p_at_1", "csls"):
        assert METRICS[name](x, y).value == 0.5
    same = np.ones((40, 30), dtype=np.float32)
    assert METRICS["p_at_1"](same, same).value == 0


def test_a_tie_within_rounding_is_a_tie():
    for dtype in (torch.float32, torch.float64):
        almost = 1 - torch.finfo(dtype).eps
        found = winners(torch.tensor([[1, almost, 0], [1, 1, 0], [0, 0.5, 0.9]], dtype=dtype))
        assert found.strict.tolist() == [False, False, True]
        assert found.hits.tolist() == [False, False, True]


def test_csls_is_that_of_its_paper():
    x, y = related(300, 8, 3.0)
    a, b = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in (x, y))
    cosine = a @ b.T
    near, far = (
        np.sort(cosine, axis)[:, -10:].mean(1) if axis else np.sort(cosine, 0)[-10:].mean(0)
        for axis in (1, 0)
    )
    hits = (2 * cosine - near[:, None] - far).argmax(1) == np.arange(300)
    assert METRICS["csls"](x, y).per_sentence.numpy().astype(bool).tolist() == hits.tolist()
    assert hits.tolist() != METRICS["p_at_1"](x, y).per_sentence.numpy().astype(bool).tolist()


def test_debiased_cka_of_noise_is_zero_where_the_biased_one_is_near_one():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 100, 4096)).astype(np.float32)
    assert abs(METRICS["cka"](x, y).value) < 0.02
    assert METRICS["cka_biased"](x, y).value > 0.95


@pytest.mark.parametrize(("n", "d"), [(40, 8), (30, 60)])
def test_closed_form_jackknife_of_cka_is_leaving_one_out(n, d):
    x, y = related(n, d, 1.0)
    scores = METRICS["cka"](x, y)
    left_out = [METRICS["cka"](*(np.delete(side, row, 0) for side in (x, y))).value for row in range(n)]
    moved = (n - 1) * (scores.value - np.array(left_out))
    assert scores.influence is not None
    # equal up to one factor, which takes off what pairs of sentences add twice
    assert np.corrcoef(moved, scores.influence)[0, 1] == pytest.approx(1, abs=1e-9)
    assert 0.3 < float(scores.influence.std()) / moved.std(ddof=1) <= 1


@pytest.mark.parametrize("name", ["cosine_gap", "anc", "cka_biased", "procrustes", "angular", "rsa"])
def test_influence_predicts_leaving_one_out(name):
    x, y = related(200, 6, 3.0)
    scores = METRICS[name](x, y)
    rows = range(0, 200, 10)
    left_out = np.array([METRICS[name](*(np.delete(side, row, 0) for side in (x, y))).value for row in rows])
    moved = 199 * (scores.value - left_out)
    expected = scores.influence if scores.influence is not None else scores.per_sentence - scores.value
    assert np.corrcoef(moved, expected[list(rows)])[0, 1] > 0.98


def test_gram_forms_equal_the_forms_over_dims():
    x, y = (side - side.mean(0) for side in related(30, 50, 1.0))
    nuclear = np.linalg.svd(x.T @ y, compute_uv=False).sum() / np.linalg.norm(x) / np.linalg.norm(y)
    assert METRICS["procrustes"](x, y).value == pytest.approx(2 - 2 * nuclear, abs=1e-10)
    assert METRICS["angular"](x, y).value == pytest.approx(np.arccos(nuclear), abs=1e-10)
    cka = np.linalg.norm(x.T @ y) ** 2 / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y))
    assert METRICS["cka_biased"](x, y).value == pytest.approx(cka, abs=1e-10)
    wide = gulp_distance(*(torch.tensor(side) for side in (x, y)), 1e-2)
    assert METRICS["gulp"](x, y).value == pytest.approx(wide, rel=1e-8)


def test_states_of_different_width():
    x, y = related(50, 12, 3.0)[0], related(50, 20, 3.0)[1]
    assert np.isfinite(METRICS["cka"](x, y).value)
    with pytest.raises(RepalignError, match=r"12 and 20"):
        METRICS["anc"](x, y)


@pytest.mark.parametrize("margin", ["ratio", "distance", "absolute"])
def test_margin_search_looks_among_the_nearest_four_only(margin):
    cosine = torch.tensor(np.random.default_rng(0).uniform(0.2, 0.9, size=(30, 30)))
    row, column = (cosine.topk(4, dim=k).values.mean(k) for k in (1, 0))
    middle = (row[:, None] + column) / 2
    scores = {"ratio": cosine / middle, "distance": cosine - middle, "absolute": cosine}[margin]
    scores[cosine < cosine.topk(4, dim=1).values[:, -1:]] = -torch.inf
    assert margin_search(cosine, margin).index.tolist() == scores.argmax(1).tolist()


def languages(count: int = 3, n: int = 40, d: int = 8) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    meaning = rng.normal(size=(n, d))
    return [meaning + 0.7 * rng.normal(size=(n, d)) + rng.normal(size=d) for _ in range(count)]


def test_silhouettes_equal_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    arrays = languages()
    representations = [Representation.of(array) for array in arrays]
    flat = np.stack(arrays, axis=1).reshape(-1, 8)
    labels = {
        against.silhouette_language: np.tile(np.arange(3), 40),
        against.silhouette_sentence: np.repeat(np.arange(40), 3),
    }
    for measure, label in labels.items():
        expected = metrics.silhouette_samples(flat, label, metric="cosine")
        assert measure(representations).flatten().numpy() == pytest.approx(expected, abs=1e-9)


def test_the_probe_reads_language_but_no_control_task():
    pytest.importorskip("sklearn")
    representations = [Representation.of(array + 3 * k) for k, array in enumerate(languages())]
    folds = np.arange(40) % 5
    assert against.probe(representations, against.language_labels(40, 3), folds).mean() > 0.9
    assert against.probe(representations, against.control_labels(40, 3, seed=0), folds).mean() < 0.5


def test_geometry_tells_what_is_unlike():
    rng = np.random.default_rng(0)
    even = Representation.of(rng.normal(size=(200, 10)))
    cone = Representation.of(rng.normal(size=(200, 10)) + 20)
    line = Representation.of(rng.normal(size=(200, 1)) * np.arange(1, 11))
    assert abs(shape.average_cosine(even)) < 0.02 < 0.95 < shape.average_cosine(cone)
    assert shape.isoscore(even) > 0.9 > 1e-6 > shape.isoscore(line)
    assert shape.participation_ratio(line) == pytest.approx(1)
    assert shape.effective_rank(even) > 9
    spiked = rng.normal(size=(200, 10)) + 0.1
    spiked[:, 3] += 500
    assert shape.outlier_ratio(Representation.of(spiked)) > 100
    assert shape.tied(Representation.of(np.repeat(rng.normal(size=(20, 10)), 2, axis=0))) == 1
    assert shape.tied(even) == 0
    assert np.isnan(shape.isoscore(Representation.of(rng.normal(size=(20, 1)))))


def test_lengths_hubs_and_centroids_are_what_they_are_called():
    stats = pytest.importorskip("scipy.stats")
    x, y = related(60, 8, 1.0)
    representation, other = Representation.of(x), Representation.of(y)
    lengths = np.linalg.norm(x, axis=1)
    assert shape.norm_mean(representation) == pytest.approx(lengths.mean())
    assert shape.norm_spread(representation) == pytest.approx(stats.variation(lengths))
    cosine = representation.unit.numpy() @ representation.unit.numpy().T - 2 * np.eye(60)
    popularity = np.bincount(cosine.argsort(1)[:, -10:].ravel(), minlength=60)
    assert shape.hubness_skew(representation) == pytest.approx(stats.skew(popularity))
    apart = np.linalg.norm(x.mean(0) - y.mean(0))
    within = np.sqrt((x.var(0).sum() + y.var(0).sum()) / 2)
    assert against.centroid_distance(representation, other) == pytest.approx(apart / within)
    cosine = x.mean(0) @ y.mean(0) / np.linalg.norm(x.mean(0)) / np.linalg.norm(y.mean(0))
    assert against.centroid_cosine(representation, other) == pytest.approx(cosine)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y: (x, y[:-1]), "40 and 39 sentences"),
        (lambda x, y: (x[:, 0], y), r"\[sentence, dim\]"),
        (lambda x, y: (np.where(np.arange(40)[:, None] == 7, np.nan, x), y), "row 7"),
        (lambda x, y: (x[:3], y[:3]), "'cka' needs at least 6 sentences, got 3"),
    ],
)
def test_bad_input_says_where(change, message):
    with pytest.raises(RepalignError, match=message):
        METRICS["cka"](*change(*related(40, 8, 1.0)))


def test_cca_refuses_what_would_be_noise():
    with pytest.raises(RepalignError, match=r"'svcca' needs at least \d+ sentences.*use cka"):
        METRICS["svcca"](*related(40, 39, 1.0))


def test_derived_matrices_are_computed_once():
    pair = LayerPair.of(*related(30, 8, 1.0))
    assert pair.cosine is pair.cosine
    assert pair.reverse.cosine.data_ptr() == pair.cosine.data_ptr()
    calls = []

    def derive(representation: Representation, setting: int) -> int:
        calls.append(setting)
        return setting

    assert [pair.source.once(derive, setting) for setting in (1, 1, 2)] == [1, 1, 2]
    assert calls == [1, 2]


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
    assert "lies outside (0, 0.5)" in capsys.readouterr().err


def test_a_package_can_offer_metrics(monkeypatch):
    from types import SimpleNamespace

    from repalign import metrics

    def offer(thing):
        point = SimpleNamespace(name="theirs", value="theirs:thing", load=lambda: thing)
        monkeypatch.setattr(
            metrics, "entry_points", lambda group: [point] if group == "repalign.metrics" else []
        )
        metrics._discover()

    monkeypatch.setattr(METRICS, "_items", dict(METRICS._items))
    theirs = repalign.metric(name="theirs", label="t", bounds=(0, 1), reference="-")(lambda pair: 0.5)
    offer(theirs)
    assert METRICS["theirs"] is theirs
    with pytest.raises(RepalignError, match=r"'theirs'.*is function, not a metric"):
        offer(lambda pair: 0.5)


def test_calibrated_runs_from_shuffled_to_identical():
    for name, chance, identical in (("p_at_1", 0.1, 1.0), ("procrustes", 1.6, 0.0)):
        calibrated = METRICS[name].calibrated
        found = [calibrated(value, chance) for value in (chance, (chance + identical) / 2, identical)]
        assert found == pytest.approx([0, 0.5, 1])
    assert np.isnan(METRICS["cosine_gap"].calibrated(0.5, 0.0))


def test_a_metric_cannot_declare_nonsense():
    function = METRICS["cka"].function
    for wrong in ({"invariances": ("spin",)}, {"closer": "up"}, {"bounds": (1, 0)}):
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
