"""For each metric, data on which it misleads: read by analyses/metrics.py, which prints the computed numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from repalign.metrics import METRICS

Pair = tuple[np.ndarray, np.ndarray]
"""States [sentence, dim] of two languages."""


@dataclass(frozen=True)
class Example:
    """A sentence with places for numbers, and what computes them."""

    text: str
    numbers: Callable[[], dict[str, float]]

    def __str__(self) -> str:
        return self.text.format(**{name: f"{value:.2f}" for name, value in self.numbers().items()})


def score(metric: str, pair: Pair) -> float:
    return METRICS[metric](*pair).value


def noise(sentences: int, dims: int) -> Pair:
    """Unrelated languages."""
    x, y = np.random.default_rng(0).normal(size=(2, sentences, dims))
    return x, y


def shared(sentences: int, dims: int, share: float) -> Pair:
    """Languages whose translations share this part of their variance."""
    rng = np.random.default_rng(0)
    meaning, x, y = rng.normal(size=(3, sentences, dims))
    return share**0.5 * meaning + (1 - share) ** 0.5 * x, share**0.5 * meaning + (1 - share) ** 0.5 * y


def one_large_dim() -> Pair:
    """Unrelated, except that one dim is the same in both, at fifty times the scale of the others."""
    x, y = noise(200, 256)
    x[:, 0] = y[:, 0] = 50 * x[:, 0]
    return x, y


def lengths() -> Pair:
    """Unrelated, except that the states encode the length of the sentence; no two are of the same length."""
    x, y = noise(100, 256)
    angles = 2 * np.pi * np.outer(np.arange(100) / 100, np.arange(1, 17))
    waves = np.hstack([np.sin(angles), np.cos(angles)]) @ np.random.default_rng(1).normal(size=(32, 256))
    return x + 0.5 * waves, y + 0.5 * waves


def long_and_short() -> Pair:
    """Unrelated, except for one direction along which the states grow with the length of the sentence."""
    x, y = noise(100, 512)
    rng = np.random.default_rng(1)
    length = rng.normal(size=(100, 1)) * rng.normal(size=512)
    return x + length, y + length


def topics() -> Pair:
    """Twenty topics of eleven sentences; languages share the topic of a sentence and nothing else."""
    x, y = noise(220, 128)
    topic = np.repeat(np.random.default_rng(1).normal(size=(20, 128)), 11, axis=0)
    return x + 2 * topic, y + 2 * topic


def rotated() -> Pair:
    """The same states, one language rotated."""
    x, _ = noise(200, 64)
    return x, x @ np.linalg.qr(np.random.default_rng(1).normal(size=(64, 64)))[0]


def hubs() -> Pair:
    """Translations share most of what they are, but a few target sentences lie in the middle of all."""
    x, y = shared(200, 64, 0.5)
    spread = np.where(np.arange(200) < 5, 0.2, 1.0)[:, None]
    return x + 2, y * spread + 2


def opposite() -> Pair:
    x, _ = noise(100, 64)
    return x, -x


def apart() -> Pair:
    """Translations share half of their variance; the mean vectors of the languages are opposite."""
    x, y = shared(100, 64, 0.5)
    return x + 2, y - 2


def identical(sentences: int, dims: int) -> Pair:
    x, _ = noise(sentences, dims)
    return x, x


MANY_DIMS = (
    "Two unrelated languages, 100 sentences: {few} in {few_dims} dims, {many} in {many_dims} dims, "
    "which looks closer only because there are more dims."
)


def more_dims(metric: str, few: int, many: int) -> Example:
    text = MANY_DIMS.replace("{few_dims}", str(few)).replace("{many_dims}", str(many))
    return Example(
        text,
        lambda: {"few": score(metric, noise(100, few)), "many": score(metric, noise(100, many))},
    )


EXAMPLES = {
    "anc": Example(
        "The same states, one language rotated: ANC {anc}, CKA {cka}. All distances between sentences are the same.",
        lambda: {name: score(name, rotated()) for name in ("anc", "cka")},
    ),
    "angular": more_dims("angular", 20, 2000),
    "cka": Example(
        "Unrelated languages that share one dim of fifty times the scale, as massive activations are: CKA {cka}, P@1 {p_at_1}. "
        "The variants `no-outlier-dims` and `standardised` show it.",
        lambda: {name: score(name, one_large_dim()) for name in ("cka", "p_at_1")},
    ),
    "cka_biased": more_dims("cka_biased", 20, 4096),
    "cosine_gap": Example(
        "Unrelated languages with one direction for sentence length: {length}; translations that share half of their variance: "
        "{meaning}. The variant `length-partialled` removes that direction.",
        lambda: {
            "length": score("cosine_gap", long_and_short()),
            "meaning": score("cosine_gap", shared(100, 512, 0.5)),
        },
    ),
    "csls": Example(
        "Five of 200 target sentences lie in the middle of all and are the nearest to many: P@1 {p_at_1}, CSLS {csls}. The hubs are a fact "
        "about the model, and CSLS hides it.",
        lambda: {name: score(name, hubs()) for name in ("csls", "p_at_1")},
    ),
    "gulp": more_dims("gulp", 20, 512),
    "ilo": Example(
        "Unrelated languages in one region: ILO {ilo}, P@1 {p_at_1}. They mix, and no translation is near.",
        lambda: {name: score(name, noise(200, 256)) for name in ("ilo", "p_at_1")},
    ),
    "mexa": Example(
        "100 unrelated sentences, no two of the same length, whose states encode that length: MEXA {mexa}, though they share no "
        "meaning. The controls for length (a matched half, a linear regression) do not see so fine a code.",
        lambda: {"mexa": score("mexa", lengths())},
    ),
    "mutual_knn": Example(
        "Twenty topics of eleven sentences; the languages share the topic and nothing else: mutual 10-NN {mutual_knn}, P@1 {p_at_1}. "
        "Within documents (`--clusters`) the null shares the topic as well.",
        lambda: {name: score(name, topics()) for name in ("mutual_knn", "p_at_1")},
    ),
    "nasca": Example(
        "Identical languages of 4 dims: {few}, since only 16 sets of active neurons exist for 100 sentences; of 512 dims: {many}.",
        lambda: {"few": score("nasca", identical(100, 4)), "many": score("nasca", identical(100, 512))},
    ),
    "navca": Example(
        "Every state of one language is the negative of its translation: {navca}, the same as for identical languages; MEXA {mexa}.",
        lambda: {name: score(name, opposite()) for name in ("navca", "mexa")},
    ),
    "p_at_1": Example(
        "The same two languages, tested among 50 sentences: {few}; among 2,000: {many}. Compare only at equal numbers of sentences.",
        lambda: {
            "few": score("p_at_1", shared(50, 64, 0.4)),
            "many": score("p_at_1", shared(2000, 64, 0.4)),
        },
    ),
    "procrustes": more_dims("procrustes", 20, 2000),
    "pwcca": more_dims("pwcca", 5, 45),
    "rsa": Example(
        "Unrelated languages with one direction for sentence length: RSA {rsa}, P@1 {p_at_1}.",
        lambda: {name: score(name, long_and_short()) for name in ("rsa", "p_at_1")},
    ),
    "svcca": more_dims("svcca", 5, 45),
    "xsim_absolute": Example(
        "Five of 200 target sentences lie in the middle of all: {xsim_absolute} of the searches err; with the margin `distance`, {xsim_distance}.",
        lambda: {name: score(name, hubs()) for name in ("xsim_absolute", "xsim_distance")},
    ),
    "xsim_distance": Example(
        "The same two languages, searched among 50 sentences: {few} err; among 2,000: {many}.",
        lambda: {
            "few": score("xsim_distance", shared(50, 64, 0.4)),
            "many": score("xsim_distance", shared(2000, 64, 0.4)),
        },
    ),
    "xsim_ratio": Example(
        "Translations share half of their variance, but the mean vectors of the languages point in opposite directions, so that all "
        "cosines are negative: {xsim_ratio} of the searches err; with the margin `distance`, {xsim_distance}.",
        lambda: {name: score(name, apart()) for name in ("xsim_ratio", "xsim_distance")},
    ),
}
"""Name of a metric -> an example on which its value suggests what is not so."""
