"""Pooling: from the states of a sentence's tokens to one vector, in float32, on the device of the states."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from repalign.errors import RepalignError
from repalign.models.provenance import source_digest
from repalign.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor

PoolingFunction: TypeAlias = "Callable[[Tensor, Tensor, Tensor], Tensor]"


@dataclass(frozen=True)
class Pooling:
    """A way to combine the states of a sentence's tokens into one vector.

    Attributes:
        name: as given to `--pooling`.
        function: from hidden states float32 [sentence, token, dim], content bool [sentence, token] and real bool
            [sentence, token] to float32 [sentence, dim]. `content` marks the sentence's own tokens, `real` every
            token but padding.
        sees_prompt: whether `function` reads tokens outside `content`: special tokens, the template. If it does
            not, a prompt that all sentences share is computed once and what follows the sentence is left out.
            True is always right, False is faster.
    """

    name: str
    function: PoolingFunction
    sees_prompt: bool = True

    def __call__(self, hidden: Tensor, content: Tensor, real: Tensor) -> Tensor:
        """See `function`.

        Raises:
            RepalignError: the function returned something other than one vector per sentence.
        """
        import torch

        pooled = self.function(hidden, content, real)
        expected = (hidden.shape[0], hidden.shape[2])
        if not isinstance(pooled, torch.Tensor) or tuple(pooled.shape) != expected:
            got = tuple(pooled.shape) if isinstance(pooled, torch.Tensor) else type(pooled).__name__
            raise RepalignError(
                f"pooling {self.name!r} must give a tensor of shape {expected} (sentence, dim), got {got}"
            )
        return pooled.float()

    @property
    def source(self) -> str | None:
        """What decides the vectors besides the name: a digest of the code of a custom pooling.

        Empty for built-in poolings, as a change of theirs raises the store's format; None if the code cannot be
        identified, so that its states must not be stored.
        """
        return "" if self.function.__module__ == __name__ else source_digest(self.function)


class Poolings(Registry[Pooling]):
    """The registry of poolings; a bare function becomes a `Pooling` that may read every token.

    >>> @POOLINGS.register("first", sees_prompt=False)
    ... def first(hidden, content, real):
    ...     return hidden[range(len(hidden)), content.int().argmax(dim=1)]
    """

    def add(self, name: str, item: Pooling | PoolingFunction, *, sees_prompt: bool = True) -> Pooling:
        return super().add(name, item if isinstance(item, Pooling) else Pooling(name, item, sees_prompt))

    def register(  # type: ignore[override]
        self, name: str, *, sees_prompt: bool = True
    ) -> Callable[[PoolingFunction], PoolingFunction]:
        """Decorator form of `add`; the function stays a function."""

        def decorate(function: PoolingFunction) -> PoolingFunction:
            self.add(name, function, sees_prompt=sees_prompt)
            return function

        return decorate

    def resolve(self, pooling: str | Pooling | PoolingFunction) -> Pooling:
        """A pooling by name, or a function that need not be registered.

        Raises:
            RepalignError: an unknown name, with the near miss; or something that is not a function.
        """
        if isinstance(pooling, Pooling):
            return pooling
        if isinstance(pooling, str):
            return self[pooling]
        if callable(pooling):
            return Pooling(getattr(pooling, "__name__", type(pooling).__name__), pooling)
        raise RepalignError(
            f"a pooling is a name ({', '.join(self)}) or a function of (hidden, content, real), "
            f"not {type(pooling).__name__}"
        )


POOLINGS = Poolings("pooling")


@POOLINGS.register("mean", sees_prompt=False)
def mean(hidden: Tensor, content: Tensor, real: Tensor) -> Tensor:
    """Mean over the sentence's own tokens: no BOS, EOS or other special token, no padding, no template."""
    return _weighted(hidden, content.to(hidden.dtype))


@POOLINGS.register("mean-all", sees_prompt=True)
def mean_all(hidden: Tensor, content: Tensor, real: Tensor) -> Tensor:
    """Mean over every token that is not padding, BOS and template included: shows what the BOS token does."""
    return _weighted(hidden, real.to(hidden.dtype))


@POOLINGS.register("last", sees_prompt=False)
def last(hidden: Tensor, content: Tensor, real: Tensor) -> Tensor:
    """The last token of the sentence itself (often the full stop: at the embedding layer all sentences tie)."""
    import torch

    positions = torch.arange(content.shape[1], device=content.device)
    final = (positions * content).argmax(dim=1)
    return hidden[torch.arange(len(hidden), device=hidden.device), final]


@POOLINGS.register("weighted", sees_prompt=True)
def weighted(hidden: Tensor, content: Tensor, real: Tensor) -> Tensor:
    """Position-weighted mean of every token but padding, BOS included, weights 1, 2, 3, ...: MEXA's (2410.05873), SGPT's."""
    return _weighted(hidden, real.to(hidden.dtype).cumsum(dim=1) * real)


@POOLINGS.register("max", sees_prompt=False)
def maximum(hidden: Tensor, content: Tensor, real: Tensor) -> Tensor:
    """Largest value of each dim over the tokens of the sentence."""
    return hidden.masked_fill(~content.unsqueeze(-1), float("-inf")).amax(dim=1)


def _weighted(hidden: Tensor, weights: Tensor) -> Tensor:
    import torch

    # Divided by the sum of the mask, never by the padded length: a sentence's vector must not depend on its batch.
    weights = weights / weights.sum(dim=1, keepdim=True)
    return torch.bmm(weights.unsqueeze(1), hidden).squeeze(1)
