"""Spending a budget of sentence pairs over languages, exactly.

Each language scores S_L = c - a_L X_L^-b. The reconstructed closed form of the paper, X_L proportional to
a_L^(1/(b+1)), holds where no language runs out of pairs; where some do, they are filled and the others share the rest by
the same rule (water-filling).
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
    """Pairs of each language that make the objective greatest.

    With one exponent the solution is in closed form after one sort, O(n log n); with an exponent a language its one unknown,
    the common slope or level, is found by bisection.

    Args:
        difficulties: a_L by language, at least 0.
        exponent: b, above 0: one, or one a language.
        budget: pairs in all, above 0.
        available: pairs there are of a language; those not named have no limit. A budget above all fills all.
        objective: "mean" of the scores; "min", the worst (and then the worst of those still below their limit);
            or weights by language.

    Returns:
        Pairs by language, which add up to the budget or to all that is available.

    Raises:
        RepalignError: values outside these bounds, or names that are no languages.
    """
    languages = list(difficulties)
    a = _checked(difficulties, languages, "difficulty")
    own = exponent if isinstance(exponent, Mapping) else dict.fromkeys(languages, exponent)
    b = _checked(own, languages, "exponent")
    if not languages:
        raise RepalignError("no languages to spend the budget on")
    if not (b > 0).all():
        raise RepalignError(f"the exponent should be above 0, not {b.min():g}: else more pairs never help")
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
    """Pour a budget into languages in proportion to their shares, none above its cap: [language].

    What languages with a share cannot hold goes to those without, in equal parts.
    """
    wanted = shares > 0
    room = caps[wanted].sum()
    out = np.zeros_like(caps)
    if budget >= room:
        out[wanted] = caps[wanted]
        left = min(budget - room, caps[~wanted].sum())
        if left > 0:
            out[~wanted] = fill(np.ones((~wanted).sum()), left, caps[~wanted])
        return out
    cap, share = caps[wanted], shares[wanted]
    order = np.argsort(cap / share)
    before = np.concatenate([[0.0], np.cumsum(cap[order])[:-1]])
    beside = np.cumsum(share[order][::-1])[::-1]
    level = (budget - before) / beside  # if just those before are full
    level = level[np.argmax(level <= cap[order] / share[order])]
    out[wanted] = np.minimum(cap, level * share)
    return out


def _bisect(a: np.ndarray, b: np.ndarray, budget: float, caps: np.ndarray, worst: bool) -> np.ndarray:
    """Pairs at the common slope a b X^-(b+1), or for the worst the common a X^-b, that spends the budget."""
    from scipy.optimize import brentq

    wanted = a > 0
    if budget >= caps[wanted].sum():
        return fill(wanted.astype(float), budget, caps)
    log_a, steep = (np.log(a[wanted]), b[wanted]) if worst else (np.log((a * b)[wanted]), b[wanted] + 1)

    def pairs(slope: float) -> np.ndarray:
        return np.minimum(caps[wanted], np.exp(np.minimum((log_a - slope) / steep, 700)))

    # Where no language gets more than budget / n, the slope is too great.
    low = float((log_a - steep * np.log(budget)).min())
    high = float((log_a - steep * np.log(budget / wanted.sum())).max()) + 1.0
    while pairs(low).sum() < budget:
        low -= 1.0
    slope: Any = brentq(lambda slope: pairs(slope).sum() - budget, low, high, xtol=1e-13)
    out = np.zeros_like(a)
    out[wanted] = pairs(float(slope))
    return out


def missing(a: np.ndarray, b: np.ndarray | float, pairs: np.ndarray) -> np.ndarray:
    """a X^-b, what the score lacks to its ceiling; without pairs infinite, or 0 where a is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.asarray(a) > 0, np.asarray(a) * np.asarray(pairs, float) ** -np.asarray(b), 0.0)


def marginal_values(
    difficulties: Mapping[str, float],
    exponent: float | Mapping[str, float],
    pairs: Mapping[str, float],
    step: float = 1000,
    available: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """How far each language's own score would rise with the next `step` pairs, or with as many as are left."""
    languages = list(difficulties)
    a, now = (np.array([values[lang] for lang in languages], float) for values in (difficulties, pairs))
    b = np.array([exponent[lang] if isinstance(exponent, Mapping) else exponent for lang in languages])
    then = np.maximum(np.minimum(now + step, limits(languages, available)), now)
    with np.errstate(invalid="ignore"):  # infinite before and after where there are none to have
        gain = np.where(then > now, missing(a, b, now) - missing(a, b, then), 0.0)
    return dict(zip(languages, gain.tolist(), strict=True))


def limits(languages: Sequence[str], available: Mapping[str, float] | None) -> np.ndarray:
    """Pairs there are of each language, infinite where not named.

    Raises:
        RepalignError: a name that is no language here, or a negative number.
    """
    known = set(languages)
    for language, count in (available or {}).items():
        if language not in known:
            raise unknown("language", language, languages, "there is no difficulty for any other")
        if not count >= 0:
            raise RepalignError(f"the pairs available of {language} should be at least 0, not {count:g}")
    return np.array([(available or {}).get(language, np.inf) for language in languages], dtype=float)


def _checked(values: Mapping[str, float], languages: Sequence[str], what: str) -> np.ndarray:
    for language in languages:
        if language not in values:
            raise RepalignError(f"{language} has no {what}; give one of each language")
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
