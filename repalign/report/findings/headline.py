"""The answer in one sentence: what changed, or else where languages align."""

from __future__ import annotations

from collections.abc import Sequence

from repalign.report.findings.changed import Comparison, Move, comparisons
from repalign.report.findings.disagreement import opposed
from repalign.report.findings.finding import Claim, Finding, Kind
from repalign.report.findings.verdicts import BASELINES, CONFOUNDS, SHARED_TOKENS, Verdict, Verdicts
from repalign.report.findings.words import (
    everyone,
    language_list,
    layers_in_words,
    listing,
    p_in_words,
    rounded,
    value_range,
    with_interval,
)
from repalign.results.layer_ranges import layer_set, spans

MAX_NAMED = 3
"""A headline names that many languages or metrics, and counts more."""

MAX_RUNS = 2
"""Layers in more runs than this are given by the first and the last."""

CONTROLS = {SHARED_TOKENS: "the shared-token control", "random-weights": "random weights"}


def headline(verdicts: Verdicts, metric: str, variant: str) -> Finding:
    """What changed between the first and the last checkpoint, or else where the last one aligns; with its claims.

    It follows the rules of `where` and `changed`, and says which other metrics find something else.
    """
    lead = {"metric": metric, "variant": variant}
    if verdicts.too_few:
        checkpoint = verdicts.view.checkpoints[-1]
        claim = Claim("too few", checkpoint, metric, variant, tuple(verdicts.view.targets))
        return Finding("headline", f"{_capital(verdicts.too_few)}.", "", dict(lead), claims=(claim,))
    compared = comparisons(verdicts, metric, variant)
    if compared:
        return _change(verdicts, _widest(compared, verdicts.view.checkpoints))
    return _Alignment(verdicts, lead).finding()


def _widest(compared: Sequence[Comparison], order: Sequence[str]) -> Comparison:
    """The comparison of the last checkpoint with the earliest baseline."""
    return max(compared, key=lambda one: (order.index(one.checkpoint), -order.index(one.baseline)))


def _change(verdicts: Verdicts, one: Comparison) -> Finding:
    view, named = verdicts.view, _measure(verdicts, one.lead)
    head = f"From {one.baseline} to {one.checkpoint}"
    if one.tested.empty:
        smallest = p_in_words(one.rows["p_adjusted"].min())
        who = everyone(one.languages, len(one.languages))
        text = (
            f"{head}, no significant change in {who} at any layer by {named} (smallest adjusted {smallest})."
        )
        return Finding("headline", text, "", dict(one.lead), claims=one.claims())
    parts = []
    for number, move in enumerate(one.moves):
        words = f"{move.words} {language_list([view.pivot])}" if number == 0 else "away"
        size = _size(move, len(one.moves) == 1, named if number == 0 else "")
        parts.append(f"{_few(move.languages, len(one.languages))} moved {words}{_layers(move, one)}{size}")
    if one.unchanged:
        parts.append("no other language changed significantly")
    return Finding("headline", f"{head}, {'; '.join(parts)}.", "", dict(one.lead), claims=one.claims())


def _layers(move: Move, one: Comparison) -> str:
    """Where they moved, if all did so at the same layers."""
    layers = move.rows["layer"].unique()
    if not move.same_layers:
        return ""
    every = len(layers) == one.rows["layer"].nunique() > 1
    return " at every layer" if every else f" at {_short(layers)}"


def _size(move: Move, alone: bool, named: str) -> str:
    """The metric and the largest change; with its interval and layers if it is `alone`."""
    row, parts = move.largest, [named] if named else []
    if row is not None:
        size = with_interval(row.value, row.low, row.high, "+") if alone else rounded(row.value, "+")
        at = f" at {_short(layer_set(row.layers))}" if alone else ""
        whose = f", {language_list([row.target])}" if len(move.languages) > 1 else ""
        parts.append(f"largest {size}{at}{whose}")
    return f" ({', '.join(parts)})" if parts else ""


