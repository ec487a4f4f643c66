"""LayerPair: one layer of two languages, with cached matrices that metrics derive from it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from repalign.errors import RepalignError
from repalign.metrics.cosines import Cone, Cosines, Winners, cone, cosines, unit_vectors, winners
from repalign.metrics.pairwise import check_square

if TYPE_CHECKING:
    import torch

    from repalign.metrics.documents import Documents, Partition

T = TypeVar("T")


class Representation:
    """One layer of one language, with cached derived matrices; shared by all pairs and metrics.

    Args:
        states: float tensor [sentence, dim]; never modified.
    """

    def __init__(self, states: torch.Tensor) -> None:
        self.states = states
        self._derived: dict[tuple[Any, ...], Any] = {}

    def once(self, derive: Callable[..., T], *settings: Any) -> T:
        """`derive(self, *settings)`, computed once and shared: how a metric caches a derived matrix."""
        key = (derive, *settings)
        if key not in self._derived:
            self._derived[key] = derive(self, *settings)
        return self._derived[key]

    @classmethod
    def of(cls, array: Any, device: str = "cpu") -> Representation:
        """From a numpy array or tensor [sentence, dim]; float64 stays, everything else becomes float32.

        Raises:
            RepalignError: not two-dimensional, or NaN or infinite somewhere.
        """
        import torch

        if isinstance(array, np.ndarray):
            array = np.require(array, requirements=["C", "W"])  # torch warns about read-only memory maps
        states = torch.as_tensor(array)
        states = states.to(device, torch.float64 if states.dtype == torch.float64 else torch.float32)
        if states.ndim != 2 or 0 in states.shape:
            raise RepalignError(f"expected states [sentence, dim], got shape {tuple(states.shape)}")
        bad = (~torch.isfinite(states).all(1)).nonzero().flatten()
        if len(bad):
            raise RepalignError(
                f"{len(bad)} of {len(states)} sentences have NaN or infinite states, the first is row "
                f"{int(bad[0])}; "
                "extract again with --dtype float32"
            )
        return cls(states)

    @cached_property
    def unit(self) -> torch.Tensor:
        """States scaled to length 1, double; a zero vector stays zero and has cosine 0 with everything."""
        return unit_vectors(self.states)

    @cached_property
    def cone(self) -> Cone:
        """Directions as deviations from their mean: what cosines are computed from."""
        return cone(self.states)

    @cached_property
    def centred(self) -> torch.Tensor:
        """States minus their mean; exactly zero in a constant layer, so that rounding errors are not taken as data."""
        import torch

        centred = self.states - self.states.mean(0)
        noise = 8 * torch.finfo(centred.dtype).eps * self.states.norm(dim=1, keepdim=True)
        return centred.where(centred.norm(dim=1, keepdim=True) > noise, 0)

    @cached_property
    def reduced(self) -> torch.Tensor:
        """Centred states rotated into at most n dims: [sentence, min(sentence, dim)].

        Gives the same result for everything that is invariant to a rotation of one language, at a cost of n^3
        instead of d^3.
        """
        import torch

        n, d = self.centred.shape
        return torch.linalg.qr(self.centred.T, mode="r")[1].T.contiguous() if d > n else self.centred

    @cached_property
    def gram(self) -> torch.Tensor:
        """Inner products of centred states [sentence, sentence].

        Raises:
            RepalignError: more than this machine's memory.
        """
        check_square(len(self.centred))
        return self.centred @ self.centred.T

    def take(self, rows: Any) -> Representation:
        """The same language on a subset of rows."""
        return Representation(self.states[rows])


class LayerPair:
    """One layer of two languages: row i of `source` and row i of `target` are translations.

    Attributes:
        source: one language.
        target: the other.
        documents: of the sentences; None if unknown.

    Raises:
        RepalignError: the numbers of sentences differ.
    """

    def __init__(
        self, source: Representation, target: Representation, documents: Documents | None = None
    ) -> None:
        if len(source.states) != len(target.states):
            raise RepalignError(
                f"the two languages have {len(source.states)} and {len(target.states)} sentences; "
                "row i of one must be the translation of row i of the other"
            )
        self.source, self.target, self.documents = source, target, documents

    @classmethod
    def of(cls, x: Any, y: Any, device: str = "cpu") -> LayerPair:
        """From two arrays or tensors [sentence, dim]."""
        if y is None:
            raise RepalignError("a metric needs two languages: metric(x, y), both [sentence, dim]")
        source, target = Representation.of(x, device), Representation.of(y, device)
        if source.states.dtype != target.states.dtype:
            source, target = Representation(source.states.double()), Representation(target.states.double())
        return cls(source, target)

    @property
    def x(self) -> torch.Tensor:
        """States of the source [sentence, dim]."""
        return self.source.states

    @property
    def y(self) -> torch.Tensor:
        """States of the target [sentence, dim]."""
        return self.target.states

    @property
    def sentences(self) -> int:
        return len(self.x)

    def same_dims(self, metric: str) -> None:
        """Check that both languages have states of the same space.

        Raises:
            RepalignError: the numbers of dims differ.
        """
        if self.x.shape[1] != self.y.shape[1]:
            raise RepalignError(
                f"metric {metric!r} compares states dim by dim, got {self.x.shape[1]} and {self.y.shape[1]} "
                "dims; use a metric without that restriction, e.g. cka"
            )

    @property
    def strata(self) -> Partition | None:
        """The sentences that may be exchanged; None for all."""
        return self.documents.strata if self.documents and len(self.documents.strata.sizes) > 1 else None

    @cached_property
    def cosines(self) -> Cosines:
        """Cosines, split so that their differences are precise in a narrow cone.

        Raises:
            RepalignError: the numbers of dims differ.
        """
        self.same_dims("cosine")
        return cosines(self.source.cone, self.target.cone)

    @cached_property
    def cosine(self) -> torch.Tensor:
        """Cosines: double [source sentence, target sentence].

        Raises:
            RepalignError: the numbers of dims differ, or memory cannot hold one cosine for each pair of sentences.
        """
        return (self.cosines.base + self.cosines.relative.double()).clamp(-1, 1)

    @cached_property
    def nearest(self) -> Winners:
        """The nearest target by cosine for each source sentence."""
        return winners(self.cosines.matrix.largest(2), self.cosines.rounding)

    @cached_property
    def reverse(self) -> LayerPair:
        """The same pair from target to source; reuses cached matrices."""
        pair = LayerPair(self.target, self.source, self.documents)
        if self.x.shape[1] == self.y.shape[1]:
            pair.__dict__["cosines"] = self.cosines.T
        if "cosine" in self.__dict__:
            pair.__dict__["cosine"] = self.cosine.T
        return pair

    def take(self, rows: Any) -> LayerPair:
        """The same pair on a subset of sentences."""
        documents = self.documents.take(rows) if self.documents else None
        return LayerPair(self.source.take(rows), self.target.take(rows), documents)

    def shuffled(self, order: Any) -> LayerPair:
        """The pair with the target's sentences in another order: the same languages, unrelated sentences."""
        return LayerPair(self.source, self.target.take(order), self.documents)
