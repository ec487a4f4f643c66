"""A tiny model with its tokens, to look inside."""

from __future__ import annotations

import pytest
from inside.factories import LANGUAGES, opened
from parallel_text import write_lines

from repalign.corpora import ParallelCorpus
from repalign.inside.interventions import (
    EditableModel,
)
from repalign.inside.vocabulary import languages_of_tokens
from repalign.models.templates import RAW
from repalign.models.tokenization import tokenize
from repalign.models.unembed import find_unembed


@pytest.fixture(scope="module")
def some():
    return ParallelCorpus.named("everyday", LANGUAGES).select(limit=24)


@pytest.fixture(scope="module")
def engine(llama):
    return opened(llama)


@pytest.fixture(scope="module")
def tokens(engine, some):
    return {lang: tokenize(rows, engine.tokenizer, RAW, 512, True) for lang, rows in some.sentences.items()}


@pytest.fixture(scope="module")
def own(engine, some, tokens):
    return languages_of_tokens(engine.tokenizer, some.sentences, tokens, find_unembed(engine).vocabulary)


@pytest.fixture(scope="module")
def model(engine, own):
    return EditableModel(engine, own)


@pytest.fixture(scope="module")
def text(some, tmp_path_factory):
    return str(write_lines(tmp_path_factory.mktemp("text") / "some", some.sentences))
