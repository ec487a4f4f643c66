"""The size of a corpus: sentences and tokens of each language, counted where there is text and a tokenizer, else estimated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from repalign.files import read_toml, typed
from repalign.models.batching import plan
from repalign.models.templates import RAW, Template

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from repalign.corpora import ParallelCorpus

PADDING = 1.05
"""Tokens with padding for one without, where lengths are not known: measured on NTREX, in batches by length."""

MAX_TOKENS = 2048
"""Tokens of a sentence that are read at most."""


class _Mean(TypedDict):
    characters: float
    tokens: float


class _Fertility(TypedDict):
    source: str
    languages: dict[str, _Mean]


@dataclass(frozen=True)
class LanguageSize:
    """What is read of one language.

    Attributes:
        sentences: distinct ones, which are computed and stored once.
        tokens: of them, without padding.
        lengths: tokens of each, int [sentence]; None where they are estimated.
    """

    sentences: int
    tokens: float
    lengths: np.ndarray | None = None

    def batches(self, budget: int) -> list[tuple[int, int]]:
        """Rows and padded length of each batch; without lengths, batches of the mean length."""
        if self.lengths is None:
            width = max(round(PADDING * self.tokens / max(self.sentences, 1)), 1)
            rows = max(budget // width, 1)
            full, rest = divmod(self.sentences, rows)
            return [(rows, width)] * full + [(rest, width)] * (rest > 0)
        return [(len(rows), int(self.lengths[rows].max())) for rows in plan(self.lengths.tolist(), budget)]


@dataclass(frozen=True)
class TextSize:
    """What is read of a corpus.

    Attributes:
        languages: the size of each.
        source: where the numbers are from.
        sentences: of every language, duplicates included.
    """

    languages: Mapping[str, LanguageSize]
    source: str
    sentences: int

    @property
    def tokens(self) -> float:
        """Of all languages, without padding."""
        return sum(one.tokens for one in self.languages.values())

    @property
    def rows(self) -> int:
        """Distinct sentences of all languages."""
        return sum(one.sentences for one in self.languages.values())


def counted(corpus: ParallelCorpus, tokenizer: PreTrainedTokenizerBase, template: Template = RAW) -> TextSize:
    """The size of a corpus by a model's tokenizer: identical sequences of tokens count once, as in the store."""
    from repalign.models.tokenization import tokenize

    languages = {}
    for language, sentences in corpus.sentences.items():
        rows = tokenize(sentences, tokenizer, template, MAX_TOKENS, True)
        lengths = np.array([len(ids) for ids in {row.key: row.ids for row in rows}.values()])
        languages[language] = LanguageSize(len(lengths), float(lengths.sum()), lengths)
    return TextSize(languages, "counted with the model's tokenizer", len(corpus))


def estimated(corpus: ParallelCorpus, template: Template = RAW) -> TextSize:
    """The size of a corpus by its characters and the tokens per character of each language."""
    known = _known()
    frame = _frame(known, template)
    languages = {}
    for language, sentences in corpus.sentences.items():
        distinct = set(sentences)
        of = _mean_of(known, language)
        tokens = sum(map(len, distinct)) * of["tokens"] / of["characters"] + len(distinct) * frame
        languages[language] = LanguageSize(len(distinct), tokens)
    source = f"estimated from characters, by {known['source']}{_mean_for(known, languages)}{_with_frame(template, frame)}"
    return TextSize(languages, source, len(corpus))


def imagined(languages: Sequence[str], sentences: int, template: Template = RAW) -> TextSize:
    """The size of a corpus that does not exist yet: news sentences, no duplicates."""
    known = _known()
    frame = _frame(known, template)
    sizes = {
        language: LanguageSize(sentences, sentences * (_mean_of(known, language)["tokens"] + frame))
        for language in languages
    }
    source = f"estimated as {known['source']}{_mean_for(known, languages)}{_with_frame(template, frame)}; duplicates are not known"
    return TextSize(sizes, source, sentences)


def _known() -> _Fertility:
    path = Path(__file__).with_name("fertility.toml")
    return typed(read_toml(path), _Fertility, path)


def _mean_of(known: _Fertility, language: str) -> _Mean:
    table = known["languages"]
    if language in table:
        return table[language]
    return {
        "characters": mean(one["characters"] for one in table.values()),
        "tokens": mean(one["tokens"] for one in table.values()),
    }


def _frame(known: _Fertility, template: Template) -> float:
    """Tokens that a template, which is in English, puts before a sentence; those after it are not read."""
    english = known["languages"]["en"]
    return len(template.around("")[0]) * english["tokens"] / english["characters"]


def _with_frame(template: Template, tokens: float) -> str:
    return "" if template.is_bare else f", and {tokens:.0f} tokens of the template {template.name} each"


def _mean_for(known: _Fertility, languages: Sequence[str] | Mapping[str, LanguageSize]) -> str:
    others = [language for language in languages if language not in known["languages"]]
    return f", {len(others)} other languages as their mean" if others else ""
