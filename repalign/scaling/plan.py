"""Compare ways to split a budget: what each gains, with uncertainty."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TypedDict

import numpy as np

from repalign.results.folder import kind_of_json
from repalign.scaling.allocation import marginal_values
from repalign.scaling.baselines import proportional, temperature, uniform
from repalign.scaling.law import Law

MAX_REGRET_SHARE = 0.02
"""Largest share of the gain over uniform that uncertainty in the fit may cost, in 95% of draws, for a split to count as
identified."""

QUANTILE = 0.95
"""Share of draws in which the loss is at most the stated one."""


class NamedSplit(TypedDict):
    """Some of a split in allocation.json."""

    name: str


class Written(TypedDict):
    """Some of allocation.json, by which it is recognised."""

    budget: float
    splits: list[NamedSplit]
    signature: str


ALLOCATION = kind_of_json("allocation", "allocation.json", Written, "allocation.html")
"""What `repalign scaling allocate` leaves in a folder."""


@dataclass(frozen=True)
class Split:
    """One way to spend the budget.

    Attributes:
        name: "optimal", "uniform", "proportional" or "temperature".
        pairs: by language.
        scores: predicted, by language.
        value: of the objective.
        gain: of the objective over the uniform split: predicted, and the ends of its 95% interval over draws.
    """

    name: str
    pairs: dict[str, float]
    scores: dict[str, float]
    value: float
    gain: tuple[float, float, float]


@dataclass(frozen=True)
class Plan:
    """The optimal split and the baselines.

    Attributes:
        budget: total number of pairs.
        objective: what is maximised: "mean", "min" or "weighted".
        splits: optimal first.
        ranges: the middle 95% of the optimum over draws of the parameters, in pairs, by language.
        marginal: gain in each language's score from 1,000 more pairs.
        regret: loss of the optimal split against each draw's optimum; 95% of draws lose at most this.
        regret_share: likewise that loss as a share of the gain of the draw's optimum over the uniform split.
        fits: whether the form fits the runs.
        weights: of the languages in a weighted mean; none if the objective is another.
    """

    budget: float
    objective: str
    splits: tuple[Split, ...]
    ranges: dict[str, tuple[float, float]]
    marginal: dict[str, float]
    regret: float
    regret_share: float
    fits: bool = True
    weights: dict[str, float] = field(default_factory=dict)

    @property
    def identified(self) -> bool:
        """Whether the form fits, predicts possible scores, and uncertainty in the fit costs next to nothing of the possible gain."""
        possible = self.fits and min(self.splits[0].scores.values()) >= 0
        return possible and self.certain and self.regret_share <= MAX_REGRET_SHARE

    @property
    def certain(self) -> bool:
        """Whether the optimal split significantly gains over the uniform one, according to the law."""
        return self.splits[0].gain[1] > 0

    @property
    def note(self) -> str:
        """What the optimal split gains, as a sentence."""
        gain, low, high = self.splits[0].gain
        gains = f"{gain:.2g} over the uniform split ({low:.2g} to {high:.2g})"
        if not self.fits:
            return f"not identified: the form does not fit the runs; by it the optimal split gains {gains}"
        if impossible := [language for language, score in self.splits[0].scores.items() if score < 0]:
            return (
                f"not identified: the law predicts a score below 0 of {', '.join(impossible)} at the optimal split, so it "
                "does not hold at so few pairs"
            )
        if not self.certain:
            return (
                f"not identified: these runs show no significant difference between the languages; the optimal split "
                f"gains {gains}, so the uniform split is as good a choice"
            )
        cost = f"if the form holds, uncertainty in the fit costs up to {self.regret_share:.1%} of the possible gain (95% of draws)"
        if not self.identified:
            return f"the optimal split is predicted to gain {gains}, but it is not identified: {cost}"
        return f"the optimal split is predicted to gain {gains}; {cost}"


def plan(
    law: Law,
    budget: float,
    available: Mapping[str, float] | None = None,
    objective: str | Mapping[str, float] = "mean",
    softening: float = 3.0,
) -> Plan:
    """Split a budget optimally, and by the usual baselines for comparison.

    Args:
        law: a fitted law.
        budget: total number of pairs.
        available: pairs that exist of each language; if all are named, proportional splits are compared too.
        objective: see `allocate`.
        softening: temperature of the split of that name.

    Raises:
        RepalignError: see `allocate`.
    """
    optimal = law.best(budget, available, objective)
    splits = {"optimal": optimal, "uniform": _array(law, uniform(law.languages, budget, available))}
    if available and set(available) == set(law.languages):
        splits["proportional"] = _array(law, proportional(available, budget))
        splits["temperature"] = _array(law, temperature(available, budget, softening))
    optima = np.array([law.best(budget, available, objective, draw) for draw in law.draws])
    value_of = partial(_value, weights=_weights(law, objective, available), worst=objective == "min")
    of_uniform = value_of(law.scores(splits["uniform"], law.draws))
    of_optima = value_of(
        np.array([law.scores(pairs, draw) for pairs, draw in zip(optima, law.draws, strict=True)])
    )
    of_optimal = value_of(law.scores(optimal, law.draws))
    losses, possible = np.maximum(of_optima - of_optimal, 0.0), of_optima - of_uniform
    shares = np.divide(losses, possible, out=np.where(losses > 0, np.inf, 0.0), where=possible > 0)
    ends = np.quantile(optima, [0.025, 0.975], axis=0)
    _, a, b, k = (_named(law, row) for row in law.values)
    return Plan(
        budget=budget,
        objective=objective if isinstance(objective, str) else "weighted",
        splits=tuple(_split(law, name, pairs, splits["uniform"], value_of) for name, pairs in splits.items()),
        ranges={
            lang: (float(low), float(high)) for lang, low, high in zip(law.languages, *ends, strict=True)
        },
        marginal=marginal_values(a, b, _named(law, optimal), available=available, saturation=k),
        regret=float(np.quantile(losses, QUANTILE, method="higher")),
        regret_share=float(np.quantile(shares, QUANTILE, method="higher")),
        fits=law.fits,
        weights={} if isinstance(objective, str) else dict(objective),
    )


def _split(
    law: Law,
    name: str,
    pairs: np.ndarray,
    uniform_pairs: np.ndarray,
    value_of: Callable[[np.ndarray], np.ndarray],
) -> Split:
    scores = law.scores(pairs)
    value = float(value_of(scores))
    gains = value_of(law.scores(pairs, law.draws)) - value_of(law.scores(uniform_pairs, law.draws))
    low, high = np.quantile(gains, [0.025, 0.975])
    gain = value - float(value_of(law.scores(uniform_pairs)))
    return Split(name, _named(law, pairs), _named(law, scores), value, (gain, float(low), float(high)))


def _weights(
    law: Law, objective: str | Mapping[str, float], available: Mapping[str, float] | None
) -> np.ndarray:
    """Weight of each language, [language]; 0 if no pairs exist of it, because no split can change its score."""
    weights = objective if isinstance(objective, Mapping) else dict.fromkeys(law.languages, 1.0)
    return np.array([weights[lang] if (available or {}).get(lang, 1) else 0.0 for lang in law.languages])


def _value(scores: np.ndarray, weights: np.ndarray, worst: bool) -> np.ndarray:
    """The objective [...] of scores [..., language]; a score without pairs is minus infinity, so weight 0 drops it."""
    counted = weights > 0
    return (
        scores[..., counted].min(-1) if worst else scores[..., counted] @ (weights[counted] / weights.sum())
    )


def _array(law: Law, pairs: Mapping[str, float]) -> np.ndarray:
    return np.array([pairs[lang] for lang in law.languages])


def _named(law: Law, values: np.ndarray) -> dict[str, float]:
    return dict(zip(law.languages, map(float, values), strict=True))