class _Alignment:
    """Where the last checkpoint aligns."""

    def __init__(self, verdicts: Verdicts, lead: dict[str, str]) -> None:
        self.verdicts, self.view, self.lead = verdicts, verdicts.view, lead
        made = verdicts.of(**lead)
        self.checkpoint = made[-1].checkpoint
        self.every = [one for one in made if one.checkpoint == self.checkpoint]
        rows = self.view.rows("scores", checkpoint=self.checkpoint, **lead)
        self.layers = sorted(int(layer) for layer in rows["layer"].unique())
        self.pivot, self.named = language_list([self.view.pivot]), _measure(verdicts, lead)
        self.claims: list[Claim] = []

    def finding(self) -> Finding:
        found = [one for one in self.every if one.found]
        failed = [one for one in self.every if one.significant and one.failed]
        weak = [one for one in self.every if not one.significant and not one.refuted]
        rest = [one for one in self.every if not one.significant and one.refuted]
        if found:
            parts = [self._found(found)]
        elif failed:
            parts = [self._failed(failed)]
            failed = []
        elif weak:
            parts = [self._weak(weak)]
            weak = []
        else:
            parts = [self._none(rest)]
            rest = []
        parts += self._others(failed, weak, rest)
        several = len(self.view.checkpoints) > 1
        text = "; ".join(parts)
        text = f"{self.checkpoint}: {text}" if several else _capital(text)
        return Finding(
            "headline", f"{text}.{self._opposed()}", "", dict(self.lead), claims=tuple(self.claims)
        )

    def _found(self, found: Sequence[Verdict]) -> str:
        """The layers and size of the peak, and what the languages exceed."""
        aligned = all(one.aligned for one in found)
        self._claim("aligned", [one for one in found if one.aligned])
        self._claim("above chance", [one for one in found if not one.aligned])
        subject = f"alignment with {self.pivot}" if aligned else f"similarity to {self.pivot}"
        control = next((name for name in CONTROLS if all(one.controls.get(name) for one in found)), None)
        if control:
            self._claim("passes", found, other=control)
        beyond = f" and {CONTROLS[control]}" if control else ""
        note = "" if aligned else " (shared tokens were not controlled for)"
        return f"{subject} {self._peak(found)}; {self._few(found)} {_exceed(found)} chance{beyond}{note}"

    def _peak(self, found: Sequence[Verdict]) -> str:
        known = [one for one in found if one.peak is not None]
        if not known:
            return (
                f"is significant at {_short({layer for one in found for layer in one.layers})} ({self.named})"
            )
        value = value_range(one.peak.value for one in known)
        if len(known) == 1:
            value = with_interval(known[0].peak.value, known[0].peak.low, known[0].peak.high)
        numbers = (
            f"({self.named} {value}; chance {rounded(sum(one.peak.chance for one in known) / len(known))})"
        )
        if len(self.layers) == 1:
            return f"at layer {self.layers[0]} is significant {numbers}"
        if all(len(one.best) == len(self.layers) for one in known):
            return f"has no layer that stands out {numbers}"
        best = _hull({layer for one in known for layer in one.best}, self.layers)
        if len(best) == len(self.layers):
            return f"peaks at layers that differ by language {numbers}"
        self._claim("best layers", known, best)
        return f"peaks at {layers_in_words(best)} {numbers}"

    def _failed(self, failed: Sequence[Verdict]) -> str:
        self._claim_failed(failed)
        who = f"{self._few(failed)} {_exceed(failed)} chance, but {self._not_beyond(failed)}"
        return f"no evidence of alignment with {self.pivot} by {self.named}: {who}"

    def _weak(self, weak: Sequence[Verdict]) -> str:
        self._claim("too weak", weak)
        p = p_in_words(min(one.p for one in weak))
        return f"weak evidence of alignment with {self.pivot} for {self._few(weak)} by {self.named} (adjusted {p})"

    def _not_beyond(self, failed: Sequence[Verdict]) -> str:
        if len({one.failed for one in failed}) > 1:
            return "not every control"
        beyond = BASELINES | {name: f"chance {meaning}" for name, meaning in CONFOUNDS.items()}
        return f"not {' or '.join(beyond[control] for control in failed[0].failed)}"

    def _claim_failed(self, failed: Sequence[Verdict]) -> None:
        self._claim("above chance", failed)
        for one in failed:
            for control in one.failed:
                self._claim("not beyond", [one], other=control)

    def _none(self, rest: Sequence[Verdict]) -> str:
        smallest = p_in_words(min((one.p for one in rest), default=1.0))
        self._claim("no evidence", rest)
        who = f"in any of {len(rest)} languages" if len(rest) > 1 else f"for {self._few(rest)}"
        return (
            f"no evidence of alignment with {self.pivot} {who} by {self.named} (smallest adjusted {smallest})"
        )

    def _others(
        self, failed: Sequence[Verdict], weak: Sequence[Verdict], rest: Sequence[Verdict]
    ) -> list[str]:
        """What is said of the languages that were not named yet: no more than that they are not found if they differ."""
        self._claim_failed(failed)
        self._claim("too weak", weak)
        self._claim("no evidence", rest)
        groups = [group for group in (failed, weak, rest) if group]
        if len(groups) > 1:
            return ["no other language is shown to align"]
        if failed:
            return [f"{self._few(failed)} {_exceed(failed)} chance, but {self._not_beyond(failed)}"]
        strength = "weak" if weak else "no"
        return [f"{strength} evidence for {self._remaining(group)}" for group in groups]

    def _remaining(self, group: Sequence[Verdict]) -> str:
        return self._few(group) if len(group) <= MAX_NAMED else f"the other {len(group)} languages"

    def _opposed(self) -> str:
        names = opposed(self.verdicts, **self.lead, checkpoint=self.checkpoint)
        if not names:
            return ""
        several = len(names) > 1
        who = (
            f"{len(names)} other metrics"
            if len(names) > MAX_NAMED
            else listing([self.view.axis_label(name) for name in names])
        )
        return f" {who} {'do' if several else 'does'} not agree."

    def _few(self, group: Sequence[Verdict]) -> str:
        return _few([one.language for one in group], len(self.every))

    def _claim(
        self, kind: Kind, group: Sequence[Verdict], layers: tuple[int, ...] = (), other: str = ""
    ) -> None:
        if group:
            languages = tuple(one.language for one in group)
            self.claims.append(
                Claim(kind, self.checkpoint, **self.lead, languages=languages, layers=layers, other=other)
            )


