"""A tiny model that has learnt its sentences, and versions of it that are compressed, broken or of another model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from quantisation.factories import LANGUAGES, trained_model

from repalign.corpora import ParallelCorpus


@pytest.fixture(scope="session")
def some() -> ParallelCorpus:
    """Forty sentences in twenty documents."""
    return ParallelCorpus.named("everyday", LANGUAGES).select(limit=40).with_clusters(2)


@pytest.fixture(scope="session")
def base(tmp_path_factory, some) -> Path:
    return trained_model(tmp_path_factory.mktemp("quantisation") / "base", some)


@pytest.fixture(scope="session")
def version(base) -> Callable[..., Path]:
    """version(name, change): a copy of the model whose weights `change(model, tokenizer)` has changed in place."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    def made(name: str, change: Callable[..., None] = lambda model, tokenizer: None) -> Path:
        model = AutoModelForCausalLM.from_pretrained(base)
        tokenizer = AutoTokenizer.from_pretrained(base)
        change(model, tokenizer)
        model.save_pretrained(base.parent / name)
        tokenizer.save_pretrained(base.parent / name)
        return base.parent / name

    return made
