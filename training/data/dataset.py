"""A recipe's training and held-out rows, and their composition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from repalign import RepalignError
from repalign.models.templates import TEMPLATES

from ..recipe import Recipe
from ..settings import Settings
from .dropped import HELD_OUT, TOO_LONG
from .encoding import Encodings, encode
from .filters import ItemFilter, check_losses
from .items import Part
from .leakage import check_leakage
from .mixture import Term, draw, parse_mixture, sizes
from .packing import Rows, pack
from .sources import read_source, source_kind


@dataclass(frozen=True)
class EncodedPart:
    """What one term of the mixture contributes, as tokens.

    Attributes:
        part: its items; `dropped` includes what `max_length` cuts off.
        train, held_out: tokens.
    """

    part: Part
    train: Encodings
    held_out: Encodings

    @property
    def entry(self) -> dict[str, Any]:
        """For the card: what was `read` is in `items` (trained on), in `dropped` by reason, or in `held_out`, unless the
        source has a held-out split."""
        return {
            "name": self.part.name,
            "read": self.part.read,
            "dropped": dict(self.part.dropped.counts),
            "items": len(self.train.items),
            "truncated": self.train.truncated,
            "held_out": len(self.held_out.items) + len(self.held_out.without_answer),
            "tokens": sum(map(len, self.train.items)),
            "digest": self.part.digest,
        }

    @property
    def losses(self) -> list[str]:
        """Lines for people on what is not trained on, or not as a whole."""
        lines = [self.part.losses] if self.part.losses else []
        for kind, count in (
            ("items are truncated to", self.train.truncated),
            ("held-out items have no answer within", len(self.held_out.without_answer)),
        ):
            if count:
                lines.append(f"{self.part.name}: {count:,} {kind} train.max_length")
        return lines


@dataclass(frozen=True)
class Data:
    """What a recipe trains on.

    Attributes:
        train: rows of encoded items.
        held_out: the same for held-out items, one per row.
        parts: one entry per term of the mixture, see `EncodedPart.entry`.
        losses: lines on the parts that have lost anything.
    """

    train: Rows
    held_out: Rows
    parts: list[dict[str, Any]]
    losses: list[str] = field(default_factory=list)

    def epochs(self, settings: Settings) -> float:
        """Passes over the rows: those of the settings, or as many as their number of tokens takes."""
        return settings.tokens / self.train.tokens if settings.tokens else settings.epochs


def read_parts(
    recipe: Recipe, mixture: str | None = None, drop_limit: float | None = None
) -> tuple[list[Part], list[Part]]:
    """The items to train on and those held out, by term of the mixture.

    Held-out items come from the held-out split of the source if it has one, else they are the last of the part;
    items equal to one of them are not trained on.

    Args:
        mixture: in place of the recipe's.
        drop_limit: in place of that of the recipe's filters.

    Raises:
        RepalignError: a mixture that cannot be read or leaves nothing, or a part that loses too many items.
    """
    terms = parse_mixture(mixture or recipe.mixture, recipe.languages)
    sources = [read_source(term.source, term.languages, recipe.sources) for term in terms]
    counts = sizes(terms, [len(source) for source in sources], recipe.temperature)
    item_filter = ItemFilter(recipe.filters)
    parts = [
        draw(term, source, count, recipe.seed, item_filter.reason_to_drop)
        for term, source, count in zip(terms, sources, counts, strict=True)
    ]
    check_losses(parts, recipe.filters.drop_limit if drop_limit is None else drop_limit)
    total = sum(len(part.items) for part in parts)
    if not total:
        lost = "; ".join(part.losses for part in parts)
        raise RepalignError(
            f"{recipe.name}: no items are left of mixture {mixture or recipe.mixture!r}: {lost}"
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


def _split(recipe: Recipe, term: Term, part: Part, count: int) -> tuple[Part, Part]:
    """The part without its `count` held-out items, and these."""
    if source_kind(term.source, recipe.sources).held_out:
        unseen = read_source(term.source, term.languages, recipe.sources, "held-out")
        return part, draw(Term(term.source, term.languages), unseen, min(count, len(unseen)), recipe.seed)
    held_out = dict.fromkeys(part.items[max(len(part.items) - count, 0) :])
    trained = tuple(item for item in part if item not in held_out)
    copies = len(part.items) - len(trained) - len(held_out)
    example = part.source.example(next(iter(held_out))) if copies else ""
    dropped = part.dropped.with_reason(HELD_OUT, copies, example)
    return replace(part, items=trained, dropped=dropped), replace(part, items=tuple(held_out))


def encode_parts(
    recipe: Recipe, parts: Sequence[Part], held_out: Sequence[Part], tokenizer: Any
) -> list[EncodedPart]:
    """Tokenise what `read_parts` returns.

    Raises:
        RepalignError: see `encode`.
    """
    template, longest = TEMPLATES[recipe.template], recipe.train.max_length
    encoded = []
    for part, unseen in zip(parts, held_out, strict=True):
        train = encode(part, tokenizer, template, longest)
        cut = train.without_answer
        example = part.source.example(part.items[cut[0]]) if cut else ""
        part = replace(part, dropped=part.dropped.with_reason(TOO_LONG, len(cut), example))
        encoded.append(EncodedPart(part, train, encode(unseen, tokenizer, template, longest)))
    return encoded


def read_data(recipe: Recipe, tokenizer: Any) -> Data:
    """Read, encode and pack everything a recipe trains on.

    Raises:
        RepalignError: see `read_parts` and `encode`; or no answer fits into `max_length` tokens.
    """
    parts = encode_parts(recipe, *read_parts(recipe), tokenizer)
    longest = recipe.train.max_length
    encoded = [item for part in parts for item in part.train.items]
    if not encoded:
        raise RepalignError(f"{recipe.name}: no answer fits into {longest} tokens; raise train.max_length")
    check_losses((part.part for part in parts), recipe.filters.drop_limit)
    unseen = [item for part in parts for item in part.held_out.items]
    lengths = [len(item) for item in encoded]
    # Without packing every item fills a row, so that `pack` only shuffles them.
    rows = pack(lengths if recipe.train.packing else [longest] * len(lengths), longest, recipe.seed)
    return Data(
        Rows(encoded, rows),
        Rows(unseen, [[index] for index in range(len(unseen))]),
        [part.entry for part in parts],
        [line for part in parts for line in part.losses],
    )
