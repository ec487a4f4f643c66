"""Metric and Scores: a metric is a pair of layers in, scores out, with its promises declared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repalign.errors import RepalignError, TooFewSentences
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
"""What a metric may be blind to; each language may be changed alone unless it says "joint"."""

METRICS: Registry[Metric] = Registry("metric")


@dataclass(frozen=True)
class Scores:
    """What a metric says of one pair.

    Attributes:
        value: the score.
        per_sentence: tensor [sentence] whose mean is `value`, for metrics that are such a mean.
        influence: tensor [sentence] with mean zero: how far each sentence moves the value (its influence
            function, or n - 1 times the change when it is left out). Intervals and paired differences are
            computed from it. Not needed where `per_sentence` says it all; where both are missing, a jackknife
            over groups of sentences stands in.
        null: distribution of the value under shuffled translations, where it has a closed form.
        kind: "mean" over sentences or smooth as one; "share" of sentences; or "pairs", a mean over pairs of
            sentences that single sentences do not move in unrelated languages. It decides the interval.
    """

    value: float
    per_sentence: torch.Tensor | None = None
    influence: torch.Tensor | None = None
    null: Null | None = None
    kind: str = "mean"

    @classmethod
    def mean_of(cls, per_sentence: torch.Tensor, null: Null | None = None, kind: str = "mean") -> Scores:
        """Scores of a metric that is a mean over sentences."""
        per_sentence = per_sentence.double()
        return cls(float(per_sentence.mean()), per_sentence, null=null, kind=kind)


@dataclass(frozen=True)
class Metric:
    """A function from a pair of layers to scores, and what it promises: each promise is tested.

    Attributes:
        name: as given to `--metrics`.
        label: as drawn on axes.
        function: takes a `LayerPair`; gives `Scores`, a number, or a tensor [sentence] of which the mean is
            taken (bool: a share of sentences).
        bounds: lowest and highest value there can be.
        reference: where the formula comes from.
        closer: "higher" or "lower": the direction in which languages are more alike.
        identical: value for two languages with the same states, the 1 of the calibrated score; None where it
            depends on the states, so that there is no calibrated score.
        chance: (sentences, dims) -> expected value for unrelated languages; None where only shuffling tells.
        minimum: fewest sentences it can be computed on.
        invariances: what leaves the value as it is; names from `INVARIANCES`.
        symmetric: whether exchanging the languages leaves the value as it is; if not, both directions are
            reported.
        tolerance: how far float32 may lie from float64.
    """

    name: str
    label: str
    function: Callable[[LayerPair], Any]
    bounds: tuple[float, float]
    reference: str
    closer: str = "higher"
    identical: float | None = 1.0
    chance: Callable[[int, int], float] | None = None
    minimum: int = 2
    invariances: frozenset[str] = frozenset()
    symmetric: bool = True
    tolerance: float = 1e-4

    def __post_init__(self) -> None:
        for name in self.invariances:
            if name not in INVARIANCES:
                raise RepalignError(
                    f"metric {self.name!r} declares the invariance {name!r}; "
                    f"known are {', '.join(INVARIANCES)}"
                )
        if self.closer not in ("higher", "lower"):
            raise RepalignError(f"metric {self.name!r}: closer is 'higher' or 'lower', not {self.closer!r}")
        if not self.bounds[0] < self.bounds[1]:
            raise RepalignError(f"metric {self.name!r}: bounds are (lowest, highest), not {self.bounds}")

    def __call__(self, x: Any, y: Any = None) -> Scores:
        """Score two languages at one layer.

        Args:
            x: a `LayerPair`, or the states of one language [sentence, dim], a torch tensor or a numpy array.
            y: states of the other language; row i is a translation of row i of `x`.

        Raises:
            TooFewSentences: as the name says.
            RepalignError: unequal numbers of them, NaN, or a result that is none.
        """
        from repalign.metrics.pair import LayerPair

        pair = x if isinstance(x, LayerPair) else LayerPair.of(x, y)
        if pair.sentences < self.minimum:
            raise TooFewSentences(self.name, self.minimum, pair.sentences)
        return self._scores(self.function(pair))

    def _scores(self, result: Any) -> Scores:
        import torch

        if isinstance(result, Scores):
            return result
        if isinstance(result, torch.Tensor) and result.ndim == 1:
            return Scores.mean_of(result, kind="share" if result.dtype == torch.bool else "mean")
        try:
            return Scores(float(result))
        except (TypeError, ValueError):
            raise RepalignError(
                f"metric {self.name!r} gave {type(result).__name__}; it should give Scores, a number, "
                "or one number a sentence as a tensor"
            ) from None

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
    invariances: tuple[str, ...] = (),
    **promises: Any,
) -> Callable[[Callable[[LayerPair], Any]], Metric]:
    """Decorator: make a `Metric` of a function of a `LayerPair`; its name is the function's.

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
            invariances=frozenset(invariances),
            **promises,
        )

    return decorate
