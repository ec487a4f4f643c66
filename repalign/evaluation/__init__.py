"""What a checkpoint answers, and how right it is: tasks, generation, scores, and what the answers say."""

from __future__ import annotations

from repalign.evaluation.items import Item

__all__ = ["Item"]
