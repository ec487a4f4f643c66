"""A budget split in several ways, what each is worth, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from repalign.scaling.allocation import marginal_values
from repalign.scaling.baselines import proportional, temperature, uniform
from repalign.scaling.law import Law

MAX_REGRET_SHARE = 0.0075
"""Share of the gain over uniform that may be lost to what the runs leave open, in the mean over draws: below the 1% that
is promised, as bootstrap draws spread a little less than estimates do."""


@dataclass(frozen=True)
class Split:
    """One way to spend the budget.

    Attributes:
        name: "optimal", "uniform", "proportional" or "temperature".
        pairs: by language.
        scores: by language, by the law.
        value: the objective.
        gain: of the objective over the uniform split: by the fit, and the ends of its 95% interval over draws.
    """

    name: str
    pairs: dict[str, float]
    scores: dict[str, float]
    value: float
    gain: tuple[float, float, float]


@dataclass(frozen=True)
class Plan:
    """The optimal split among others.

    Attributes:
        budget: pairs to spend.
        objective: what is made greatest.
        splits: optimal first.
        ranges: the middle 95% of the optimum over draws of the parameters, by language.
        marginal: what each language's score would gain by the next 1,000 pairs.
        regret: mean over draws of what the optimal split loses to the draw's own optimum.
        regret_share: that as a share of the mean gain that the draws' own optima have over uniform.
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
        """Whether the runs tell the languages apart so well that next to nothing of the gain is lost."""
        return self.certain and self.regret_share <= MAX_REGRET_SHARE

    @property
    def certain(self) -> bool:
        """Whether the optimal split surely gains over the uniform one, by the law."""
        return self.splits[0].gain[1] > 0

    @property
    def note(self) -> str:
        """What the optimal split is worth, as a sentence."""
        gain, low, high = self.splits[0].gain
        gains = f"{gain:.2g} over the uniform one ({low:.2g} to {high:.2g})"
        if not self.certain:
            return (
                f"not identified: these runs do not tell the languages apart; the optimal split gains {gains}, so the "
                "uniform split is as good a choice"
            )
        lost = f"not knowing the law better costs about {self.regret_share:.1%} of what there is to gain"
        if not self.identified:
            return f"the optimal split gains {gains} by the law, but is not identified exactly: {lost}"
        return f"the optimal split gains {gains} by the law; {lost}"


def plan(
    law: Law,
    budget: float,
    available: Mapping[str, float] | None = None,
    objective: str | Mapping[str, float] = "mean",
    softening: float = 3.0,
) -> Plan:
    """Split a budget optimally, and in the usual ways beside it.

    Args:
        available: pairs there are of each language; where all are named, proportional splits are compared too.
        objective: see `allocate`.
        softening: temperature of the split of that name.

    Raises:
        RepalignError: see `allocate`.
    """
    optimal = law.best(budget, available, objective)
    ways = {"optimal": optimal, "uniform": _array(law, uniform(law.languages, budget, available))}
    if available and set(available) == set(law.languages):
        ways["proportional"] = _array(law, proportional(available, budget))
        ways["temperature"] = _array(law, temperature(available, budget, softening))
    optima = np.array([law.best(budget, available, objective, draw) for draw in law.draws])
    worth = partial(_worth, weights=_weights(law, objective, available), worst=objective == "min")
    even = worth(law.scores(ways["uniform"], law.draws))
    best = worth(np.array([law.scores(pairs, draw) for pairs, draw in zip(optima, law.draws, strict=True)]))
    own = worth(law.scores(optimal, law.draws))
    regret, room = float((best - own).mean()), float((best - even).mean())
    ends = np.quantile(optima, [0.025, 0.975], axis=0)
    _, a, b = law.values
    return Plan(
        budget=budget,
        objective=objective if isinstance(objective, str) else "weighted",
        splits=tuple(_split(law, name, pairs, ways["uniform"], worth) for name, pairs in ways.items()),
        ranges={
            lang: (float(low), float(high)) for lang, low, high in zip(law.languages, *ends, strict=True)
        },
        marginal=marginal_values(_named(law, a), _named(law, b), _named(law, optimal), available=available),
        regret=regret,
        regret_share=regret / room if room > 0 else float("inf"),
    )


def _split(
    law: Law, name: str, pairs: np.ndarray, even: np.ndarray, worth: Callable[[np.ndarray], np.ndarray]
) -> Split:
    scores = law.scores(pairs)
    value = float(worth(scores))
    gains = worth(law.scores(pairs, law.draws)) - worth(law.scores(even, law.draws))
    low, high = np.quantile(gains, [0.025, 0.975])
    gain = value - float(worth(law.scores(even)))
    return Split(name, _named(law, pairs), _named(law, scores), value, (gain, float(low), float(high)))


def _weights(
    law: Law, objective: str | Mapping[str, float], available: Mapping[str, float] | None
) -> np.ndarray:
    """What each language counts; nothing where there are no pairs to give it, whatever the split."""
    own = objective if isinstance(objective, Mapping) else dict.fromkeys(law.languages, 1.0)
    return np.array([own[lang] if (available or {}).get(lang, 1) else 0.0 for lang in law.languages])


def _worth(scores: np.ndarray, weights: np.ndarray, worst: bool) -> np.ndarray:
    """The objective of scores [..., language]; one without pairs is minus infinity, and may count nothing."""
    counted = weights > 0
    return (
        scores[..., counted].min(-1) if worst else scores[..., counted] @ (weights[counted] / weights.sum())
    )


def _array(law: Law, pairs: Mapping[str, float]) -> np.ndarray:
    return np.array([pairs[lang] for lang in law.languages])


def _named(law: Law, values: np.ndarray) -> dict[str, float]:
    return dict(zip(law.languages, map(float, values), strict=True))
