"""Tokens of sentences, and batches of sentences of like length within a budget of tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from repalign.errors import RepalignError
from repalign.templates import Template

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


BUSY = 2048
"""Tokens in a batch that keep any device busy; a CPU, whose budget is smaller, needs an eighth of it."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """One sentence, tokenised within its template.

    Attributes:
        ids: int32 [token].
        content: bool [token]; the sentence's own tokens: neither special nor part of the template.
        truncated: whether the sentence lost tokens to the length limit.
    """

    ids: np.ndarray
    content: np.ndarray
    truncated: bool = False

    @property
    def key(self) -> bytes:
        """Equal for sentences whose pooled states are equal."""
        return self.ids.tobytes() + np.packbits(self.content).tobytes()


def tokenize(
    sentences: Sequence[str],
    tokenizer: PreTrainedTokenizerBase,
    template: Template,
    max_length: int,
    causal: bool,
) -> list[Tokens]:
    """Tokenise sentences within a template; content tokens are found by character offsets, never by counting.

    For a causal model the tokens after the sentence's last one are cut: they cannot change its states.

    Raises:
        RepalignError: a template with a tokenizer that gives no offsets; a sentence without any token.
    """
    if template.name != "raw" and not tokenizer.is_fast:
        raise RepalignError(
            f"template {template.name!r} needs character offsets, which this slow tokenizer does not give; use --template raw"
        )
    special = np.array(sorted(special_ids(tokenizer)), dtype=np.int32)
    # A tokenizer's own account of a sentence takes some kilobytes: of a thousand at a time.
    parts = [sentences[start : start + 1000] for start in range(0, len(sentences), 1000)]
    return [
        row for part in parts for row in _tokenize(part, tokenizer, template, max_length, causal, special)
    ]


def _tokenize(
    sentences: Sequence[str],
    tokenizer: PreTrainedTokenizerBase,
    template: Template,
    max_length: int,
    causal: bool,
    special: np.ndarray,
) -> Iterator[Tokens]:
    framed = template.name != "raw"
    parts = [template.around(sentence) if framed else ("", sentence, "") for sentence in sentences]
    encoded = tokenizer(
        ["".join(p) for p in parts], return_offsets_mapping=framed, return_attention_mask=False
    )
    for index, (before, sentence, _) in enumerate(parts):
        ids = np.asarray(encoded["input_ids"][index], dtype=np.int32)
        content = ~np.isin(ids, special)
        if framed:
            offsets = np.asarray(encoded["offset_mapping"][index])
            start, end = len(before), len(before) + len(sentence)
            content &= (offsets[:, 0] < end) & (offsets[:, 1] > start) & (offsets[:, 1] > offsets[:, 0])
        if not content.any():
            raise RepalignError(
                f"sentence {sentence[:60]!r} has no tokens of its own with this tokenizer; drop it"
            )
        keep = int(np.flatnonzero(content)[-1]) + 1 if causal else len(ids)
        length = min(keep, max_length)
        yield Tokens(ids[:length].copy(), content[:length].copy(), keep > max_length)


def without_shared(tokens: Mapping[str, Sequence[Tokens]]) -> dict[str, list[Tokens]]:
    """The same sentences with only those content tokens that occur in none of their translations.

    Takes away names, digits and loans, through which even an untrained model finds translations. A sentence of which
    nothing would be left keeps all.
    """
    out: dict[str, list[Tokens]] = {language: [] for language in tokens}
    for rows in zip(*tokens.values(), strict=True):
        for language, row in zip(tokens, rows, strict=True):
            others = [other.ids[other.content] for other in rows if other is not row]
            own = row.content & ~np.isin(row.ids, np.concatenate([row.ids[:0], *others]))
            out[language].append(replace(row, content=own) if own.any() else row)
    return out


def special_ids(tokenizer: PreTrainedTokenizerBase) -> set[int]:
    """Ids of BOS, EOS, padding, class, separator, mask and language tokens; the unknown token is content.

    By id, not by place: a tokenizer without BOS loses no word, and one that adds two special tokens loses both.
    """
    ids = set(tokenizer.all_special_ids)
    roles = ("bos", "eos", "pad", "cls", "sep", "mask")
    named = {getattr(tokenizer, f"{role}_token_id", None) for role in roles}
    if tokenizer.unk_token_id not in named:
        ids.discard(tokenizer.unk_token_id)
    return ids


def plan(lengths: Sequence[int], budget: int) -> Iterator[np.ndarray]:
    """Batches of row numbers, of like length, each at most `budget` padded tokens (at least one row).

    A batch large enough to keep the device busy also ends where the next row is a tenth longer than its first: padding
    then costs more than another batch. The plan depends on nothing but lengths and budget, so that a resumed run forms
    the same batches.
    """
    order = np.argsort(np.asarray(lengths), kind="stable")
    start = 0
    for end in range(1, len(order) + 1):
        rows = end - start
        if end < len(order):
            # Lengths ascend: the row at `end` would be the longest, so it decides the padded length.
            longest, last, first = (lengths[order[i]] for i in (end, end - 1, start))
            full = (rows + 1) * longest > budget
            busy = rows * last >= min(budget / 8, BUSY)
            if not full and not (busy and longest > 1.1 * first):
                continue
        yield order[start:end]
        start = end


def common_prefix(rows: Sequence[Tokens]) -> int:
    """Number of leading tokens that all rows share and that are no content: the template's head (and BOS)."""
    first = rows[0].ids
    shared = min(int(np.argmax(row.content)) for row in rows)
    for row in rows:
        same = row.ids[:shared] == first[:shared]
        shared = shared if same.all() else int(np.argmin(same))
    return shared
