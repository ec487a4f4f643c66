"""What only a GPU shows: `pytest -m gpu`."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from repalign.checkpoints import Checkpoint
from repalign.corpora import ParallelCorpus
from repalign.models.devices import bfloat16_is_fast, pick_budget
from repalign.models.engine import Engine
from repalign.models.locating import locate
from repalign.scoring import profile
from repalign.states.extraction import extract

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")]


@pytest.fixture
def checkpoint(llama) -> Checkpoint:
    return Checkpoint.named(str(llama))


def test_states_equal_those_of_the_cpu(checkpoint, corpus):
    cpu, gpu = (
        extract(checkpoint, corpus, device=device, dtype="float32", store=False) for device in ("cpu", "cuda")
    )
    for layer in cpu.layers:
        np.testing.assert_allclose(cpu.layer("el", layer), gpu.layer("el", layer), atol=1e-4)


def test_half_precision_is_close_on_the_gpu(checkpoint, corpus):
    half, full = (
        extract(checkpoint, corpus, device="cuda", dtype=d, store=False) for d in ("bfloat16", "float32")
    )
    assert np.abs(half.layer("en", 3) - full.layer("en", 3)).max() < 0.05 * np.abs(full.layer("en", 3)).max()


def test_scores_equal_those_of_the_cpu(checkpoint):
    states = extract(
        checkpoint, ParallelCorpus.named("everyday"), device="cuda", dtype="float32", store=False
    )
    tables = [profile(states, device=device, permutations=20).table for device in ("cpu", "cuda")]
    np.testing.assert_allclose(tables[0]["value"], tables[1]["value"], atol=1e-4)


def test_a_model_over_all_devices_is_read(checkpoint, corpus):
    spread = extract(checkpoint, corpus, device="all", dtype="float32", store=False)
    alone = extract(checkpoint, corpus, device="cpu", dtype="float32", store=False)
    np.testing.assert_allclose(spread.layer("zh", 2), alone.layer("zh", 2), atol=1e-4)


def test_memory_that_runs_out_halves_the_budget(checkpoint, corpus):
    engine = Engine.open(locate(checkpoint), device="cuda", batch_tokens=1 << 20)
    total = torch.cuda.mem_get_info()[1]
    torch.cuda.set_per_process_memory_fraction(min(1.0, (torch.cuda.memory_allocated() + (64 << 20)) / total))
    try:
        from repalign.models.templates import TEMPLATES
        from repalign.models.tokenization import tokenize

        rows = tokenize(["word " * 100 for _ in range(4000)], engine.tokenizer, TEMPLATES["raw"], 256, True)
        assert np.isfinite(engine.pool(rows, ["mean"])).all()
        assert engine.batch_tokens < 1 << 20
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def test_the_defaults_suit_the_device():
    assert bfloat16_is_fast("cuda") == torch.cuda.is_bf16_supported(including_emulation=False)
    assert 1024 <= pick_budget("cuda") <= 65536


def test_what_is_inside_is_the_same_as_on_the_cpu(checkpoint):
    from repalign.inside.run import look_inside

    some = ParallelCorpus.named("everyday", ["en", "el", "zh"]).select(limit=24)
    tables = [
        look_inside([checkpoint], some, draws=20, share=0.05, device=device, dtype="float32").tables
        for device in ("cpu", "cuda", "all")
    ]
    for other in tables[1:]:
        np.testing.assert_allclose(tables[0]["lens"]["value"], other["lens"]["value"], atol=1e-4)
        steered = [
            table["interventions"].query("intervention == 'steering'")["value"]
            for table in (tables[0], other)
        ]
        np.testing.assert_allclose(*steered, atol=1e-3)
