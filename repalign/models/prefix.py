"""A prefix that all sentences share, such as a template's instruction: its keys and values are computed once."""

from __future__ import annotations

import copy
import inspect
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

MIN_PREFIX = 8
"""Shortest shared prefix, in tokens, for which a cache of keys and values saves time."""


@dataclass(frozen=True)
class Prefix:
    """The prefix of all rows: its number of tokens, and their keys and values."""

    length: int
    cache: Any


@torch.inference_mode()
def read_prefix(body: nn.Module, ids: Tensor) -> Prefix:
    """The keys and values of some tokens.

    Args:
        body: a causal model without its head.
        ids: int64 [token].
    """
    output = body(input_ids=ids.unsqueeze(0), use_cache=True)
    return Prefix(len(ids), getattr(output, _cache_name(body)))


def continue_from(prefix: Prefix, body: nn.Module, rows: int) -> dict[str, Any]:
    """The arguments with which a body continues from a prefix in a batch of `rows` sentences."""
    cache = copy.deepcopy(prefix.cache)  # a forward pass appends to it
    cache.batch_repeat_interleave(rows)
    return {_cache_name(body): cache, "use_cache": True}


def _cache_name(body: nn.Module) -> str:
    # transformers renamed the argument and the output in 5.24. The class is asked: hooks may replace the method.
    return "cache" if "cache" in inspect.signature(type(body).forward).parameters else "past_key_values"
