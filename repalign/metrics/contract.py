"""The contract: properties that every metric declares or must have, checked on small synthetic data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

from repalign.errors import RepalignError, TooFewSentences
from repalign.metrics.metric import INVARIANCES, Metric, Scores
from repalign.progress import Phase

CONTRACT_CHECKS: dict[str, Callable[[Metric], Iterator[str]]] = {}
"""Name -> a function that yields one sentence for every violation."""

Pair = tuple[np.ndarray, np.ndarray]
SHAPES = ((60, 10), (24, 40))  # more sentences than dims, and fewer


def contract_check(check: Callable[[Metric], Iterator[str]]) -> Callable[[Metric], Iterator[str]]:
    """Decorator: add to `CONTRACT_CHECKS`."""
    CONTRACT_CHECKS[check.__name__] = check
    return check


def violations(metric: Metric) -> dict[str, list[str]]:
    """The violations of each check by name; an empty list if it passes."""
    found = {}
    with Phase(f"checking {metric.name}", len(CONTRACT_CHECKS), "checks") as phase:
        for name, check in CONTRACT_CHECKS.items():
            found[name] = list(check(metric))
            phase.update()
    return found


def related(sentences: int, dims: int, strength: float, seed: int = 0, mean: float = 0.3) -> Pair:
    """Two languages that share meaning of this strength, each with its mean: float64 [sentence, dim] twice."""
    rng = np.random.default_rng(seed)
    spectrum = (1 + np.arange(dims)) ** -0.3
    meaning, *noises = (rng.normal(size=(sentences, dims)) * spectrum for _ in range(3))
    x, y = (strength * meaning + noise + mean * rng.normal(size=dims) for noise in noises)
    return x, y


def scored(metric: Metric, x: np.ndarray, y: np.ndarray) -> Scores | None:
    """The scores, or None if the metric raises `TooFewSentences`."""
    try:
        return metric(x, y)
    except TooFewSentences:
        return None


def inputs(metric: Metric) -> Iterator[tuple[str, Pair]]:
    """Data of every shape that the metric accepts, with a name for messages."""
    for sentences, dims in SHAPES:
        pair = related(sentences, dims, 1.0)
        if sentences >= metric.minimum and scored(metric, *pair) is not None:
            yield f"{sentences} sentences x {dims} dims", pair


def near(a: float, b: float, tolerance: float) -> bool:
    """Equal within an absolute or relative tolerance, or both undefined."""
    return bool(np.isclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True))


@contract_check
def bounds(metric: Metric) -> Iterator[str]:
    """Values lie within the declared range."""
    low, high = metric.bounds
    for sentences, dims in SHAPES:
        for strength in (0.0, 1.0, 10.0):
            x, y = related(max(sentences, metric.minimum), dims, strength)
            for name, other in (("y", y), ("x", x), ("-y", -y), ("shuffled y", y[::-1])):
                scores = scored(metric, x, other)
                if scores and not low - metric.tolerance <= scores.value <= high + metric.tolerance:
                    yield f"{scores.value} for x and {name} lies outside {metric.bounds}"


@contract_check
def direction(metric: Metric) -> Iterator[str]:
    """Languages that share more are closer, and a language is closest to itself."""
    sign = 1 if metric.higher_is_better else -1
    for sentences, dims in SHAPES:
        pairs = [related(max(sentences, metric.minimum), dims, strength) for strength in (0.0, 3.0, 30.0)]
        results = [scored(metric, *pair) for pair in [*pairs, (pairs[-1][0], pairs[-1][0])]]
        values = [scores.value for scores in results if scores]
        if any(sign * after < sign * before - metric.tolerance for before, after in pairwise(values)):
            yield f"values {values} for languages that share more and more, declared higher_is_better={metric.higher_is_better}"


@contract_check
def identity(metric: Metric) -> Iterator[str]:
    """A language scored with itself has the declared value."""
    if metric.identical is None:
        return
    for name, (x, _) in inputs(metric):
        value = metric(x, x).value
        if not near(value, metric.identical, 1e-6):
            yield f"{name}: {value} for identical languages, declared {metric.identical}"


@contract_check
def symmetry(metric: Metric) -> Iterator[str]:
    """If declared symmetric, exchanging the languages changes nothing."""
    if not metric.symmetric:
        return
    for name, (x, y) in inputs(metric):
        forward, backward = metric(x, y).value, metric(y, x).value
        if not near(forward, backward, 1e-8):
            yield f"{name}: {forward} in one direction, {backward} in the other; declare symmetric=False"


def _transformed(invariance: str, pair: Pair) -> Pair:
    rng = np.random.default_rng(1)
    (x, y), dims = pair, pair[0].shape[1]
    rotation = np.linalg.qr(rng.normal(size=(dims, dims)))[0]
    order = rng.permutation(dims)
    return {
        "shift": (x + rng.normal(size=dims), y - rng.normal(size=dims)),
        "scale": (3.7 * x, 0.2 * y),
        "joint permutation": (x[:, order], y[:, order]),
        "joint rotation": (x @ rotation, y @ rotation),
        "own rotation": (x @ rotation, y),
    }[invariance]


@contract_check
def invariances(metric: Metric) -> Iterator[str]:
    """The declared invariances hold."""
    for invariance in sorted(metric.invariances):
        for name, pair in inputs(metric):
            before, after = metric(*pair).value, metric(*_transformed(invariance, pair)).value
            if not near(before, after, 1e-6):
                yield f"{name}: {before} becomes {after} under {INVARIANCES[invariance]}"


@contract_check
def order(metric: Metric) -> Iterator[str]:
    """Reordering the sentences of both languages alike changes nothing."""
    for name, (x, y) in inputs(metric):
        rows = np.random.default_rng(2).permutation(len(x))
        before, after = metric(x, y).value, metric(x[rows], y[rows]).value
        if not near(before, after, 1e-8):
            yield f"{name}: {before} becomes {after} after reordering the sentences"


@contract_check
def chance(metric: Metric) -> Iterator[str]:
    """Unrelated languages with mean zero have the declared chance level on average."""
    if metric.chance is None:
        return
    for sentences, dims in SHAPES:
        sentences = max(sentences, metric.minimum)
        results = [scored(metric, *related(sentences, dims, 0.0, seed, mean=0.0)) for seed in range(50)]
        values = np.array([scores.value for scores in results if scores])
        if len(values):
            error = values.std() / len(values) ** 0.5 + 1e-9
            declared = metric.expected(sentences, dims)
            if abs(values.mean() - declared) > 4 * error:
                measured = f"{values.mean():.4f} (+-{error:.4f})"
                yield f"{sentences} sentences x {dims} dims: {measured}, declared {declared:.4f}"


@contract_check
def null(metric: Metric) -> Iterator[str]:
    """A closed-form null agrees with shuffling."""
    for name, (x, y) in inputs(metric):
        declared = metric(x, y).null
        if declared is None:
            continue
        rng = np.random.default_rng(3)
        values = np.array([metric(x, rng.permutation(y)).value for _ in range(200)])
        if not metric.higher_is_better and declared.hits is not None:
            values = 1 - values
        if abs(values.mean() - declared.mean) > 5 * declared.sd / len(values) ** 0.5 + 1e-9:
            yield f"{name}: mean {values.mean():.5f} of 200 shuffles, closed form {declared.mean:.5f}"
        if not 0.75 < (values.std() + 1e-12) / (declared.sd + 1e-12) < 1.33:
            yield f"{name}: deviation {values.std():.5f} of 200 shuffles, closed form {declared.sd:.5f}"


@contract_check
def inputs_untouched(metric: Metric) -> Iterator[str]:
    """The states are not modified."""
    for name, (x, y) in inputs(metric):
        before = x.copy(), y.copy()
        metric(x, y)
        if not (np.array_equal(before[0], x) and np.array_equal(before[1], y)):
            yield f"{name}: the metric modified its input"


@contract_check
def precision(metric: Metric) -> Iterator[str]:
    """float32 agrees with float64 within the declared tolerance."""
    for name, (x, y) in inputs(metric):
        single, double = metric(x.astype(np.float32), y.astype(np.float32)).value, metric(x, y).value
        if not near(single, double, metric.tolerance):
            yield f"{name}: {single} in float32, {double} in float64; tolerance {metric.tolerance}"


@contract_check
def influence(metric: Metric) -> Iterator[str]:
    """Per-sentence values average to the score; influences have mean zero and one number per sentence."""
    for name, (x, y) in inputs(metric):
        scores = metric(x, y)
        mean = scores.value if scores.per_sentence is None else float(scores.per_sentence.mean())
        if not near(mean, scores.value, 1e-9):
            yield f"{name}: per-sentence values average to {mean}, score {scores.value}"
        if scores.influence is not None:
            if scores.influence.shape != (len(x),):
                yield f"{name}: influence has shape {tuple(scores.influence.shape)}, expected ({len(x)},)"
            elif not near(
                float(scores.influence.mean()), 0.0, 1e-6 * (1 + float(scores.influence.abs().max()))
            ):
                yield f"{name}: influence has mean {float(scores.influence.mean())}, expected 0"


@contract_check
def collapse(metric: Metric) -> Iterator[str]:
    """A layer where all sentences are identical scores no better than chance, or NaN."""
    for dtype in (np.float32, np.float64):
        for sentences, dims in SHAPES:
            x, y = (
                np.tile(states[:1], (max(sentences, metric.minimum), 1))
                for states in related(sentences, dims, 1.0)
            )
            scores = scored(metric, x.astype(dtype), y.astype(dtype))
            if scores is None or np.isnan(scores.value):
                continue
            expected = metric.expected(*x.shape)
            declared = metric.bounds[not metric.higher_is_better] if expected is None else expected
            sign = 1 if metric.higher_is_better else -1
            if sign * scores.value > sign * declared + 1e-6:
                yield f"{scores.value} for two constant layers ({np.dtype(dtype).name}); chance is {declared}"


@contract_check
def hard_inputs(metric: Metric) -> Iterator[str]:
    """Duplicated sentences, constant dims and a constant language give a value in range, or NaN."""
    for name, (x, y) in inputs(metric):
        flat_x, flat_y = x.copy(), y.copy()
        flat_x[:, :3], flat_y[:, :3] = 1.0, 1.0
        twice = np.arange(len(x)) // 2 * 2
        cases = {
            "duplicated sentences": (x[twice], y[twice]),
            "constant dims": (flat_x, flat_y),
            "a constant language": (x, np.tile(y[:1], (len(y), 1))),
        }
        for case, pair in cases.items():
            scores = scored(metric, *pair)
            if scores and not (
                np.isnan(scores.value) or metric.bounds[0] - 1e-6 <= scores.value <= metric.bounds[1] + 1e-6
            ):
                yield f"{name}, {case}: {scores.value}"


@contract_check
def minimum(metric: Metric) -> Iterator[str]:
    """Too few sentences raise an error that names the metric and its minimum; the minimum is enough."""
    x, y = related(metric.minimum, 2, 1.0)
    scored(metric, x, y)
    if metric.minimum < 2:
        yield f"minimum {metric.minimum}: one sentence cannot be aligned; declare at least 2"
        return
    try:
        metric(x[:-1], y[:-1])
    except RepalignError as error:
        if metric.name not in str(error) or str(metric.minimum) not in str(error):
            yield f"the error does not name both the metric and its minimum: {error}"
    else:
        yield f"{metric.minimum - 1} sentences raised no error; declared minimum {metric.minimum}"
