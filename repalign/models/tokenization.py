"""Tokens of sentences: their ids, and which of them belong to the sentence itself."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from repalign.errors import RepalignError
from repalign.models.encoding import encode
from repalign.models.languages import ModelLanguage, reading
from repalign.models.templates import Template

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True)
class Tokens:
    """One sentence, tokenised within its template.

    Attributes:
        ids: int32 [token].
        content: bool [token]; whether a token belongs to the sentence itself: neither special nor part of the template.
        truncated: whether the sentence lost tokens to the length limit.
        language: id of the language that the model expects, see `ModelLanguage`; -1 if it expects none.
    """

    ids: np.ndarray
    content: np.ndarray
    truncated: bool = False
    language: int = -1

    @property
    def key(self) -> bytes:
        """Equal for sentences whose pooled states are equal."""
        return self.ids.tobytes() + np.packbits(self.content).tobytes()


@dataclass(frozen=True, eq=False)
class Ragged(Sequence[np.ndarray]):
    """Arrays of unequal length in one: `ragged[row]` is a view. A list of small arrays takes ten times the memory.

    Attributes:
        flat: [value], row after row.
        ends: int64 [row], where each row ends.
    """

    flat: np.ndarray
    ends: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        """int64 [row]."""
        return np.diff(self.ends, prepend=0)

    def __len__(self) -> int:
        return len(self.ends)

    @overload
    def __getitem__(self, row: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, row: slice) -> list[np.ndarray]: ...
    def __getitem__(self, row: int | slice) -> np.ndarray | list[np.ndarray]:
        if isinstance(row, slice):
            return [self[number] for number in range(len(self))[row]]
        row = range(len(self))[row]
        return self.flat[self.ends[row - 1] if row else 0 : self.ends[row]]


@dataclass(frozen=True, eq=False)
class TokenRows(Sequence[Tokens]):
    """Tokenised sentences, at five bytes per token; `rows[number]` is a view.

    Attributes:
        ids: int32, one row per sentence.
        content: bool, one row per sentence.
        truncated: bool [sentence].
        language: int32 [sentence], see `Tokens`.
    """

    ids: Ragged
    content: Ragged
    truncated: np.ndarray
    language: np.ndarray

    @classmethod
    def of(cls, rows: Iterable[Tokens]) -> TokenRows:
        """Consumes rows lazily: they are never all in memory as separate arrays."""
        ids, content, ends, truncated, language = bytearray(), bytearray(), [], [], []
        for row in rows:
            ids += row.ids.astype(np.int32).tobytes()
            content += row.content.tobytes()
            ends.append(len(content))
            truncated.append(row.truncated)
            language.append(row.language)
        at = np.array(ends, dtype=np.int64)
        return cls(
            Ragged(np.frombuffer(ids, dtype=np.int32), at),
            Ragged(np.frombuffer(content, dtype=bool), at),
            np.array(truncated, dtype=bool),
            np.array(language, dtype=np.int32),
        )

    @property
    def counts(self) -> np.ndarray:
        """Content tokens, int64 [sentence]."""
        before = np.concatenate([[0], np.cumsum(self.content.flat)])
        return np.diff(before[self.content.ends], prepend=0)

    @property
    def own_ids(self) -> Ragged:
        """The ids of content tokens, one row per sentence."""
        return Ragged(self.ids.flat[self.content.flat], np.cumsum(self.counts))

    def same_as(self, other: TokenRows) -> bool:
        """Whether both have the same tokens."""
        return np.array_equal(self.ids.flat, other.ids.flat) and np.array_equal(self.ids.ends, other.ids.ends)

    def __len__(self) -> int:
        return len(self.truncated)

    @overload
    def __getitem__(self, row: int) -> Tokens: ...
    @overload
    def __getitem__(self, row: slice) -> list[Tokens]: ...
    def __getitem__(self, row: int | slice) -> Tokens | list[Tokens]:
        if isinstance(row, slice):
            return [self[number] for number in range(len(self))[row]]
        return Tokens(self.ids[row], self.content[row], bool(self.truncated[row]), int(self.language[row]))


def tokenize(
    sentences: Sequence[str],
    tokenizer: PreTrainedTokenizerBase,
    template: Template,
    max_length: int,
    causal: bool,
    language: ModelLanguage | None = None,
) -> TokenRows:
    """Tokenise sentences within a template; content tokens are found by character offsets, never by counting.

    Args:
        max_length: maximum number of tokens per row; longer rows are cut and marked as truncated.
        causal: cut the tokens after the sentence's last one, which cannot change its states in a causal model. Do not
            use it with a pooling that reads those tokens.
        language: of the sentences, for a model that expects it; see `ModelLanguages`.

    Raises:
        RepalignError: a template with a tokenizer that returns no offsets; a sentence without any token, or one on
            which the tokenizer fails.
    """
    if not template.is_bare and not tokenizer.is_fast:
        raise RepalignError(
            f"template {template.name!r} needs character offsets, which this slow tokenizer does not give; use --template raw"
        )
    language_id = -1 if language is None else language.id
    with reading(tokenizer, language):
        is_special = special_lookup(tokenizer)
        # The output of a tokenizer takes some kilobytes per sentence: tokenise a thousand at a time.
        parts = (sentences[start : start + 1000] for start in range(0, len(sentences), 1000))
        return TokenRows.of(
            Tokens(*row, language_id)
            for part in parts
            for row in _tokenize(part, tokenizer, template, max_length, causal, is_special)
        )


def _tokenize(
    sentences: Sequence[str],
    tokenizer: PreTrainedTokenizerBase,
    template: Template,
    max_length: int,
    causal: bool,
    is_special: np.ndarray,
) -> Iterator[tuple[np.ndarray, np.ndarray, bool]]:
    """Ids, content and truncated of each row, see `Tokens`."""
    framed = not template.is_bare
    parts = [template.around(sentence) if framed else ("", sentence, "") for sentence in sentences]
    encoded: Any = encode(
        tokenizer, ["".join(p) for p in parts], sentences,
        return_offsets_mapping=framed, return_attention_mask=False, return_special_tokens_mask=True,
    )  # fmt: skip
    for index, (before, sentence, _) in enumerate(parts):
        ids = np.asarray(encoded["input_ids"][index], dtype=np.int32)
        content = ~around_text(ids, encoded["special_tokens_mask"][index], is_special)
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
        yield ids[:length], content[:length], keep > max_length


def without_shared(tokens: Mapping[str, TokenRows]) -> dict[str, TokenRows]:
    """The same sentences with only those content tokens that occur in none of their translations.

    Removes names, digits and loanwords, by which even an untrained model finds translations. A sentence that would
    lose every token keeps all.
    """
    out = {
        language: replace(rows, content=Ragged(rows.content.flat.copy(), rows.content.ends))
        for language, rows in tokens.items()
    }
    for number in range(len(next(iter(tokens.values())))):
        rows = {language: rows[number] for language, rows in tokens.items()}
        for language, row in rows.items():
            others = [other.ids[other.content] for other in rows.values() if other is not row]
            own = row.content & ~np.isin(row.ids, np.concatenate([row.ids[:0], *others]))
            if own.any():
                out[language].content[number][:] = own
    return out


def special_lookup(tokenizer: PreTrainedTokenizerBase) -> np.ndarray:
    """bool [id + 1]: whether each id is special; the last entry stands for all higher ids."""
    special = special_ids(tokenizer)
    lookup = np.zeros(max(special, default=-1) + 2, dtype=bool)
    lookup[list(special)] = True
    return lookup


def around_text(ids: np.ndarray, added: Sequence[int], is_special: np.ndarray) -> np.ndarray:
    """bool [token]: whether a token is special, or was added by the tokenizer.

    Args:
        ids: int [token].
        added: the tokenizer's `special_tokens_mask`.
        is_special: see `special_lookup`.
    """
    outside = is_special[np.minimum(ids, len(is_special) - 1)]
    if len(added) == len(ids):  # some slow tokenizers add tokens that they do not count
        outside |= np.asarray(added) == 1
    return outside


def special_ids(tokenizer: PreTrainedTokenizerBase) -> set[int]:
    """Ids of the tokens that the tokenizer calls special, in whichever of its files; the unknown token is content.

    By id, not by position: a tokenizer without BOS loses no word, and one that adds two special tokens loses both.
    What the tokenizer adds around a text need not be special: `tokenize` asks for that, too.
    """
    ids = {id for id, token in tokenizer.added_tokens_decoder.items() if token.special}
    ids |= {id for id in tokenizer.all_special_ids if id is not None}
    roles = ("bos", "eos", "pad", "cls", "sep", "mask")
    named = {getattr(tokenizer, f"{role}_token_id", None) for role in roles}
    return ids - ({_unknown_id(tokenizer)} - named)


def _unknown_id(tokenizer: Any) -> int | None:
    """The id of the unknown token, also if only tokenizer.json names it."""
    if tokenizer.unk_token_id is not None or not tokenizer.is_fast:
        return tokenizer.unk_token_id
    model = tokenizer.backend_tokenizer.model
    if hasattr(model, "unk_token"):
        return None if model.unk_token is None else model.token_to_id(model.unk_token)
    return json.loads(model.__getstate__()).get("unk_id")  # Unigram, which has no attribute for it
