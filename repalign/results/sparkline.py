"""A curve in a cell of a table."""

from __future__ import annotations

from collections.abc import Sequence

WIDTH, HEIGHT, MARGIN = 120, 24, 2
"""Pixels."""


def sparkline(values: Sequence[float], low: float, high: float) -> str:
    """An SVG of scores by layer; missing ones are left out.

    >>> sparkline([0.0, 1.0], 0.0, 1.0)
    '<svg width="120" height="24"><polyline points="2,22 118,2" fill="none" stroke="currentColor"/></svg>'

    Args:
        values: one for each layer.
        low, high: the scores at the bottom and at the top, the same for all curves that are compared.
    """
    across = (WIDTH - 2 * MARGIN) / max(1, len(values) - 1)
    up = (HEIGHT - 2 * MARGIN) / ((high - low) or 1)
    points = " ".join(
        f"{MARGIN + across * place:.3g},{HEIGHT - MARGIN - up * (value - low):.3g}"
        for place, value in enumerate(values)
        if value == value
    )
    line = f'<polyline points="{points}" fill="none" stroke="currentColor"/>'
    return f'<svg width="{WIDTH}" height="{HEIGHT}">{line}</svg>'
