"""Evaluation: tasks, generated answers, scores with intervals, and what else the answers show."""

from __future__ import annotations

from repalign.evaluation.items import Item

__all__ = ["Item"]
