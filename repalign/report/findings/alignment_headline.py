"""The headline on one checkpoint: where it aligns."""

from __future__ import annotations

from collections.abc import Sequence

from repalign.report.findings.brief import MAX_NAMED, capital, dissent, exactly, few, hull, measure
from repalign.report.findings.disagreement import opposed
from repalign.report.findings.finding import Claim, Finding, Kind
from repalign.report.findings.verdicts import BASELINES, CONFOUNDS, SHARED_TOKENS, Verdict, Verdicts
from repalign.report.findings.words import (
    language_list,
    layers_in_words,
    p_in_words,
    rounded,
    value_range,
    with_interval,
)

CONTROLS = {SHARED_TOKENS: "the shared-token control", "random-weights": "random weights"}


class AlignmentHeadline:
    """Where the last checkpoint aligns."""

    def __init__(self, verdicts: Verdicts, lead: dict[str, str]) -> None:
        self.verdicts, self.view, self.lead = verdicts, verdicts.view, lead
        made = verdicts.of(**lead)
        self.checkpoint = made[-1].checkpoint
        self.every = [one for one in made if one.checkpoint == self.checkpoint]
        rows = self.view.rows("scores", checkpoint=self.checkpoint, **lead)
        self.layers = sorted(int(layer) for layer in rows["layer"].unique())
        self.pivot, self.named = language_list([self.view.pivot]), measure(verdicts, lead)
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
        text = f"{self.checkpoint}: {text}" if several else capital(text)
        others = dissent(self.view, opposed(self.verdicts, **self.lead, checkpoint=self.checkpoint))
        return Finding("headline", f"{text}.{others}", "", dict(self.lead), claims=tuple(self.claims))

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
            layers = sorted({layer for one in found for layer in one.layers})
            return f"is significant {exactly(layers, len(self.layers))} ({self.named})"
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
        best = hull({layer for one in known for layer in one.best}, self.layers)
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

    def _few(self, group: Sequence[Verdict]) -> str:
        return few([one.language for one in group], len(self.every))

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
