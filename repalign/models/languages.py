"""The language of a sentence, where a model expects it: as a token, or beside the text as a number."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repalign.corpora.language_choice import match_language
from repalign.corpora.languages import looks_like_code
from repalign.errors import RepalignError
from repalign.models.encoding import encode

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedTokenizerBase

MAX_LISTED = 60
"""Languages that a message lists; NLLB has 200."""


LANGUAGE_TOKEN = re.compile(r"__[a-z]{2,3}__|[a-z]{2,3}_([A-Z][a-z]{3}|[A-Z]{2})")
"""Tokens such as `__en__`, `eng_Latn` and `en_XX`."""


@dataclass(frozen=True)
class ModelLanguage:
    """One language, as a model expects it.

    Attributes:
        code: the model's own, e.g. "eng_Latn" or "en_XX".
        id: of its token, of its adapter (X-MOD), or of its embedding (XLM).
    """

    code: str
    id: int


@dataclass(frozen=True)
class ModelLanguages:
    """The languages of a model that expects that of each sentence.

    Attributes:
        name: of the model, for messages.
        ids: the model's codes, and the id of each, see `ModelLanguage`.
        by_token: whether it is a token that the tokenizer adds (NLLB, M2M100, mBART); otherwise the model
            expects it beside the text (X-MOD, XLM).
    """

    name: str
    ids: Mapping[str, int]
    by_token: bool

    @classmethod
    def of(cls, config: PretrainedConfig, tokenizer: PreTrainedTokenizerBase) -> ModelLanguages | None:
        """None for a model that only reads text."""
        name = str(config.model_type)
        if hasattr(config, "default_language") and getattr(config, "languages", None):
            return cls(name, {code: number for number, code in enumerate(config.languages)}, by_token=False)
        if getattr(config, "use_lang_emb", False) and getattr(config, "n_langs", 1) > 1:
            ids = getattr(config, "lang2id", None) or getattr(tokenizer, "lang2id", None)
            return cls(name, ids, by_token=False) if ids else None
        if has_source_language(tokenizer) and (ids := _language_tokens(tokenizer)):
            return cls(name, ids, by_token=True)
        return None

    def match(self, language: str) -> ModelLanguage:
        """The language of a corpus as the model expects it.

        Raises:
            RepalignError: it has no such language; names those it has.
        """
        code = match_language(language, self.ids)
        if code is None:
            codes = sorted(self.ids)
            more = f", ... ({len(codes)} in all)" if len(codes) > MAX_LISTED else ""
            raise RepalignError(
                f"{self.name} expects the language of each sentence, and has none for {language!r}; leave it out, or "
                f"name it by one of {', '.join(codes[:MAX_LISTED])}{more}"
            )
        return ModelLanguage(code, self.ids[code])

    def before_text(self, start: int | None, ids: Sequence[int], source: int, target: int) -> list[int]:
        """What the decoder of an encoder-decoder reads before a text: a start token and the language of the text.

        As in training. mBART begins with the language alone, mBART-50 with the end-of-text token and the language: both
        wrap the end of the labels to the front, and have no start token of their own.

        Args:
            start: the model's decoder start token, or None.
            ids: of any text, as the tokenizer gives them in the language `source`.
            source, target: ids of the languages of that text, and of the decoder's.
        """
        if start is not None and start not in self.ids.values():
            return [start, target]
        return [int(ids[-1]), target] if ids[0] == source else [target]

    @property
    def first(self) -> ModelLanguage:
        """Any, for text whose language does not matter."""
        return ModelLanguage(*next(iter(self.ids.items())))


def decoder_start(model: Any) -> int | None:
    """The token with which a model's decoder begins, from its configuration or its generation settings."""
    start = getattr(model.config, "decoder_start_token_id", None)
    return getattr(model.generation_config, "decoder_start_token_id", None) if start is None else start


def has_source_language(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether its `src_lang` can be set, by which it adds another token."""
    return isinstance(getattr(type(tokenizer), "src_lang", None), property)


@contextmanager
def reading(tokenizer: PreTrainedTokenizerBase, language: ModelLanguage | None) -> Iterator[None]:
    """Within it, the tokenizer adds the token of a language, if it adds any; afterwards the one that it added before."""
    if language is None or not has_source_language(tokenizer):
        yield
        return
    settable: Any = tokenizer
    before = settable.src_lang
    settable.src_lang = language.code
    try:
        yield
    finally:
        settable.src_lang = before


def fixed_language(tokenizer: PreTrainedTokenizerBase) -> str | None:
    """The language token that a tokenizer adds to every text, if it knows no other: one saved without its class."""
    if has_source_language(tokenizer):
        return None
    added: Any = encode(tokenizer, [""])["input_ids"]
    tokens = map(str, tokenizer.convert_ids_to_tokens(added[0]))
    return next((token for token in tokens if LANGUAGE_TOKEN.fullmatch(token)), None)


def _language_tokens(tokenizer: Any) -> dict[str, int]:
    """Codes and ids: the token of `eng_Latn` or `en_XX` is the code itself, M2M100's and SeamlessM4T's are `__en__`."""
    ids = getattr(tokenizer, "lang_code_to_id", None)
    if ids is None:
        named = {str(token) for token in tokenizer.special_tokens_map.values()}
        tokens = [token for token in tokenizer.all_special_tokens if token not in named]
        codes = [token for token in tokens if looks_like_code(token.strip("_"))]
        ids = dict(zip(codes, tokenizer.convert_tokens_to_ids(codes), strict=True))
    return {token.strip("_"): id for token, id in ids.items() if id != tokenizer.unk_token_id}
