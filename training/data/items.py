"""The training item: an instruction, an optional input, and the answer to learn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from repalign.signature import digest


@dataclass(frozen=True, slots=True)
class Item:
    """One training example.

    Attributes:
        instruction: what to do; empty for plain text, of which every token is learnt.
        input: the text it applies to; may be empty.
        output: the answer; only its tokens and the end-of-sequence token are learnt.
        languages: of the text: one code, or source and target of a translation.
    """

    instruction: str
    input: str
    output: str
    languages: tuple[str, ...] = ()


class Items(Sequence[Item]):
    """Items created on access, so that a slice of a large source costs only the slice."""

    def __init__(self, count: int, make: Callable[[int], Item]) -> None:
        self._count, self._make = count, make

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Item:  # type: ignore[override]
        if not 0 <= index < self._count:
            raise IndexError(index)
        return self._make(index)


@dataclass(frozen=True)
class Part:
    """The items that one term of a mixture contributes."""

    name: str
    items: tuple[Item, ...]

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items)

    @property
    def digest(self) -> str:
        """SHA-256 over all text, as hex."""
        return digest(text for item in self.items for text in (item.instruction, item.input, item.output))
