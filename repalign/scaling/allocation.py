"""Split a budget of sentence pairs over languages, exactly.

Each language scores S_L = c_L - a_L / (X_L^b_L + k_L): a power law if k_L is 0, else Hill's curve. The paper's closed form
(reconstructed), X_L proportional to a_L^(1/(b+1)), holds for power laws of one exponent where no language runs out of pairs;
where some do, they get all they have and the others share the rest by the same rule (water-filling). Otherwise the common
slope, or the common score, is found by bisection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from repalign.errors import RepalignError, unknown

OBJECTIVES = ("mean", "min")

MAX_NEWTON_STEPS = 60
"""Steps to the size at which a curve has a slope; it converges quadratically."""

LEAST_LOG_PAIRS = -50.0
"""Logarithm of a number of pairs that is as good as none."""


def allocate(
    difficulties: Mapping[str, float],
    *,
    exponent: float | Mapping[str, float],
    budget: float,
    available: Mapping[str, float] | None = None,
    objective: str | Mapping[str, float] = "mean",
    saturation: Mapping[str, float] | None = None,
    ceilings: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """Pairs of each language that maximise the objective.

    For power laws of one exponent (and, for the worst score, one ceiling) the solution is closed-form after one sort,
    O(n log n); otherwise the single unknown, the common slope or score, is found by bisection.

    Args:
        difficulties: a_L by language, at least 0.
        exponent: b, above 0: one for all languages, or one for each.
        budget: total number of pairs, above 0.
        available: pairs that exist of each language; languages not named have no limit. A budget above the total
            uses all of them.
        objective: "mean" of the scores; "min", the worst score (then the worst among languages still below their
            limit); or weights by language.
        saturation: k_L of Hill's curve by language, at least 0; by default 0, the power law. Above 0 the exponent may be at
            most 1, because a steeper curve is not concave.
        ceilings: c_L by language, on which only the worst score depends; by default the same for all.

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
    k = _checked(saturation, languages, "saturation") if saturation else np.zeros(len(languages))
    if (k[b > 1] > 0).any():
        raise RepalignError(
            f"the exponent of a curve with saturation should be at most 1, not {b.max():g}: a steeper one is not concave"
        )
    if not (np.isfinite(budget) and budget > 0):
        raise RepalignError(f"the budget should be a number of pairs above 0, not {budget:g}")
    c = _checked(ceilings, languages, "ceiling") if ceilings else np.zeros(len(languages))
    caps = limits(languages, available)
    scaled, worst = a * _weights(objective, languages), objective == "min"
    if (b == b[0]).all() and not k.any() and not (worst and np.ptp(c)):
        power = 1 / b[0] if worst else 1 / (b[0] + 1)
        pairs = fill((scaled / (scaled.max() or 1.0)) ** power, budget, caps)
    else:
        active = scaled > 0
        log_pairs = _at_score if worst else _at_slope
        pairs = _bisect(
            partial(log_pairs, scaled[active], b[active], k[active], c[active]), active, budget, caps
        )
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


def _bisect(
    log_pairs: Callable[[float], np.ndarray], active: np.ndarray, budget: float, caps: np.ndarray
) -> np.ndarray:
    """Pairs where what the active languages have in common spends the budget; `log_pairs` falls with it."""
    from scipy.optimize import brentq

    if budget >= caps[active].sum():
        return fill(active.astype(float), budget, caps)
    most = np.minimum(caps[active], 2 * budget)

    def pairs_at(common: float) -> np.ndarray:
        return np.minimum(most, np.exp(np.minimum(log_pairs(common), 700)))

    low, high = -1.0, 1.0
    while pairs_at(low).sum() < budget:
        low *= 2
    while pairs_at(high).sum() > budget:
        high *= 2
    common: Any = brentq(lambda common: pairs_at(common).sum() - budget, low, high, xtol=1e-13)
    pairs = np.zeros(len(caps))
    pairs[active] = pairs_at(float(common))
    return pairs


def _at_slope(a: np.ndarray, b: np.ndarray, k: np.ndarray, _: np.ndarray, log_slope: float) -> np.ndarray:
    """log X where the curve's slope, a b X^(b-1) / (X^b + k)^2, has this logarithm; [language]."""
    x = (np.log(a * b) - log_slope) / (b + 1)
    if not k.any():
        return x
    # The power law's X is above Hill's, and the logarithm of the slope is concave in log X: Newton's steps stay above.
    log_k = np.log(np.maximum(k, 1e-300))
    for _step in range(MAX_NEWTON_STEPS):
        share = 1 / (1 + np.exp(np.clip(log_k - b * x, -700, 700)))
        excess = np.log(a * b) + (b - 1) * x - 2 * np.logaddexp(b * x, log_k) - log_slope
        before, x = x, np.maximum(x - excess / (b - 1 - 2 * b * share), LEAST_LOG_PAIRS)
        if np.abs(x - before).max() < 1e-12:
            break
    return x


def _at_score(a: np.ndarray, b: np.ndarray, k: np.ndarray, c: np.ndarray, log_gap: float) -> np.ndarray:
    """log X where the score is below the highest ceiling by a gap with this logarithm; [language]."""
    gap = np.exp(min(log_gap, 700)) - (c.max() - c)
    with np.errstate(divide="ignore", invalid="ignore"):
        power = np.where(gap > 0, a / gap - k, np.inf)
        return np.where(power > 0, np.log(power) / b, LEAST_LOG_PAIRS)


def shortfall(
    a: np.ndarray, b: np.ndarray | float, pairs: np.ndarray, k: np.ndarray | float = 0.0
) -> np.ndarray:
    """a / (X^b + k): how far the score is below its ceiling; 0 where a is 0. Shapes broadcast.

    Without pairs it is infinite for a power law, whose k is 0.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(
            np.asarray(a) > 0, np.asarray(a) / (np.asarray(pairs, float) ** np.asarray(b) + k), 0.0
        )


def marginal_values(
    difficulties: Mapping[str, float],
    exponent: float | Mapping[str, float],
    pairs: Mapping[str, float],
    step: float = 1000,
    available: Mapping[str, float] | None = None,
    saturation: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """Gain in each language's score from `step` more pairs, or from as many as are left.

    Args:
        difficulties, exponent, available, saturation: see `allocate`.
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
    k = np.array([(saturation or {}).get(lang, 0.0) for lang in languages])
    then = np.maximum(np.minimum(now + step, limits(languages, available)), now)
    with np.errstate(invalid="ignore"):  # infinite before and after for a language without any pairs
        gain = np.where(then > now, shortfall(a, b, now, k) - shortfall(a, b, then, k), 0.0)
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
