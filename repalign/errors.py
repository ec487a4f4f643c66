"""The one error class: what was expected, what came, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class RepalignError(Exception):
    """A mistake the user can mend. The command line prints its message as one line and exits with code 1."""


def unknown(kind: str, name: str, known: Iterable[str], hint: str = "") -> RepalignError:
    """The error for a name that means nothing, with the near miss where there is one.

    >>> str(unknown("metric", "mexxa", ["mexa", "cka"]))
    "no metric named 'mexxa'; did you mean 'mexa'? (known: cka, mexa)"
    """
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    parts = [f"no {kind} named {name!r}"]
    if close:
        parts.append(f"; did you mean {close[0]!r}?")
    if known:
        listed = ", ".join(known[:20]) + (", ..." if len(known) > 20 else "")
        parts.append(f" (known: {listed})" if close else f"; known: {listed}")
    if hint:
        parts.append(f"; {hint}")
    return RepalignError("".join(parts))
