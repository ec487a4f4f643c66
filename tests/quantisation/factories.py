"""A model trained on a few sentences, and what is done to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tiny_models import save_tiny_model

from repalign.corpora import ParallelCorpus

LANGUAGES = ("en", "el", "zh")


def trained_model(folder: Path, corpus: ParallelCorpus, steps: int = 60) -> Path:
    """A tiny Llama that has nearly learnt the sentences by heart: only then can damage raise its loss."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    save_tiny_model(folder)
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    texts = [text for rows in corpus.sentences.values() for text in rows]
    encoded = tokenizer(texts, return_tensors="pt", padding=True)
    labels = encoded["input_ids"].masked_fill(encoded["attention_mask"] == 0, -100)
    inputs = {name: encoded[name] for name in ("input_ids", "attention_mask")}
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(steps):
        optimiser.zero_grad()
        model(**inputs, labels=labels).loss.backward()
        optimiser.step()
    model.save_pretrained(folder)
    return folder


def breaking(corpus: ParallelCorpus, language: str, size: float = 1.0) -> Callable[[Any, Any], None]:
    """A change that adds noise to the embedding of tokens of one language that no other has."""

    def change(model: Any, tokenizer: Any) -> None:
        ids = {
            lang: {id for ids in tokenizer(list(rows))["input_ids"] for id in ids}
            for lang, rows in corpus.sentences.items()
        }
        only = sorted(ids[language].difference(*(of for lang, of in ids.items() if lang != language)))
        weights = model.get_input_embeddings().weight.data
        noise = np.random.default_rng(0).normal(0, size, (len(only), weights.shape[1]))
        weights[only] += torch.tensor(noise, dtype=weights.dtype)

    return change


def rounding(bits: int) -> Callable[[Any, Any], None]:
    """A change that rounds every matrix to some bits, with one scale per row."""

    def change(model: Any, tokenizer: Any) -> None:
        for weights in model.parameters():
            if weights.ndim == 2:
                scale = weights.data.abs().amax(1, keepdim=True).clamp_min(1e-9) / (2 ** (bits - 1) - 1)
                weights.data = (weights.data / scale).round() * scale

    return change
