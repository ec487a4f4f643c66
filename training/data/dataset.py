"""A recipe's training and held-out rows, and what they are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from repalign.errors import RepalignError
from repalign.models.templates import TEMPLATES
from training.data.encoding import encode
from training.data.filters import ItemFilter
from training.data.items import Part
from training.data.leakage import check_leakage
from training.data.mixture import Term, draw, parse_mixture, sizes
from training.data.packing import Rows, pack
from training.data.sources import read_source, source_kind
from training.recipe import Recipe


@dataclass(frozen=True)
class Data:
    """What a recipe trains on.

    Attributes:
        train: rows of encoded items.
        held_out: the same for items that are not trained on, one item a row.
        parts: one entry a term of the mixture: name, items, tokens, digest.
    """

    train: Rows
    held_out: Rows
    parts: list[dict[str, Any]]


def read_parts(recipe: Recipe, mixture: str | None = None) -> tuple[list[Part], list[Part]]:
    """The items to train on and those held out, by term of the mixture.

    Held-out items are of the source's own held-out split where it has one, else the last of the part; what
    equals one of them is not trained on.

    Raises:
        RepalignError: a mixture that cannot be read or leaves nothing.
    """
    terms = parse_mixture(mixture or recipe.mixture, recipe.languages)
    sources = [read_source(term.source, term.languages, recipe.sources) for term in terms]
    counts = sizes(terms, [len(source) for source in sources], recipe.temperature)
    item_filter = ItemFilter(recipe.filters)
    parts = [
        draw(*drawn, recipe.seed, item_filter.accepts) for drawn in zip(terms, sources, counts, strict=True)
    ]
    total = sum(len(part.items) for part in parts)
    if not total:
        raise RepalignError(
            f"{recipe.name}: no items are left of mixture {mixture or recipe.mixture!r}{_why(item_filter)}"
        )
    check_leakage(recipe.filters, [item for part in parts for item in part])
    held_out = []
    for place, (term, part) in enumerate(zip(terms, parts, strict=True)):
        share = -(-recipe.train.held_out * len(part.items) // total)
        parts[place], aside = _set_aside(recipe, term, part, share)
        held_out.append(aside)
    if not any(part.items for part in parts):
        raise RepalignError(
            f"{recipe.name}: of {total} items, train.held_out {recipe.train.held_out} leaves none to train on; lower it"
        )
    return parts, held_out


def _why(item_filter: ItemFilter) -> str:
    reasons = ", ".join(f"{count} {reason}" for reason, count in item_filter.dropped.most_common())
    return f" after its filters ({reasons})" if reasons else ""


def _set_aside(recipe: Recipe, term: Term, part: Part, share: int) -> tuple[Part, Part]:
    if source_kind(term.source, recipe.sources).held_out:
        unseen = read_source(term.source, term.languages, recipe.sources, "held-out")
        return part, draw(Term(term.source, term.languages), unseen, min(share, len(unseen)), recipe.seed)
    aside = dict.fromkeys(part.items[max(len(part.items) - share, 0) :])
    return Part(part.name, tuple(item for item in part if item not in aside)), Part(part.name, tuple(aside))


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
    aside = [item for part in held_out for item in encode(part, tokenizer, template, longest)]
    lengths = [len(item) for item in encoded]
    # Unpacked, every row is full with one item: the order is random all the same.
    rows = pack(lengths if recipe.train.packing else [longest] * len(lengths), longest, recipe.seed)
    return Data(Rows(encoded, rows), Rows(aside, [[index] for index in range(len(aside))]), table)
