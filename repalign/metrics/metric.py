"""Metric and Scores: a metric maps a pair of layers to scores and declares its properties."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal, get_args

from repalign.errors import RepalignError, TooFewSentences
from repalign.metrics.declared import check_declared
from repalign.metrics.foreign import explained
from repalign.metrics.null import Null
from repalign.registry import Registry

if TYPE_CHECKING:
    import torch

    from repalign.metrics.pair import LayerPair

INVARIANCES = {
    "shift": "a vector added to every state of one language",
    "scale": "the states of one language multiplied by a positive number",
    "joint permutation": "the same reordering of dims in both languages",
    "joint rotation": "the same rotation of both languages",
    "own rotation": "a rotation of one language alone",
}
"""Changes that a metric may be invariant to; each language may be changed alone unless it says "joint"."""

METRICS: Registry[Metric] = Registry("metric")

Kind = Literal["mean", "share", "pairs"]
"""How a score depends on sentences, which decides its interval; see `Scores`."""


@dataclass(frozen=True)
class Scores:
    """A metric's result for one pair.

    Attributes:
        value: the score.
        per_sentence: tensor [sentence] whose mean is `value`, for metrics that are such a mean.
        influence: tensor [sentence] with mean zero: how far each sentence moves the value (its influence
            function, or n - 1 times the change when it is left out). Intervals and paired differences are
            computed from it. Not needed if `per_sentence` is given; if both are missing, a jackknife over
            groups of sentences is used instead.
        null: distribution of the value under shuffled translations, if it has a closed form.
        kind: decides the interval. "mean": a mean over sentences, or a smooth function of such means; "share": a
            share of sentences; "pairs": a mean over pairs of sentences, which for unrelated languages has no
            first-order dependence on single sentences.
    """

    value: float
    per_sentence: torch.Tensor | None = None
    influence: torch.Tensor | None = None
    null: Null | None = None
    kind: Kind = "mean"

    @classmethod
    def mean_of(cls, per_sentence: torch.Tensor, null: Null | None = None, kind: Kind = "mean") -> Scores:
        """Scores of a metric that is a mean over sentences."""
        per_sentence = per_sentence.double()
        return cls(float(per_sentence.mean()), per_sentence, null=null, kind=kind)


@dataclass(frozen=True)
class Metric:
    """A function from a pair of layers to scores, with its declared properties; the contract tests check each.

    Attributes:
        name: as given to `--metrics`.
        label: as shown on axes.
        function: takes a `LayerPair`; returns `Scores`, a number, or a tensor [sentence] whose mean is the score
            (bool: a share of sentences).
        bounds: lowest and highest possible value.
        reference: source of the formula.
        higher_is_better: whether a higher value means that languages are more alike; False for a distance.
        identical: value for two languages with the same states, where the calibrated score is 1; None if it
            depends on the states, in which case there is no calibrated score.
        chance: (sentences, dims) -> expected value for unrelated languages; None if it must be estimated by
            shuffling.
        minimum: smallest number of sentences it can be computed on.
        invariances: changes that do not affect the value; names from `INVARIANCES`.
        symmetric: whether exchanging the languages does not affect the value; if not, both directions are
            reported.
        tolerance: largest accepted difference between float32 and float64.
    """

    name: str
    label: str
    function: Callable[[LayerPair], Any]
    bounds: tuple[float, float]
    reference: str
    higher_is_better: bool = True
    identical: float | None = 1.0
    chance: Callable[[int, int], float] | None = None
    minimum: int = 2
    invariances: frozenset[str] = frozenset()
    symmetric: bool = True
    tolerance: float = 1e-4

    def __post_init__(self) -> None:
        check_declared(self)
        for name in self.invariances:
            if name not in INVARIANCES:
                raise RepalignError(
                    f"metric {self.name!r} declares the invariance {name!r}; known: {', '.join(INVARIANCES)}"
                )

    def check_size(self, sentences: int) -> None:
        """
        Raises:
            TooFewSentences: fewer sentences than `minimum`.
        """
        if sentences < self.minimum:
            raise TooFewSentences(self.name, self.minimum, sentences)

    def __call__(self, x: Any, y: Any = None) -> Scores:
        """Score two languages at one layer.

        Args:
            x: a `LayerPair`, or the states of one language [sentence, dim], a torch tensor or a numpy array.
            y: states of the other language; row i is a translation of row i of `x`.

        Raises:
            TooFewSentences: fewer sentences than `minimum`.
            RepalignError: unequal numbers of sentences, NaN, or a result of the wrong type; whatever a custom metric raises.
        """
        from repalign.metrics.pair import LayerPair

        pair = x if isinstance(x, LayerPair) else LayerPair.of(x, y)
        self.check_size(pair.sentences)
        if self.is_built_in:
            return self._scores(self.function(pair))
        with self._explained(f"fails on {pair.sentences} sentences x {pair.x.shape[1]} dims"):
            result = self.function(pair)
        scores = self._scores(result)
        self._check(scores, pair.sentences)
        return scores

    def expected(self, sentences: int, dims: int) -> float | None:
        """The value for unrelated languages by `chance`; None if it must be estimated.

        Raises:
            RepalignError: a custom `chance` fails, or returns no number.
        """
        if self.chance is None or self.is_built_in:
            return self.chance and self.chance(sentences, dims)
        with self._explained(f"has no chance level for {sentences} sentences x {dims} dims"):
            return float(self.chance(sentences, dims))

    @property
    def is_built_in(self) -> bool:
        """Whether it is repalign's, and not a user's or another package's."""
        return str(getattr(self.function, "__module__", "")).startswith("repalign.")

    def _explained(self, doing: str) -> AbstractContextManager[None]:
        code = getattr(self.function, "__code__", None)
        return explained(
            code.co_filename if code else type(self.function).__name__, f"metric {self.name!r} {doing}"
        )

    def _scores(self, result: Any) -> Scores:
        import torch

        if isinstance(result, Scores):
            return result
        if isinstance(result, torch.Tensor) and result.ndim == 1:
            return Scores.mean_of(result, kind="share" if result.dtype == torch.bool else "mean")
        try:
            return Scores(float(result + 0))  # text is no number, though float() reads it
        except (TypeError, ValueError, RuntimeError):
            raise RepalignError(
                f"metric {self.name!r} returned {type(result).__name__}; expected Scores, a number, "
                "or a tensor with one number per sentence"
            ) from None

    def _check(self, scores: Scores, sentences: int) -> None:
        """Refuse the result of a custom metric that cannot be one; the contract tests check more.

        Raises:
            RepalignError: a value that is no number or infinite, or another number of values than sentences.
        """
        if not isinstance(scores.value, Real) or math.isinf(scores.value):
            raise RepalignError(
                f"metric {self.name!r} returned {scores.value!r}; expected a finite number, or NaN where it is undefined"
            )
        if not isinstance(scores.null, (Null, type(None))) or scores.kind not in get_args(Kind):
            raise RepalignError(
                f"metric {self.name!r} returned the null {scores.null!r} and the kind {scores.kind!r}; expected a repalign.Null or "
                f"None, and one of {', '.join(get_args(Kind))}"
            )
        for name, values in (("per_sentence", scores.per_sentence), ("influence", scores.influence)):
            if values is not None and tuple(getattr(values, "shape", ())) != (sentences,):
                got = tuple(values.shape) if hasattr(values, "shape") else type(values).__name__
                raise RepalignError(
                    f"metric {self.name!r} returned {got} for {name} of {sentences} sentences; expected a tensor with one "
                    "number per sentence"
                )

    def calibrated(self, value: float, chance: float) -> float:
        """(value - chance) / (identical - chance): 0 = shuffled translations, 1 = the same states."""
        if self.identical is None or self.identical == chance:
            return float("nan")
        return (value - chance) / (self.identical - chance)


