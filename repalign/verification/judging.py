"""What is wrong with an engine's states: the first hypothesis that explains every layer, or one for each layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations

import torch

from repalign.models.engine import TOLERANCE
from repalign.verification.comparing import SHARE, Claimed, Gaps, compare, distances
from repalign.verification.faults import CONVENTIONS, FAULTS, Fault
from repalign.verification.signs import SIGNS, Evidence
from repalign.verification.truth import Plant, States, Truth

RIGHT, UNKNOWN = "right", "matches no hypothesis"


@dataclass(frozen=True)
class Row:
    """The verdict on one layer.

    Attributes:
        layer: the number that the engine gives it.
        verdict: `RIGHT`, the name of a fault, or `UNKNOWN`.
        gap: distance from the right states, relative to their length; infinite where shapes differ.
        tolerance: largest distance that counts as right.
        nearest: the layer of the model that is nearest.
        nearest_gap: the distance from it.
    """

    layer: int
    verdict: str
    gap: float
    tolerance: float
    nearest: int
    nearest_gap: float


@dataclass(frozen=True)
class Finding:
    """A fault and where it was found.

    Attributes:
        fault: which.
        plant: gives the states with it, of any truth.
        layers: where.
    """

    fault: Fault
    plant: Plant
    layers: tuple[int, ...]


@dataclass(frozen=True)
class Judgement:
    """The verdict on an engine.

    Attributes:
        rows: by layer.
        findings: faults; those that nothing on the list explains are in the rows only.
        conventions: what the engine does by its own account.
    """

    rows: tuple[Row, ...]
    findings: tuple[Finding, ...]
    conventions: tuple[Fault, ...]

    @property
    def right(self) -> bool:
        return not self.findings and all(row.verdict == RIGHT for row in self.rows)


@dataclass(frozen=True, eq=False, repr=False)
class Base:
    """The truth as an engine of certain conventions returns it, and its distance from the claimed states.

    Attributes:
        conventions: which.
        truth: in them.
        gaps: distances.
        right: whether a layer is right, per row.
    """

    conventions: tuple[Fault, ...]
    truth: Truth
    gaps: Gaps
    right: list[bool]


@dataclass(frozen=True)
class Hypothesis:
    """A fault, and the layers that it explains.

    Attributes:
        fault: which.
        plant: gives the states with it, of any truth.
        rows: whether a layer of the engine is explained, per row.
        complete: whether it returns as many layers as the engine.
    """

    fault: Fault
    plant: Plant
    rows: list[bool]
    complete: bool = True


def judge(truth: Truth, claimed: Claimed, tolerances: Sequence[float]) -> Judgement:
    """Compare an engine's states with the right ones and say what is wrong.

    Args:
        truth: right states of the same prompts.
        claimed: the engine's.
        tolerances: largest distance that counts as right, by layer of the model.
    """
    rows = [tolerances[min(layer, len(tolerances) - 1)] for layer in claimed.layers]
    return _Case(truth, claimed, rows).judge()


@dataclass(frozen=True, eq=False, repr=False)
class _Case:
    """An engine's states to judge; `tolerances` by row."""

    truth: Truth
    claimed: Claimed
    tolerances: list[float]

    def judge(self) -> Judgement:
        bases = list(self._bases())
        right = [base for base in bases if base.gaps.complete and all(base.right)]
        for base in right:
            if len(self._departures(base.conventions)) <= 1:
                return self._judgement(bases, base, [])
        # One fault is a better explanation than two conventions that nobody declared.
        declared = [base for base in bases if not self._departures(base.conventions)]
        if whole := self._whole(declared):
            return self._judgement(bases, whole[0], [whole[1]])
        if right:
            return self._judgement(bases, right[0], [])
        if whole := self._whole([base for base in bases if base not in declared]):
            return self._judgement(bases, whole[0], [whole[1]])
        best = max(bases, key=lambda base: sum(base.right))
        return self._judgement(bases, best, list(self._one_by_one(best)))

    def _whole(self, bases: Sequence[Base]) -> tuple[Base, Hypothesis] | None:
        """The first fault that explains all wrong layers, and the conventions in which it does."""
        for base in bases:
            # No fault brings back what a convention leaves out.
            for one in self._hypotheses(base) if base.gaps.complete or not base.conventions else ():
                if one.complete and all(map(max, base.right, one.rows)):
                    return base, one
        return None

    def _bases(self) -> Iterator[Base]:
        """The truth in the conventions that the engine declares, then in all others."""
        subsets = [
            subset for count in range(len(CONVENTIONS) + 1) for subset in combinations(CONVENTIONS, count)
        ]
        for subset in sorted(subsets, key=lambda some: len(self._departures(some))):
            truth = self.truth.with_convention(partial(_in_convention, subset))
            gaps = compare(self.claimed, truth.states)
            yield Base(subset, truth, gaps, self._within(gaps))

    def _departures(self, conventions: Sequence[Fault]) -> set[str]:
        """Names of conventions that the engine has without declaring them, or declares and does not have."""
        names = {fault.name for fault in conventions}
        return names - self.claimed.conventions if self.claimed.free else names ^ self.claimed.conventions

    def _within(self, gaps: Gaps, dtype: str | None = None) -> list[bool]:
        """Whether a layer is within the tolerance, or within that of `dtype`."""
        least = TOLERANCE[dtype] if dtype else 0.0
        pairs = zip(gaps.by_layer(SHARE[dtype or self.claimed.dtype]), self.tolerances, strict=True)
        return [gap <= max(tolerance, least) for gap, tolerance in pairs]

    def _hypotheses(self, base: Base) -> Iterator[Hypothesis]:
        """Each fault that can be recognised by its states."""
        for fault in FAULTS:
            plant = fault.fit(base.truth, self.claimed) if fault.fit else fault.plant
            if fault.exact and plant is not None:
                gaps = compare(self.claimed, plant(base.truth))
                yield Hypothesis(fault, plant, self._within(gaps, fault.dtype), gaps.complete)

    def _one_by_one(self, base: Base) -> Iterator[Hypothesis]:
        """Faults that together explain as many layers as possible: one that shows in all, or the most general first."""
        wrong = [not right for right in base.right]
        tolerance = torch.tensor(self.tolerances)
        evidence = Evidence(base.truth, self.claimed, base.gaps, tolerance, SHARE[self.claimed.dtype])
        signs = [Hypothesis(fault, fault.plant, sign(evidence).tolist()) for fault, sign in SIGNS]
        everywhere = [one for one in signs if all(map(max, base.right, one.rows))][:1]
        for candidates in (everywhere, list(self._hypotheses(base)), signs):
            while any(wrong) and candidates:
                best = max(candidates, key=lambda one: sum(map(min, one.rows, wrong)))
                here = list(map(min, best.rows, wrong))
                if not any(here):
                    break
                yield replace(best, rows=here)
                wrong = [w and not h for w, h in zip(wrong, here, strict=True)]

    def _judgement(self, bases: Sequence[Base], base: Base, found: Sequence[Hypothesis]) -> Judgement:
        layers = self.claimed.layers
        verdicts = [RIGHT if right else UNKNOWN for right in base.right]
        findings: list[Finding] = []
        departures = self._departures(base.conventions)
        declared = bases[0].right
        for fault in CONVENTIONS:
            if fault.name in departures:
                done = fault in base.conventions
                named = fault if done else _not_done(fault)
                rows = [right and not d for right, d in zip(base.right, declared, strict=True)]
                findings.append(Finding(named, named.plant, _where(layers, rows)))
                verdicts = [named.name if row else v for v, row in zip(verdicts, rows, strict=True)]
        for one in found:
            rows = [row and not right for row, right in zip(one.rows, base.right, strict=True)]
            findings.append(Finding(one.fault, one.plant, _where(layers, rows)))
            verdicts = [one.fault.name if row else v for v, row in zip(verdicts, rows, strict=True)]
        compared = bases[0] if departures else base
        gaps = compared.gaps.by_layer(SHARE[self.claimed.dtype])
        columns = zip(layers, verdicts, gaps, self.tolerances, self._nearest(), strict=True)
        return Judgement(
            tuple(Row(layer, verdict, gap, most, *nearest) for layer, verdict, gap, most, nearest in columns),
            tuple(findings),
            tuple(fault for fault in base.conventions if fault.name not in departures),
        )

    def _nearest(self) -> list[tuple[int, float]]:
        """For each layer of the engine the nearest one of the model, by the first prompt, and its distance."""
        ours, theirs = self.truth.states[0], self.claimed.states[0]
        if ours.shape[1:] != theirs.shape[1:]:
            return [(layer, torch.inf) for layer in self.claimed.layers]
        gaps = [distances(row.expand_as(ours), ours).amax(1) for row in theirs]
        return [(int(gap.argmin()), float(gap.min())) for gap in gaps]


def _in_convention(conventions: Sequence[Fault], truth: Truth, states: States) -> States:
    for fault in conventions:
        if fault.convention is not None:
            states = fault.convention(truth, states)
    return states


def _not_done(fault: Fault) -> Fault:
    return Fault(
        f"declared, not done: {fault.name}",
        f"the engine declares what it does not do; correct its conventions ({fault.ours})",
        lambda truth: truth.states,
    )


def _where(layers: Sequence[int], rows: Sequence[bool]) -> tuple[int, ...]:
    return tuple(layer for layer, row in zip(layers, rows, strict=True) if row)
