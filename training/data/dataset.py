"""A recipe's training and held-out rows, and their composition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from repalign import RepalignError
from repalign.models.templates import TEMPLATES

from ..recipe import Recipe
from .encoding import encode
from .filters import ItemFilter
from .items import Part
from .leakage import check_leakage
from .mixture import Term, draw, parse_mixture, sizes
from .packing import Rows, pack
from .sources import read_source, source_kind


@dataclass(frozen=True)
class Data:
    """What a recipe trains on.

    Attributes:
        train: rows of encoded items.
        held_out: the same for held-out items, one per row.
        parts: one entry per term of the mixture: name, items, tokens, digest.
    """

    train: Rows
    held_out: Rows
    parts: list[dict[str, Any]]


def read_parts(recipe: Recipe, mixture: str | None = None) -> tuple[list[Part], list[Part]]:
    """The items to train on and those held out, by term of the mixture.

    Held-out items come from the held-out split of the source if it has one, else they are the last of the part;
    items equal to one of them are not trained on.

    Raises:
        RepalignError: a mixture that cannot be read or leaves nothing.
    """
    terms = parse_mixture(mixture or recipe.mixture, recipe.languages)
    sources = [read_source(term.source, term.languages, recipe.sources) for term in terms]
    counts = sizes(terms, [len(source) for source in sources], recipe.temperature)
    item_filter = ItemFilter(recipe.filters)
    parts = [
        draw(term, source, count, recipe.seed, item_filter.accepts)
        for term, source, count in zip(terms, sources, counts, strict=True)
    ]
    total = sum(len(part.items) for part in parts)
    if not total:
        raise RepalignError(
            f"{recipe.name}: no items are left of mixture {mixture or recipe.mixture!r}{_rejections(item_filter)}"
        )
    check_leakage(recipe.filters, [item for part in parts for item in part])
    held_out = []
    for index, (term, part) in enumerate(zip(terms, parts, strict=True)):
        count = -(-recipe.train.held_out * len(part.items) // total)
        parts[index], part_held_out = _split(recipe, term, part, count)
        held_out.append(part_held_out)
    if not any(part.items for part in parts):
        raise RepalignError(
            f"{recipe.name}: of {total} items, train.held_out {recipe.train.held_out} leaves none to train on; lower it"
        )
    return parts, held_out


def _rejections(item_filter: ItemFilter) -> str:
    reasons = ", ".join(f"{count} {reason}" for reason, count in item_filter.dropped.most_common())
    return f" after its filters ({reasons})" if reasons else ""


def _split(recipe: Recipe, term: Term, part: Part, count: int) -> tuple[Part, Part]:
    """The part without its `count` held-out items, and these."""
    if source_kind(term.source, recipe.sources).held_out:
        unseen = read_source(term.source, term.languages, recipe.sources, "held-out")
        return part, draw(Term(term.source, term.languages), unseen, min(count, len(unseen)), recipe.seed)
    held_out = dict.fromkeys(part.items[max(len(part.items) - count, 0) :])
    trained = tuple(item for item in part if item not in held_out)
    return Part(part.name, trained), Part(part.name, tuple(held_out))


def read_data(recipe: Recipe, tokenizer: Any) -> Data:
    """Read, encode and pack everything a recipe trains on.

    Raises:
        RepalignError: see `read_parts` and `encode`; or no answer fits into `max_length` tokens.
    """
    template, longest = TEMPLATES[recipe.template], recipe.train.max_length
    parts, held_out = read_parts(recipe)
    encoded, table = [], []
    for part in parts:
        items = encode(part, tokenizer, template, longest)
        table.append(
            {"name": part.name, "items": len(items), "tokens": sum(map(len, items)), "digest": part.digest}
        )
        encoded += items
    if not encoded:
        raise RepalignError(f"{recipe.name}: no answer fits into {longest} tokens; raise train.max_length")
    unseen = [item for part in held_out for item in encode(part, tokenizer, template, longest)]
    lengths = [len(item) for item in encoded]
    # Without packing every item fills a row, so that `pack` only shuffles them.
    rows = pack(lengths if recipe.train.packing else [longest] * len(lengths), longest, recipe.seed)
    return Data(Rows(encoded, rows), Rows(unseen, [[index] for index in range(len(unseen))]), table)
