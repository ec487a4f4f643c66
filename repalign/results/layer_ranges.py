"""Layer numbers as ranges, as the table "peaks" writes them, and back."""

from __future__ import annotations

import re
from collections.abc import Iterable

from repalign.errors import RepalignError


def spans(layers: Iterable[int]) -> list[tuple[int, int]]:
    """First and last of each run of neighbouring layers, ascending.

    >>> spans([8, 3, 4, 5])
    [(3, 5), (8, 8)]
    """
    found: list[tuple[int, int]] = []
    for layer in sorted(map(int, layers)):
        if found and layer == found[-1][1] + 1:
            found[-1] = (found[-1][0], layer)
        else:
            found.append((layer, layer))
    return found


def layer_ranges(layers: Iterable[int]) -> str:
    """As the table "peaks" writes layers.

    >>> layer_ranges([3, 4, 5, 8])
    '3-5,8'
    """
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in spans(layers))


def layer_set(ranges: str) -> tuple[int, ...]:
    """The layers that the table "peaks" lists.

    >>> layer_set("3-5,8")
    (3, 4, 5, 8)

    Raises:
        RepalignError: it is not a list of layers and ranges.
    """
    layers: list[int] = []
    for part in filter(None, ranges.split(",")):
        known = re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", part)
        if known is None:
            raise RepalignError(f"layers {ranges[:40]!r} of a peak are no ranges such as 3-5,8; score again")
        layers += range(int(known[1]), int(known[2] or known[1]) + 1)
    return tuple(layers)
