"""Registry: named metrics, poolings, templates, reducers, figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from repalign.errors import RepalignError, unknown

T = TypeVar("T")


class Registry(Generic[T]):
    """A dictionary whose look-up suggests the closest known name."""

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

    def __getitem__(self, name: str) -> T:
        if name not in self._items:
            raise unknown(self.kind, name, self._items)
        return self._items[name]

    def __contains__(self, name: object) -> bool:
        return name in self._items

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._items))

    def __len__(self) -> int:
        return len(self._items)
