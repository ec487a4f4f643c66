"""`python -m training data RECIPE`: what a recipe trains on, without training."""

from __future__ import annotations

import sys
from typing import Any

from repalign.models.templates import TEMPLATES
from training.data.dataset import read_parts
from training.data.encoding import encode
from training.recipe import Recipe

LEARNT, PLAIN = "\033[32m", "\033[0m"


def preview(recipe: Recipe, examples: int = 1) -> None:
    """Print the parts of the mixture with their sizes and an item of each, its learnt part in green.

    Raises:
        RepalignError: see `read_parts`; or a parent that is not there, whose tokenizer is needed.
    """
    from training.model import starting_tokenizer

    parts, held_out = read_parts(recipe)
    tokenizer = starting_tokenizer(recipe)
    template, longest = TEMPLATES[recipe.template], recipe.train.max_length
    print(f"{recipe.name}: {recipe.mixture}\n")
    print(f"{'part':34}{'items':>10}{'tokens':>12}{'learnt':>12}{'held out':>10}")
    for part, aside in zip(parts, held_out, strict=True):
        encoded = encode(part, tokenizer, template, longest)
        tokens, learnt = sum(map(len, encoded)), sum(len(item) - item.answer for item in encoded)
        print(f"{part.name:34}{len(encoded):>10,}{tokens:>12,}{learnt:>12,}{len(aside.items):>10,}")
    for part in parts:
        for encoded in encode(part.items[:examples], tokenizer, template, longest):
            print(f"\n{part.name}\n{_painted(encoded, tokenizer)}")


def _painted(encoded: Any, tokenizer: Any) -> str:
    prompt, answer = (
        tokenizer.decode(ids) for ids in (encoded.ids[: encoded.answer], encoded.ids[encoded.answer :])
    )
    colour, plain = (LEARNT, PLAIN) if sys.stdout.isatty() else ("[[", "]]")
    return f"{prompt}{colour}{answer}{plain}"
