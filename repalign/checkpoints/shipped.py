"""The checkpoints that come with the package: the demo family, as its recipes trained it.

`analyses/demo_checkpoints.py` makes the folder `demo` from trained checkpoints.
"""

from __future__ import annotations

from pathlib import Path

from repalign.checkpoints.card import CARD

SHIPPED = Path(__file__).with_name("demo")
"""One folder per checkpoint, and `MANIFEST`."""

MANIFEST = "manifest.json"
"""Which commit trained them, and the SHA-256 of every file."""


def shipped_names() -> list[str]:
    """Names of the checkpoints that come with the package."""
    return sorted(path.parent.name for path in SHIPPED.glob(f"*/{CARD}"))


def shipped_folder(name: str) -> Path | None:
    """The folder of a shipped checkpoint, or None."""
    return SHIPPED / name if name in shipped_names() else None
