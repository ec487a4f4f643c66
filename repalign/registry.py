"""Registry: named metrics, poolings, templates, reducers, figures."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from repalign.errors import RepalignError, unknown

T = TypeVar("T")


class Registry(Generic[T]):
    """A dictionary that also finds items by their labels, in any case, and whose look-up suggests the closest known name."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._items: dict[str, T] = {}

    def add(self, name: str, item: T) -> T:
        """Register `item` under a unique name.

        Raises:
            RepalignError: the name belongs to another item.
        """
        if name in self._items and self._items[name] is not item:
            raise RepalignError(f"a {self.kind} named {name!r} already exists; choose another name")
        self._items[name] = item
        return item

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator form of `add`."""
        return lambda item: self.add(name, item)

    def name_of(self, written: str) -> str | None:
        """The name of an item that is written as its name or label, in any case; None for an unknown or ambiguous one.

        >>> METRICS.name_of("P@1"), METRICS.name_of("cka (debiased)"), METRICS.name_of("nonsense")
        ('p_at_1', 'cka', None)
        """
        if written in self._items:
            return written
        asked = _folded(written)
        named = [name for name in self._items if _folded(name) == asked]
        labelled = [
            name for name, item in self._items.items() if _folded(str(getattr(item, "label", ""))) == asked
        ]
        meant = named or labelled
        return meant[0] if asked and len(meant) == 1 else None

    def __getitem__(self, name: str) -> T:
        known = self.name_of(name)
        if known is None:
            raise unknown(self.kind, name, self._items)
        return self._items[known]

    def __contains__(self, name: object) -> bool:
        return name in self._items

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._items))

    def __len__(self) -> int:
        return len(self._items)


def _folded(name: str) -> str:
    """Letters, digits and signs of a name, without case, spaces and hyphens."""
    return re.sub(r"[\s_-]", "", name).casefold()
