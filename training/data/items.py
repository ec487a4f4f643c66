"""The training item: an instruction, an optional input, and the answer to learn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from repalign.corpora.scripts import is_blank
from repalign.signature import digest

from .dropped import Dropped

SHOWN = 40
"""Characters of a text that an example shows."""


@dataclass(frozen=True, slots=True)
class Item:
    """One training example. Items are equal if their texts are.

    Attributes:
        instruction: what to do; empty for plain text, of which every token is learnt.
        input: the text it applies to; may be empty.
        output: the answer; only its tokens and the end-of-sequence token are learnt.
        languages: of the text: one code, or source and target of a translation.
    """

    instruction: str
    input: str
    output: str
    languages: tuple[str, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        """Its beginning, for messages."""
        question = self.input or self.instruction
        return " -> ".join(repr(text[:SHOWN]) for text in (question, self.output)[not question :])


class Items(Sequence[Item]):
    """Items created on access, so that a slice of a large source costs only the slice.

    Args:
        count: number of items.
        make: index -> item.
        where: index -> its place in the source, for messages.
        needed: fields of an item without whose text it is empty.
    """

    def __init__(
        self,
        count: int,
        make: Callable[[int], Item],
        where: Callable[[int], str] = lambda index: f"item {index + 1}",
        needed: tuple[str, ...] = ("output",),
    ) -> None:
        self._count, self._make, self.where, self._needed = count, make, where, needed

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Item:  # type: ignore[override]
        if not 0 <= index < self._count:
            raise IndexError(index)
        return self._make(index)

    def is_empty(self, item: Item) -> bool:
        """Whether one of its items lacks text, and so has nothing to teach."""
        return any(is_blank(getattr(item, name)) for name in self._needed)

    def example(self, item: Item) -> str:
        """One of its items, with its place."""
        return f"{self.where(self.index(item))}: {item}"


@dataclass(frozen=True)
class Part:
    """The items that one term of a mixture contributes.

    Attributes:
        name: the term.
        items: those to train on.
        source: where they are from.
        read: number of items drawn from the source.
        dropped: those of them that are not among `items`.
    """

    name: str
    items: tuple[Item, ...]
    source: Items
    read: int
    dropped: Dropped = field(default_factory=Dropped)

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items)

    @property
    def losses(self) -> str:
        """In words; "" for none."""
        lost = self.dropped.counts.total()
        return f"{self.name} loses {lost:,} of {self.read:,} items: {self.dropped.by_reason}" if lost else ""

    @property
    def digest(self) -> str:
        """SHA-256 over all text, as hex."""
        return digest(text for item in self.items for text in (item.instruction, item.input, item.output))
