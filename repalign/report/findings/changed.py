"""What changed?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repalign.figures.view import ALPHA
from repalign.report.findings.finding import MAX_NAMED_LANGUAGES, Claim, Finding, Kind, LanguageRow
from repalign.report.findings.verdicts import CLAIM, Verdicts, beyond
from repalign.report.findings.words import (
    adjusted,
    called,
    everyone,
    language_list,
    layer_ranges,
    layers_in_words,
    measure,
    p_in_words,
    with_interval,
)
from repalign.results.layer_ranges import layer_set

if TYPE_CHECKING:
    import pandas as pd

WAYS: tuple[tuple[Kind, int, str], ...] = (("closer", 1, "closer to"), ("further", -1, "away from"))


@dataclass(frozen=True)
class Move:
    """The languages that moved one way.

    Attributes:
        kind: "closer" or "further".
        words: "closer to", "away from".
        rows: the significant differences that way.
        largest: the row of the largest difference that way, cross-fitted; None if unknown.
    """

    kind: Kind
    words: str
    rows: pd.DataFrame
    largest: Any

    @property
    def languages(self) -> list[str]:
        return list(self.rows["target"].unique())

    @property
    def same_layers(self) -> bool:
        """Whether every one of the languages moved at each of the layers."""
        layers = self.rows["layer"].nunique()
        return len(self.rows.drop_duplicates(["target", "layer"])) == layers * len(self.languages)


class Comparison:
    """A checkpoint against a baseline by one metric and variant.

    Attributes:
        languages: that were compared.
        largest: the largest difference of each language.
        tested: the differences that are significant, and supported by the largest one.
        moves: what moved which way.
        ways: of each language that moved, the kinds of its moves.
        unchanged: languages of which no change is claimed.
        without_evidence: those that have p of at least `ALPHA` at every layer.
    """

    def __init__(
        self, verdicts: Verdicts, rows: pd.DataFrame, checkpoint: str, baseline: str, lead: dict[str, str]
    ) -> None:
        self.rows, self.checkpoint, self.baseline, self.lead = rows, checkpoint, baseline, lead
        self.languages = list(rows["target"].unique())
        view = verdicts.view
        peaks = view.rows("changes", checkpoint=checkpoint, baseline=baseline, **lead)
        self.largest = {row.target: row for row in peaks.itertuples(index=False)}
        tested = rows[rows["p_adjusted"] < CLAIM]
        sign = view.results.profile.sign
        supported = [not _contradicted(row, self.largest, sign) for row in tested.itertuples()]
        self.tested = tested.loc[supported]
        self.moves = [move for one in WAYS if len((move := self._move(*one)).rows)]
        self.ways: dict[str, set[str]] = {}
        for move in self.moves:
            for name in move.languages:
                self.ways.setdefault(name, set()).add(move.kind)
        self.unchanged = [name for name in self.languages if name not in self.ways]
        self.without_evidence = set(self.languages) - set(rows.loc[rows["p_adjusted"] < ALPHA, "target"])

    def _move(self, kind: Kind, way: int, words: str) -> Move:
        moved = self.tested[way * self.tested["gain"] > 0]
        tops = [self.largest[name] for name in moved["target"].unique() if name in self.largest]
        that_way = [row for row in tops if way * row.gain > 0]
        return Move(kind, words, moved, max(that_way, key=lambda row: abs(row.value), default=None))

    def claim(self, kind: Kind, languages: list[str], layers: tuple[int, ...] = ()) -> Claim:
        return Claim(
            kind, self.checkpoint, **self.lead, languages=tuple(languages), layers=layers, other=self.baseline
        )

    def claims(self) -> tuple[Claim, ...]:
        """One per language that moved, with its layers; and one of those of which no change is claimed."""
        made = [
            self.claim(move.kind, [str(name)], tuple(layers["layer"]))
            for move in self.moves
            for name, layers in move.rows.groupby("target", sort=False)
        ]
        return (*made, *([self.claim("no evidence", self.unchanged)] if self.unchanged else ()))


def comparisons(verdicts: Verdicts, metric: str, variant: str) -> list[Comparison]:
    """Every checkpoint with a baseline, in the order of the table; each is computed once."""
    if (metric, variant) not in verdicts.compared:
        rows = verdicts.view.rows("differences", metric=metric, variant=variant)
        lead = {"metric": metric, "variant": variant}
        verdicts.compared[metric, variant] = [
            Comparison(verdicts, layers, str(checkpoint), str(baseline), lead)
            for (checkpoint, baseline), layers in rows.groupby(["checkpoint", "baseline"], sort=False)
        ]
    return verdicts.compared[metric, variant]


def changed(verdicts: Verdicts, metric: str, variant: str) -> list[Finding]:
    """For each comparison: which languages are closer to the pivot than in the baseline, and which further away."""
    return [_sentence(verdicts, one) for one in comparisons(verdicts, metric, variant)]


def _sentence(verdicts: Verdicts, one: Comparison) -> Finding:
    view, names, lead = verdicts.view, one.languages, one.lead
    named, pivot = measure(view, **lead), language_list([view.pivot])
    head = f"{one.checkpoint} over {one.baseline}"
    if verdicts.too_few:
        text = f"{head}: {verdicts.too_few} ({named})."
        return Finding("changed", text, "", dict(lead), claims=(one.claim("too few", names),))
    if one.tested.empty:
        smallest = f"the smallest adjusted {p_in_words(one.rows['p_adjusted'].min())}"
        text = f"{head}: no significant change in any language at any layer ({named})."
        return Finding("changed", text, f"{adjusted(view)}; {smallest}", dict(lead), claims=one.claims())
    parts = [
        f"{everyone(move.languages, len(names))} moved {move.words} {pivot}{_layers(move, one.rows)}{_largest(move)}"
        for move in one.moves
    ]
    if one.unchanged:
        parts.append(f"no significant change in {language_list(one.unchanged)}")
    shown = [move.largest for move in one.moves if move.largest is not None]
    at = max(shown, key=lambda row: abs(row.value), default=None)
    return Finding(
        "changed",
        f"{head}: {'; '.join(parts)} ({named}).",
        f"the same sentences, paired, {adjusted(view)}",
        {**lead, **({} if at is None else {"layer": int(at.layer)})},
        tuple(_language(one, name, named) for name in names) if len(names) <= MAX_NAMED_LANGUAGES else (),
        one.claims(),
    )


def _contradicted(row: Any, largest: dict[str, Any], sign: Any) -> bool:
    """Whether a change at one layer lacks support by the largest: its p, or that it is beyond 0 on other sentences."""
    peak = largest.get(row.target)
    if peak is None:
        return False
    if peak.p_adjusted >= CLAIM:
        return True
    if peak.gain * row.gain < 0:  # moves both ways, and only the larger has a row
        return False
    way = sign(peak.metric) if row.gain > 0 else -sign(peak.metric)
    return not beyond(way, peak.low, peak.high, 0.0)


def _layers(move: Move, rows: pd.DataFrame) -> str:
    """At which layers the languages that moved did so; says when they differ in that."""
    layers = move.rows["layer"].unique()
    if not move.same_layers:
        return f", each at one or more of {layers_in_words(layers)}"
    every = len(layers) == rows["layer"].nunique() > 1
    return " at every layer" if every else f" at {layers_in_words(layers)}"


def _largest(move: Move) -> str:
    """The largest change, cross-fitted, and the layers where it may be."""
    row = move.largest
    if row is None:
        return ""
    whose = f", {language_list([row.target])}" if len(move.languages) > 1 else ""
    return f", most by {with_interval(row.value, row.low, row.high, '+')} in {layers_in_words(layer_set(row.layers))}{whose}"


def _language(one: Comparison, name: str, named: str) -> LanguageRow:
    peak, tested = one.largest.get(name), one.tested[one.tested["target"] == name]
    score = with_interval(peak.value, peak.low, peak.high, "+") if peak is not None else ""
    layers = layer_ranges(layer_set(peak.layers)) if peak is not None and len(tested) else ""
    smallest = one.rows.loc[one.rows["target"] == name, "p_adjusted"].min()
    evidence = f"{named}; adjusted {p_in_words(smallest)}"
    choice: dict[str, str | int] = {**one.lead, **({"layer": int(peak.layer)} if peak is not None else {})}
    ways, claims = [], []
    for move in one.moves:
        at = tuple(move.rows.loc[move.rows["target"] == name, "layer"])
        if at:
            every = len(at) == one.rows["layer"].nunique() > 1
            ways.append(f"{move.kind} at {'every layer' if every else layers_in_words(at)}")
            claims.append(one.claim(move.kind, [name], at))
    verdict = "; ".join(ways) or "not significant"
    if not ways:
        claims = [one.claim("no evidence", [name])]
    return LanguageRow(name, called(name), score, layers, verdict, evidence, choice, tuple(claims))
