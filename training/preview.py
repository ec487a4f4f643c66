"""`repalign-train data RECIPE`: what a recipe trains on, without training."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

from repalign.models.templates import TEMPLATES

from .data.dataset import EncodedPart, encode_parts, read_parts
from .data.dropped import REMEDIES
from .data.encoding import Encoded, encode
from .data.filters import check_losses
from .recipe import Recipe

GREEN, PLAIN = "\033[32m", "\033[0m"


def preview(recipe: Recipe, examples: int = 1) -> Iterator[str]:
    """Lines for a terminal: the parts of the mixture with their sizes and losses, and items with the answer in green.

    Args:
        examples: items shown of each part.

    Raises:
        RepalignError: see `read_parts`; or a missing parent, whose tokenizer is needed. That a part loses too many items
            is raised after the table.
    """
    from .model import starting_tokenizer

    parts, held_out = read_parts(recipe, drop_limit=1.0)
    tokenizer = starting_tokenizer(recipe)
    encoded = encode_parts(recipe, parts, held_out, tokenizer)
    yield f"{recipe.name}: {recipe.mixture}\n"
    yield from _table(encoded)
    for part in encoded:
        yield from part.losses
    check_losses((part.part for part in encoded), recipe.filters.drop_limit)
    for part in parts:
        chosen = encode(part.items[:examples], tokenizer, TEMPLATES[recipe.template], recipe.train.max_length)
        for item in chosen.items:
            yield f"\n{part.name}\n{_painted(item, tokenizer)}"


def _table(parts: Sequence[EncodedPart]) -> Iterator[str]:
    """Items read, dropped by each reason that occurs, held out and kept; tokens, and those of them that are learnt."""
    reasons = [reason for reason in REMEDIES if any(reason in part.part.dropped.counts for part in parts)]
    header = ["read", *reasons, "held out", "kept", "truncated", "tokens", "learnt"]
    widths = [max(len(name), 10) + 2 for name in header]
    yield f"{'part':34}" + "".join(f"{name:>{width}}" for name, width in zip(header, widths, strict=True))
    for part in parts:
        entry = part.entry
        learnt = sum(len(item) - item.answer for item in part.train.items)
        dropped = [entry["dropped"].get(reason, 0) for reason in reasons]
        sizes = [entry[key] for key in ("held_out", "items", "truncated", "tokens")]
        counts = zip([entry["read"], *dropped, *sizes, learnt], widths, strict=True)
        yield f"{part.part.name:34}" + "".join(f"{count:>{width},}" for count, width in counts)


def _painted(item: Encoded, tokenizer: Any) -> str:
    prompt, answer = (tokenizer.decode(ids) for ids in (item.ids[: item.answer], item.ids[item.answer :]))
    colour, plain = (GREEN, PLAIN) if sys.stdout.isatty() else ("[[", "]]")
    return f"{prompt}{colour}{answer}{plain}"
