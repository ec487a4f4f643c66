"""Where do languages align?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from repalign.report.findings.finding import MAX_NAMED_LANGUAGES, Claim, Finding, Kind, LanguageRow
from repalign.report.findings.verdicts import BASELINES, CONFOUNDS, Verdict, Verdicts
from repalign.report.findings.words import (
    adjusted,
    called,
    everyone,
    language_list,
    layer_ranges,
    layers_in_words,
    listing,
    measure,
    p_in_words,
    rounded,
    value_range,
    with_interval,
)

if TYPE_CHECKING:
    from repalign.figures.view import View

BEYOND = BASELINES | {name: f"chance {meaning}" for name, meaning in CONFOUNDS.items()}
"""What a language is not above where it fails a control."""


def where(verdicts: Verdicts, metric: str, variant: str) -> list[Finding]:
    """For each checkpoint: which languages align with the pivot, at which layers, and which do not."""
    made = verdicts.of(metric, variant)
    names = dict.fromkeys(verdict.checkpoint for verdict in made)
    return [
        _Where(verdicts, name, metric, variant, [one for one in made if one.checkpoint == name]).finding()
        for name in names
    ]


class _Where:
    """The sentence on one checkpoint, metric and variant."""

    def __init__(
        self, verdicts: Verdicts, checkpoint: str, metric: str, variant: str, every: list[Verdict]
    ) -> None:
        self.view: View = verdicts.view
        self.too_few = verdicts.too_few
        self.checkpoint, self.lead = checkpoint, {"metric": metric, "variant": variant}
        self.every, self.pivot = every, language_list([self.view.pivot])
        rows = self.view.rows("scores", checkpoint=checkpoint, **self.lead)
        self.first, self.last = int(rows["layer"].min()), int(rows["layer"].max())
        self.n_layers = rows["layer"].nunique()

    def finding(self) -> Finding:
        named = measure(self.view, **self.lead)
        if self.too_few:
            text = f"{self.checkpoint}: {self.too_few} ({named})."
            return self._finding(text, "", [self._claim("too few", self.every)])
        found = [one for one in self.every if one.found]
        parts: list[str] = []
        claims: list[Claim] = []
        for kind, group in self._by_claim(found):
            parts.append(self._who(group, kind))
            claims.append(self._claim(kind, group))
        for failed in dict.fromkeys(one.failed for one in self.every if one.significant and one.failed):
            group = [one for one in self.every if one.significant and one.failed == failed]
            beyond = " or ".join(BEYOND[control] for control in failed)
            parts.append(
                f"{self._everyone(group)} {_be(group)} above chance, but not above {beyond}: no evidence of alignment"
            )
            claims += [self._claim("above chance", group)]
            claims += [self._claim("not beyond", group, other=control) for control in failed]
        weak = [one for one in self.every if not one.significant and not one.refuted]
        if weak:
            parts.append(f"the evidence is too weak for {self._everyone(weak)}")
            claims.append(self._claim("too weak", weak))
        rest = [one for one in self.every if not one.significant and one.refuted]
        if rest:
            parts.append(self._none(rest))
            claims.append(self._claim("no evidence", rest))
        sentence, course_claims = self._course(found)
        text = (
            f"{self.checkpoint}: {parts[0]} ({named}){''.join(f'; {part}' for part in parts[1:])}.{sentence}"
        )
        smallest = min((one.p for one in self.every), default=1.0)
        evidence = f"a claim needs a {adjusted(self.view)}; the smallest is {p_in_words(smallest)}"
        return self._finding(text, evidence, [*claims, *course_claims], self._details(), found or weak)

    @staticmethod
    def _by_claim(found: Sequence[Verdict]) -> list[tuple[Kind, list[Verdict]]]:
        """The languages that are aligned, and those of which less can be claimed; none of either is left out."""
        groups: list[tuple[Kind, list[Verdict]]] = [
            ("aligned", [one for one in found if one.aligned]),
            ("above chance", [one for one in found if not one.aligned]),
        ]
        return [(kind, group) for kind, group in groups if group]

    def _who(self, group: Sequence[Verdict], kind: str) -> str:
        claim = f"aligned with {self.pivot}" if kind == "aligned" else "above chance"
        unknown = "" if kind == "aligned" else "; shared tokens were not controlled for"
        return f"{self._everyone(group)} {_be(group)} {claim}{unknown}"

    def _none(self, rest: Sequence[Verdict]) -> str:
        claim = f"no evidence of alignment with {self.pivot}"
        if len(rest) == len(self.every) > 1:
            return f"{claim} in any of {len(rest)} languages"
        return f"{claim} for {self._everyone(rest)}"

    def _course(self, found: Sequence[Verdict]) -> tuple[str, list[Claim]]:
        """How alignment rises and falls over layers, and where it is highest; nothing without the table of peaks."""
        known = [one for one in found if one.peak is not None]
        if not known or self.n_layers == 1:
            return "", []
        best = sorted({layer for one in known for layer in one.best})
        value = value_range(one.peak.value for one in known)
        if len(known) == 1:
            value = with_interval(known[0].peak.value, known[0].peak.low, known[0].peak.high)
        chance = rounded(sum(one.peak.chance for one in known) / len(known))
        rising, falling = ([one for one in known if getattr(one, way)] for way in ("rises", "falls"))
        numbers = f"({value}; chance {chance})"
        narrow = len(best) < self.n_layers
        if narrow:
            peak = f"is highest in {layers_in_words(best)} {numbers}"
        elif all(len(one.best) == self.n_layers for one in known):
            peak = f"has no layer that stands out {numbers}"
        else:
            peak = f"is highest at layers that differ by language {numbers}"
        verbs = [f"rises from layer {self.first}{_some(rising, known)}"] if rising else []
        verbs.append(peak)
        verbs += [f"falls again by the last layer, {self.last}{_some(falling, known)}"] if falling else []
        claims = [self._claim("best layers", known, tuple(best))] if narrow else []
        claims += [self._claim("rises", rising)] if rising else []
        claims += [self._claim("falls", falling)] if falling else []
        subject = "Alignment" if all(one.aligned for one in known) else "Similarity"
        return f" {subject} {listing(verbs)}.", claims

    def _details(self) -> tuple[LanguageRow, ...]:
        if len(self.every) > MAX_NAMED_LANGUAGES:
            return ()
        return tuple(self._language(one) for one in self.every)

    def _language(self, one: Verdict) -> LanguageRow:
        verdict, claims = self._verdict(one)
        evidence = f"adjusted {p_in_words(one.p)}; {measure(self.view, **self.lead)}"
        peak, layers, score = one.peak, "", ""
        choice: dict[str, str | int] = dict(self.lead)
        if peak is not None:
            score = with_interval(peak.value, peak.low, peak.high)
            evidence = f"chance {rounded(peak.chance)}, {evidence}"
            choice["layer"] = int(peak.layer)
        if one.significant:
            narrow = 0 < len(one.best) < self.n_layers
            layers = layer_ranges(one.best) if narrow else "any"
            if narrow and one.found and peak is not None:
                claims = [*claims, self._claim("best layers", [one], one.best)]
        return LanguageRow(
            one.language, called(one.language), score, layers, verdict, evidence, choice, tuple(claims)
        )

    def _verdict(self, one: Verdict) -> tuple[str, list[Claim]]:
        """What may be claimed of a language, in two to six words."""
        if not one.significant:
            kind: Kind = "no evidence" if one.refuted else "too weak"
            return "no evidence" if one.refuted else "weak evidence", [self._claim(kind, [one])]
        if one.failed:
            claims = [self._claim("above chance", [one])]
            claims += [self._claim("not beyond", [one], other=control) for control in one.failed]
            return f"not beyond {' or '.join(BEYOND[failed] for failed in one.failed)}", claims
        kind = "aligned" if one.aligned else "above chance"
        return kind, [self._claim(kind, [one])]

    def _everyone(self, group: Sequence[Verdict]) -> str:
        return everyone([one.language for one in group], len(self.every))

    def _claim(
        self, kind: Kind, group: Sequence[Verdict], layers: tuple[int, ...] = (), other: str = ""
    ) -> Claim:
        languages = tuple(one.language for one in group)
        return Claim(kind, self.checkpoint, **self.lead, languages=languages, layers=layers, other=other)

    def _finding(
        self,
        text: str,
        evidence: str,
        claims: Sequence[Claim],
        details: tuple[LanguageRow, ...] = (),
        found: Sequence[Verdict] = (),
    ) -> Finding:
        """Choosing it shows the layer that is most often the best of these languages."""
        layers = [int(one.peak.layer) for one in found if one.peak is not None]
        at = {"layer": max(sorted(set(layers)), key=layers.count)} if layers else {}
        return Finding("where", text, evidence, {**self.lead, **at}, details, tuple(claims))


def _be(group: Sequence[Verdict]) -> str:
    return "is" if len(group) == 1 else "are"


def _some(some: Sequence[Verdict], every: Sequence[Verdict]) -> str:
    """
    >>> _some([1], [1, 2])
    ' (in 1 of 2 languages)'
    """
    return "" if len(some) == len(every) else f" (in {len(some)} of {len(every)} languages)"
