"""Tokens that belong to one language."""

from __future__ import annotations

import numpy as np
from inside.factories import LANGUAGES

from repalign.inside.vocabulary import languages_of_tokens
from repalign.models.templates import RAW
from repalign.models.tokenization import tokenize


def test_tokens_are_of_the_only_language_that_has_them(engine, some, tokens, own):
    assert own.sum(axis=0).max() == 1
    for number, language in enumerate(LANGUAGES):
        for other in set(LANGUAGES) - {language}:
            seen = np.unique(tokens[other].own_ids.flat)
            scripted = [engine.tokenizer.decode([token]) for token in seen if own[number, token]]
            assert not [text for text in scripted if text.isascii() and language != "en"]
    greek = [token for token in range(384) if "α" in engine.tokenizer.decode([token])]
    assert greek
    assert own[1, greek].all(), "by its script, seen or not"


def test_the_same_word_in_two_languages_is_of_neither(save_tokenizer, tmp_path):
    tokenizer = save_tokenizer(tmp_path)
    texts = {"en": ["dog a", "dog b", "dog c"], "vi": ["dog x", "y z", "x z"]}
    rows = {lang: tokenize(lines, tokenizer, RAW, 64, True) for lang, lines in texts.items()}
    own = languages_of_tokens(tokenizer, texts, rows, len(tokenizer))
    dog, space_x = tokenizer("dog")["input_ids"][1:], tokenizer(" x")["input_ids"][1:]
    assert not own[:, dog].any()
    assert not own[:, tokenizer("a")["input_ids"][1]].any(), "once is not enough"
    assert own[1, space_x[-1]]
