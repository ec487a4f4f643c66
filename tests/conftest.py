"""Tiny models, tokenizers and corpora, made on the spot: nothing is downloaded."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# Signs of life depend on the clock: a busy machine would add messages. tests/test_progress.py turns them on.
os.environ.setdefault("REPALIGN_PROGRESS", "0")
# One thread a test process: two that wait for each other on tiny matrices take three times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import HealthCheck, settings
from tiny_models import SENTENCES, save_tiny_model, train_tokenizer

from repalign.corpora import ParallelCorpus

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")  # whether a test passes must not depend on how busy the machine is


@pytest.fixture(autouse=True)
def home(tmp_path_factory, monkeypatch) -> Path:
    """A store of its own for every test."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("REPALIGN_HOME", str(folder))
    for name in ("REPALIGN_STORE", "REPALIGN_STORE_DTYPE"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def corpus() -> ParallelCorpus:
    return ParallelCorpus("tiny", SENTENCES)


@pytest.fixture(scope="session")
def save_tokenizer() -> Callable[..., object]:
    """save_tokenizer(folder, bos=True): see `train_tokenizer`."""
    return train_tokenizer


@pytest.fixture(scope="session")
def save_model() -> Callable[..., Path]:
    """save_model(folder, kind="llama", seed=0): see `save_tiny_model`."""
    return save_tiny_model


@pytest.fixture(scope="session")
def llama(tmp_path_factory, save_model) -> Path:
    return save_model(tmp_path_factory.mktemp("models") / "tiny-llama")
