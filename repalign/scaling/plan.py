"""Compare ways to split a budget: what each gains, with uncertainty."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from repalign.scaling.allocation import marginal_values
from repalign.scaling.baselines import proportional, temperature, uniform
from repalign.scaling.law import Law

MAX_REGRET_SHARE = 0.0075
"""Largest share of the gain over uniform that uncertainty in the fit may cost, mean over draws, for a split to count
as identified: below the promised 1%, because bootstrap draws vary a little less than estimates do."""


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
        regret: loss of the optimal split against each draw's optimum, mean over draws.
        regret_share: regret divided by the mean gain of the draws' optima over uniform.
    """

    budget: float
    objective: str
    splits: tuple[Split, ...]
    ranges: dict[str, tuple[float, float]]
    marginal: dict[str, float]
    regret: float
    regret_share: float

    @property
    def identified(self) -> bool:
        """Whether uncertainty in the fit costs next to nothing of the possible gain."""
        return self.certain and self.regret_share <= MAX_REGRET_SHARE

    @property
    def certain(self) -> bool:
        """Whether the optimal split significantly gains over the uniform one, according to the law."""
        return self.splits[0].gain[1] > 0

    @property
    def note(self) -> str:
        """What the optimal split gains, as a sentence."""
        gain, low, high = self.splits[0].gain
        gains = f"{gain:.2g} over the uniform split ({low:.2g} to {high:.2g})"
        if not self.certain:
            return (
                f"not identified: these runs show no significant difference between the languages; the optimal split "
                f"gains {gains}, so the uniform split is as good a choice"
            )
        cost = f"uncertainty in the fit costs about {self.regret_share:.1%} of the possible gain"
        if not self.identified:
            return f"the optimal split is predicted to gain {gains}, but it is not identified exactly: {cost}"
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
        law: a fitted power law.
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
    regret, possible = float((of_optima - of_optimal).mean()), float((of_optima - of_uniform).mean())
    ends = np.quantile(optima, [0.025, 0.975], axis=0)
    _, a, b = law.values
    return Plan(
        budget=budget,
        objective=objective if isinstance(objective, str) else "weighted",
        splits=tuple(_split(law, name, pairs, splits["uniform"], value_of) for name, pairs in splits.items()),
        ranges={
            lang: (float(low), float(high)) for lang, low, high in zip(law.languages, *ends, strict=True)
        },
        marginal=marginal_values(_named(law, a), _named(law, b), _named(law, optimal), available=available),
        regret=regret,
        regret_share=regret / possible if possible > 0 else float("inf"),
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