def _exceed(group: Sequence[Verdict]) -> str:
    return "exceeds" if len(group) == 1 else "exceed"


def _few(languages: Sequence[str], total: int) -> str:
    """
    >>> _few(["zh", "ar"], 6), _few(list("abcde"), 6), _few(["zh", "ar"], 2)
    ('Chinese and Arabic', '5 of 6 languages', 'both languages')
    """
    if MAX_NAMED < len(languages) < total:
        return f"{len(languages)} of {total} languages"
    return everyone(languages, total)


def _short(layers: Sequence[int] | set[int]) -> str:
    """Layers in words, by the first and the last if there are many runs."""
    runs = spans(layers)
    return f"layers {runs[0][0]} to {runs[-1][1]}" if len(runs) > MAX_RUNS else layers_in_words(layers)


def _hull(layers: set[int], scored: Sequence[int]) -> tuple[int, ...]:
    """The layers, with those between if they come in many runs."""
    if len(spans(layers)) <= MAX_RUNS:
        return tuple(sorted(layers))
    return tuple(layer for layer in scored if min(layers) <= layer <= max(layers))


def _measure(verdicts: Verdicts, lead: dict[str, str]) -> str:
    """The metric, after the variant unless that is the one shown first: "MEXA", "raw MEXA"."""
    variants = [one["variant"] for one in verdicts.view.choices("scores", "variant")]
    usual = not variants or lead["variant"] == variants[0]
    return ("" if usual else f"{lead['variant']} ") + verdicts.view.axis_label(lead["metric"])


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
