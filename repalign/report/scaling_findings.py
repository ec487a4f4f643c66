"""A scaling study in words and mathematics, for its page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markupsafe import Markup

    from repalign.scaling.plan import Plan

MAX_SHARES = 6
"""Languages whose share of a budget the headline names."""

MAX_RANGES = 8
"""Languages whose range of shares is listed."""

GREEK = {"alpha": "α", "gamma": "γ"}
SYMBOL = re.compile(r"\b(alpha|gamma|[abck])(_L)?(?![\w'])")
POWER = re.compile(r"\^(-?)([\w<>/]+|\([^)]*\))")

MEANINGS = {
    "c": "ceiling: the score with unlimited data",
    "a": "difficulty: the gap to the ceiling at one pair",
    "b": "exponent: how fast the gap to the ceiling closes; twice the data leaves {left:.0%} of it",
    "k": "difficulty: half the ceiling is reached where X to the power of b is k",
    "alpha": "the gap to the top at one pair of a language with γ = 1",
    "gamma": "what a pair of the language counts",
}
STEEPNESS = "steepness of the rise, at most 1: every pair adds less than the one before"
"""What b means in Hill's curve."""


def formula(text: str) -> Markup:
    """Formulas in a text, escaped, as HTML: "a_L X^-b" with an index and an exponent.

    >>> str(formula("S = c - a_L X^-b_L"))
    'S = <i>c</i> − <i>a</i><sub>L</sub> · X<sup>−<i>b</i><sub>L</sub></sup>'
    """
    from markupsafe import Markup, escape

    shown = SYMBOL.sub(_symbol, str(escape(text)))
    return Markup(POWER.sub(_power, shown).replace(" - ", " − ").replace("> X", "> · X"))


def _symbol(match: re.Match[str]) -> str:
    return f"<i>{GREEK.get(match[1], match[1])}</i>" + ("<sub>L</sub>" if match[2] else "")


def _power(match: re.Match[str]) -> str:
    return f"<sup>{match[1].replace('-', '−')}{match[2]}</sup>"


def symbol(parameter: str) -> Markup:
    """A parameter's symbol, its language as an index: "k[zh]"."""
    from markupsafe import Markup

    known = re.fullmatch(r"(alpha|gamma|[abck])(?:\[(.*)\])?", parameter, re.DOTALL)
    if not known:
        return Markup("<bdi>{}</bdi>").format(parameter)
    letter = GREEK.get(known[1], known[1])
    index = Markup("<sub><bdi>{}</bdi></sub>").format(known[2]) if known[2] is not None else ""
    return Markup("<i>{}</i>{}").format(letter, index)


def meaning(parameter: str, value: float | None, form: str) -> str:
    """What a parameter says; empty for an unknown one."""
    kind = parameter.partition("[")[0]
    if kind == "b" and form == "saturating":
        return STEEPNESS
    return MEANINGS.get(kind, "").format(left=2.0 ** -(value or 0.0))


def fit_headline(study: Mapping[str, Any]) -> str:
    """How well the law predicts the largest size from the smaller ones, and whether it fits."""
    error = next(row["largest"] for row in study["forms"] if row["form"] == study["form"])
    size = max(study["runs"]["pairs"])
    said = f"The {study['form']} law of {study['score']}"
    if error is not None:
        said += f" predicts {size:,.0f} pairs from the smaller sizes with an error of {error:.2g} {study['score']}"
    if not study["fits"]:
        return f"{said}{', but' if error is not None else ''} does not fit these runs: its intervals and splits cannot be relied on."
    return f"{said}{'' if error is not None else ' fits these runs'}."


def plan_headline(plan: Plan, score: str) -> str:
    """The split, and what it gains."""
    best = plan.splits[0]
    largest = sorted(best.pairs.items(), key=lambda item: -item[1])
    order = list(best.pairs.items()) if len(largest) <= MAX_SHARES else largest[:MAX_SHARES]
    shares = ", ".join(f"{language} {pairs:,.0f}" for language, pairs in order)
    more = len(largest) - len(order)
    listed = f"{shares} and {more} more languages" if more else shares
    return f"The best split of {plan.budget:,.0f} pairs: {listed}{_gain(plan, score)}."


def _gain(plan: Plan, score: str) -> str:
    if not plan.fits:
        return ", but the form does not fit the runs"
    if not plan.certain:
        return ", but the uniform split is as good a choice"
    gain, low, high = plan.splits[0].gain
    gained = f"; {gain:+.2g} {score} over the uniform split [{low:+.2g}, {high:+.2g}]"
    return gained if plan.identified else f"{gained}, but it is not identified"


def certainty(study: Mapping[str, Any], plan: Plan | None) -> dict[str, list[str]]:
    """What is known of the law, and of the split if there is one, by question."""
    known = study["notes"] or [
        "These runs identify every parameter, and no test finds a misfit. Whether the law holds beyond them is a separate "
        "question: see its error at held-out sizes."
    ]
    said = {"How sure is this?": [_sentence(note) for note in ([plan.note] if plan else []) + list(known)]}
    if plan and len(plan.ranges) <= MAX_RANGES:
        ranges = [f"{language}: {_range(low, high)} pairs" for language, (low, high) in plan.ranges.items()]
        said["Where may the best split be?"] = ["In 95% of bootstrap draws:", *ranges]
    return said


def _range(low: float, high: float) -> str:
    """
    >>> _range(1150.2, 1150.4), _range(1, 2)
    ('1,150', '1 to 2')
    """
    return " to ".join(dict.fromkeys(f"{end:,.0f}" for end in (low, high)))


def drawn(study: Mapping[str, Any]) -> list[str]:
    """What the curves show."""
    unfit = ", as if the form fitted, which it does not" if not study["fits"] else ""
    return [
        "Points are runs, lines the fitted law, dotted where it extrapolates.",
        f"Bands hold 95% of the laws fitted to resampled runs{unfit}: they say how well the curve is known. Single runs "
        "scatter more widely, and those of a language may lie above or below its line together, because they share test sentences.",
    ]


def _sentence(text: str) -> str:
    """A note as a sentence; a parameter at its beginning stays as it is.

    >>> _sentence("the form does not fit"), _sentence("b is open"), _sentence("k[zh] is open")
    ('The form does not fit.', 'b is open.', 'k[zh] is open.')
    """
    begins = SYMBOL.match(text)
    return f"{text if begins else text[:1].upper() + text[1:]}".rstrip(".") + "."