def metric(
    *,
    label: str,
    bounds: tuple[float, float],
    reference: str,
    name: str | None = None,
    higher_is_better: bool = True,
    identical: float | None = 1.0,
    chance: Callable[[int, int], float] | None = None,
    minimum: int = 2,
    invariances: Iterable[str] = (),
    symmetric: bool = True,
    tolerance: float = 1e-4,
) -> Callable[[Callable[[LayerPair], Any]], Metric]:
    """Decorator: make a function of a `LayerPair` a `Metric`.

    Args:
        label: as shown on axes.
        bounds: lowest and highest possible value.
        reference: source of the formula.
        name: as given to `--metrics`; by default the function's name.
        higher_is_better: False for a distance.
        identical: value for two languages with the same states; None if it depends on the states.
        chance: (sentences, dims) -> expected value for unrelated languages; None to estimate it by shuffling.
        minimum: smallest number of sentences it can be computed on.
        invariances: names from `INVARIANCES`.
        symmetric: whether exchanging the languages does not affect the value.
        tolerance: largest accepted difference between float32 and float64.

    Raises:
        RepalignError: an unknown invariance, or bounds that are not in order.

    >>> @metric(label="Top-5", bounds=(0, 1), reference="here", chance=lambda n, d: 5 / n)
    ... def top5(pair):
    ...     better = pair.cosine > pair.cosine.diagonal()[:, None]
    ...     return better.sum(1) < 5
    """

    def decorate(function: Callable[[LayerPair], Any]) -> Metric:
        return Metric(
            name=name or function.__name__,
            label=label,
            function=function,
            bounds=bounds,
            reference=reference,
            higher_is_better=higher_is_better,
            identical=identical,
            chance=chance,
            minimum=minimum,
            invariances=frozenset(invariances),
            symmetric=symmetric,
            tolerance=tolerance,
        )

    return decorate
