"""`repalign-train data RECIPE`: what a recipe trains on, without training."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from repalign.models.templates import TEMPLATES

from .data.dataset import read_parts
from .data.encoding import Encoded, encode
from .recipe import Recipe

GREEN, PLAIN = "\033[32m", "\033[0m"


def preview(recipe: Recipe, examples: int = 1) -> Iterator[str]:
    """Lines for a terminal: the parts of the mixture with their sizes, and items of each with the answer in green.

    Args:
        examples: items shown of each part.

    Raises:
        RepalignError: see `read_parts`; or a missing parent, whose tokenizer is needed.
    """
    from .model import starting_tokenizer

    parts, held_out = read_parts(recipe)
    tokenizer = starting_tokenizer(recipe)
    template, longest = TEMPLATES[recipe.template], recipe.train.max_length
    yield f"{recipe.name}: {recipe.mixture}\n"
    yield f"{'part':34}{'items':>10}{'tokens':>12}{'learnt':>12}{'held out':>10}"
    for part, part_held_out in zip(parts, held_out, strict=True):
        encoded = encode(part, tokenizer, template, longest)
        tokens, learnt = sum(map(len, encoded)), sum(len(item) - item.answer for item in encoded)
        yield f"{part.name:34}{len(encoded):>10,}{tokens:>12,}{learnt:>12,}{len(part_held_out.items):>10,}"
    for part in parts:
        for item in encode(part.items[:examples], tokenizer, template, longest):
            yield f"\n{part.name}\n{_painted(item, tokenizer)}"


def _painted(item: Encoded, tokenizer: Any) -> str:
    prompt, answer = (tokenizer.decode(ids) for ids in (item.ids[: item.answer], item.ids[item.answer :]))
    colour, plain = (GREEN, PLAIN) if sys.stdout.isatty() else ("[[", "]]")
    return f"{prompt}{colour}{answer}{plain}"
