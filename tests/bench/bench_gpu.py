"""Extraction at 7B shape on a GPU: `python tests/bench/bench_gpu.py --json figures/gpu-extraction.json`.

A random Llama of LLaMA-7B's shape in bfloat16, built on the device; the embedded sentences many times over (each
copy made different, so that none is found to be a duplicate). The rate reached is set against the rate of a large
matrix product measured in the same process.
"""

from __future__ import annotations

import time
from types import SimpleNamespace

import torch
import transformers
from bench_timing import arguments, write

from repalign.corpora import ParallelCorpus
from repalign.models.devices import pick_budget
from repalign.models.engine import Engine
from repalign.models.hooks import LayerReader
from repalign.models.tokenization import Tokens


def matmul_rate(size: int = 8192, repeats: int = 50) -> float:
    """FLOP/s of a square bfloat16 matrix product."""
    a, b = (torch.randn(size, size, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    for _ in range(5):
        a @ b
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(repeats):
        a @ b
    torch.cuda.synchronize()
    return repeats * 2 * size**3 / (time.perf_counter() - start)


def build(layers: int, width: int) -> Engine:
    config = transformers.LlamaConfig(
        vocab_size=32_000,
        hidden_size=width,
        intermediate_size=width * 43 // 16,
        num_hidden_layers=layers,
        num_attention_heads=32,
    )
    torch.set_default_device("cuda")
    model = transformers.AutoModel.from_config(config, dtype=torch.bfloat16).eval().requires_grad_(False)
    torch.set_default_device("cpu")
    return Engine(
        model=model,
        tokenizer=SimpleNamespace(pad_token_id=0),
        causal=True,
        reader=LayerReader(model),
        dtype="bfloat16",
        device=torch.device("cuda"),
        batch_tokens=pick_budget("cuda"),
    )


def rows(copies: int) -> list[Tokens]:
    """Random ids with the lengths of real sentences: about a token for every four bytes of text."""
    generator = torch.Generator().manual_seed(0)
    out = []
    for sentences in ParallelCorpus.named("everyday").sentences.values():
        for sentence in sentences * copies:
            length = 1 + max(2, len(sentence.encode()) // 4)
            ids = torch.randint(3, 32_000, (length,), generator=generator).numpy()
            out.append(Tokens(ids, ids > 0))
    return out


def main() -> None:
    args = arguments(__doc__.splitlines()[0], layers=32, width=4096, copies=8)
    engine, sentences = build(args.layers, args.width), rows(args.copies)
    engine.pool(sentences[:64], ["mean"])
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    torch.cuda.synchronize()
    start = time.perf_counter()
    engine.pool(sentences, ["mean"])
    seconds = time.perf_counter() - start
    tokens = sum(len(row.ids) for row in sentences)
    weights = sum(p.numel() for name, p in engine.model.named_parameters() if "embed" not in name)
    reached, bound = 2 * weights * tokens / seconds, matmul_rate()
    write(
        {
            "gpu": torch.cuda.get_device_name(),
            "tokens": tokens,
            "seconds": seconds,
            "tokens_per_second": tokens / seconds,
            "budget": engine.batch_tokens,
            "teraflops": reached / 1e12,
            "matmul_teraflops": bound / 1e12,
            "share_of_matmul": reached / bound,
            "peak_mib_above_model": (torch.cuda.max_memory_allocated() - before) / 2**20,
        },
        args.json,
    )


if __name__ == "__main__":
    main()
