"""Split a budget of sentence pairs over languages, exactly.

Each language scores S_L = c - a_L X_L^-b. The paper's closed form (reconstructed), X_L proportional to a_L^(1/(b+1)),
holds where no language runs out of pairs; where some do, they get all they have and the others share the rest by the
same rule (water-filling).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from repalign.errors import RepalignError, unknown

OBJECTIVES = ("mean", "min")


def allocate(
    difficulties: Mapping[str, float],
    *,
    exponent: float | Mapping[str, float],
    budget: float,
    available: Mapping[str, float] | None = None,
    objective: str | Mapping[str, float] = "mean",
) -> dict[str, float]:
    """Pairs of each language that maximise the objective.

    With one shared exponent the solution is closed-form after one sort, O(n log n); with one exponent per language the
    single unknown, the common slope or level, is found by bisection.

    Args:
        difficulties: a_L by language, at least 0.
        exponent: b, above 0: one for all languages, or one for each.
        budget: total number of pairs, above 0.
        available: pairs that exist of each language; languages not named have no limit. A budget above the total
            uses all of them.
        objective: "mean" of the scores; "min", the worst score (then the worst among languages still below their
            limit); or weights by language.

    Returns:
        Pairs by language; they add up to the budget, or to all that is available.

    Raises:
        RepalignError: a value outside these bounds, or an unknown language.
    """
    languages = list(difficulties)
    a = _checked(difficulties, languages, "difficulty")
    exponents = exponent if isinstance(exponent, Mapping) else dict.fromkeys(languages, exponent)
    b = _checked(exponents, languages, "exponent")
    if not languages:
        raise RepalignError("no languages to split the budget over")
    if not (b > 0).all():
        raise RepalignError(
            f"the exponent should be above 0, not {b.min():g}: otherwise more pairs never help"
        )
    if not (np.isfinite(budget) and budget > 0):
        raise RepalignError(f"the budget should be a number of pairs above 0, not {budget:g}")
    caps = limits(languages, available)
    weights = _weights(objective, languages)
    if (b == b[0]).all():
        power = 1 / b[0] if objective == "min" else 1 / (b[0] + 1)
        scaled = a * weights
        pairs = fill((scaled / (scaled.max() or 1.0)) ** power, budget, caps)
    else:
        pairs = _bisect(a * weights, b, budget, caps, objective == "min")
    return dict(zip(languages, pairs.tolist(), strict=True))


def fill(shares: np.ndarray, budget: float, caps: np.ndarray) -> np.ndarray:
    """Distribute a budget in proportion to the shares, no language above its cap.

    What the languages with a share cannot hold goes to those without one, in equal parts.

    Args:
        shares: float64 [language], at least 0.
        budget: total number of pairs.
        caps: float64 [language], infinite where there is no limit.

    Returns:
        Pairs, float64 [language].
    """
    active = shares > 0
    room = caps[active].sum()
    pairs = np.zeros_like(caps)
    if budget >= room:
        pairs[active] = caps[active]
        left = min(budget - room, caps[~active].sum())
        if left > 0:
            pairs[~active] = fill(np.ones((~active).sum()), left, caps[~active])
        return pairs
    cap, share = caps[active], shares[active]
    order = np.argsort(cap / share)
    spent = np.concatenate([[0.0], np.cumsum(cap[order])[:-1]])
    shares_left = np.cumsum(share[order][::-1])[::-1]
    level = (budget - spent) / shares_left  # pairs per share if exactly the languages before are full
    level = level[np.argmax(level <= cap[order] / share[order])]
    pairs[active] = np.minimum(cap, level * share)
    return pairs


def _bisect(a: np.ndarray, b: np.ndarray, budget: float, caps: np.ndarray, worst: bool) -> np.ndarray:
    """Pairs at the common slope a b X^-(b+1), or for the worst score the common a X^-b, that spends the budget."""
    from scipy.optimize import brentq

    active = a > 0
    if budget >= caps[active].sum():
        return fill(active.astype(float), budget, caps)
    log_a, steep = (np.log(a[active]), b[active]) if worst else (np.log((a * b)[active]), b[active] + 1)

    def pairs_at(slope: float) -> np.ndarray:
        return np.minimum(caps[active], np.exp(np.minimum((log_a - slope) / steep, 700)))

    # A slope at which no language gets more than budget / n is an upper bound.
    low = float((log_a - steep * np.log(budget)).min())
    high = float((log_a - steep * np.log(budget / active.sum())).max()) + 1.0
    while pairs_at(low).sum() < budget:
        low -= 1.0
    slope: Any = brentq(lambda slope: pairs_at(slope).sum() - budget, low, high, xtol=1e-13)
    pairs = np.zeros_like(a)
    pairs[active] = pairs_at(float(slope))
    return pairs


def shortfall(a: np.ndarray, b: np.ndarray | float, pairs: np.ndarray) -> np.ndarray:
    """a X^-b: how far the score is below its ceiling; infinite without pairs, 0 where a is 0. Shapes broadcast."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.asarray(a) > 0, np.asarray(a) * np.asarray(pairs, float) ** -np.asarray(b), 0.0)


def marginal_values(
    difficulties: Mapping[str, float],
    exponent: float | Mapping[str, float],
    pairs: Mapping[str, float],
    step: float = 1000,
    available: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """Gain in each language's score from `step` more pairs, or from as many as are left.

    Args:
        difficulties, exponent, available: see `allocate`.
        pairs: current pairs by language.
        step: additional pairs.

    Returns:
        Gain by language, in units of the score.

    Raises:
        RepalignError: `available` names an unknown language, or a negative number.
    """
    languages = list(difficulties)
    a, now = (np.array([values[lang] for lang in languages], float) for values in (difficulties, pairs))
    b = np.array([exponent[lang] if isinstance(exponent, Mapping) else exponent for lang in languages])
    then = np.maximum(np.minimum(now + step, limits(languages, available)), now)
    with np.errstate(invalid="ignore"):  # infinite before and after for a language without any pairs
        gain = np.where(then > now, shortfall(a, b, now) - shortfall(a, b, then), 0.0)
    return dict(zip(languages, gain.tolist(), strict=True))


def limits(languages: Sequence[str], available: Mapping[str, float] | None) -> np.ndarray:
    """Available pairs of each language, infinite where not named: float64 [language].

    Raises:
        RepalignError: an unknown language, or a negative number.
    """
    known = set(languages)
    for language, count in (available or {}).items():
        if language not in known:
            raise unknown("language", language, languages, "no other language has a difficulty")
        if not count >= 0:
            raise RepalignError(f"the pairs available of {language} should be at least 0, not {count:g}")
    return np.array([(available or {}).get(language, np.inf) for language in languages], dtype=float)


def _checked(values: Mapping[str, float], languages: Sequence[str], what: str) -> np.ndarray:
    for language in languages:
        if language not in values:
            raise RepalignError(f"{language} has no {what}; give one for each language")
        if not (np.isfinite(values[language]) and values[language] >= 0):
            raise RepalignError(
                f"the {what} of {language} should be a number of at least 0, not {values[language]}"
            )
    return np.array([values[language] for language in languages], dtype=float)


def _weights(objective: str | Mapping[str, float], languages: Sequence[str]) -> np.ndarray:
    if isinstance(objective, Mapping):
        return _checked(objective, languages, "weight")
    if objective not in OBJECTIVES:
        raise unknown("objective", objective, OBJECTIVES, "or weights, e.g. zh=2,tr=1")
    return np.ones(len(languages))
