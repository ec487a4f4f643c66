"""Extraction against its bound and its peers: `python tests/bench/bench_extraction.py --json FILE`.

One model (12 x 768 Llama, vocabulary of 32,000, random weights) with a tokenizer trained mostly on English, as LLaMA's
is; the same real sentences in seven languages, in random order; the same tokens and dtype for everyone, and our own
batches as they are by default. `--corpus` takes other sentences: the more unlike their lengths, the more batches in the
given order pad. The bound is a bare forward pass of the body over length-sorted batches: no hooks, no output. Peers are the
published loops, written after their sources; those whose package is missing are left out. `over_xllm` reads the plain
sentences; `over_xllm_as_released` reads them in the Alpaca frame, which the released loop puts around each by default.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from bench_timing import arguments, interleaved, left_out, write
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from repalign.checkpoints import Checkpoint
from repalign.corpora import open_corpus
from repalign.metrics import METRICS
from repalign.models.batching import pad, plan
from repalign.models.engine import Engine
from repalign.models.locating import locate
from repalign.models.templates import TEMPLATES
from repalign.models.tokenization import Tokens, tokenize

LANGUAGES = ("en", "ar", "el", "hi", "tr", "vi", "zh")


def make_model(folder: Path, sentences: list[str], layers: int = 12, width: int = 768, seed: int = 0) -> Path:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=4000, special_tokens=["<s>", "</s>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator(sentences, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="</s>"
    ).save_pretrained(folder)
    config = transformers.LlamaConfig(
        vocab_size=32_000,
        hidden_size=width,
        intermediate_size=width * 8 // 3,
        num_hidden_layers=layers,
        num_attention_heads=12,
    )
    torch.manual_seed(seed)
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@torch.inference_mode()
def bound(engine: Engine, rows: list[Tokens]) -> None:
    for batch in plan([len(row.ids) for row in rows], engine.batch_tokens):
        ids, _, real = pad([rows[i] for i in batch], 0, 0)
        engine.reader.body(input_ids=ids, attention_mask=real.long(), use_cache=False)


@torch.inference_mode()
def x_llm(engine: Engine, rows: list[Tokens]) -> None:
    """The released x-LLM script: batches of 8 in the given order, padded left, every state kept, logits computed."""
    for start in range(0, len(rows), 8):
        batch = rows[start : start + 8]
        width = max(len(row.ids) for row in batch)
        ids = torch.stack(
            [torch.from_numpy(np.pad(row.ids, (width - len(row.ids), 0))).long() for row in batch]
        )
        mask = torch.stack([torch.tensor([0] * (width - len(r.ids)) + [1] * len(r.ids)) for r in batch])
        output = engine.model(input_ids=ids, attention_mask=mask, output_hidden_states=True)
        [state.mean(dim=1).float().numpy() for state in output.hidden_states]


@torch.inference_mode()
def mexa(engine: Engine, rows: list[Tokens]) -> None:
    """MEXA's extractor: one sentence at a time, every state kept, position-weighted mean."""
    for row in rows:
        ids = torch.from_numpy(row.ids).long()[None]
        output = engine.model(input_ids=ids, attention_mask=torch.ones_like(ids), output_hidden_states=True)
        weights = torch.arange(1, ids.shape[1] + 1, dtype=output.hidden_states[0].dtype)[None, :, None]
        [((state * weights).sum(1) / weights.sum(1)).float().numpy() for state in output.hidden_states]


def transformer_lens(folder: Path, layers: int) -> Callable[[list[Tokens]], None] | None:
    """run_with_cache of the residual stream over batches of 8 in the given order, pooled afterwards."""
    try:
        from transformer_lens.model_bridge import TransformerBridge
    except ImportError:
        left_out("transformer-lens")
        return None
    dtype = torch.float32
    hf = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    bridge = TransformerBridge.boot_transformers(
        str(folder), hf_model=hf, tokenizer=tokenizer, device="cpu", dtype=dtype
    )
    names = [f"blocks.{layer}.hook_resid_post" for layer in range(layers)] + ["blocks.0.hook_resid_pre"]

    @torch.inference_mode()
    def run(rows: list[Tokens]) -> None:
        for start in range(0, len(rows), 8):
            ids, content, real = pad(rows[start : start + 8], 0, 0)
            _, cache = bridge.run_with_cache(ids, attention_mask=real.long(), names_filter=names)
            weights = (content / content.sum(1, keepdim=True)).unsqueeze(-1)
            [(cache[name].float() * weights).sum(1).numpy() for name in names]

    return run


def nnsight_trace(engine: Engine) -> Callable[[list[Tokens]], None]:
    """One nnsight trace a batch over the same batches, pooled inside."""
    import nnsight
    from nnsight import NNsight

    model = NNsight(engine.model)

    def run(rows: list[Tokens]) -> None:
        for batch in plan([len(row.ids) for row in rows], engine.batch_tokens):
            ids, content, real = pad([rows[i] for i in batch], 0, 0)
            weights = (content / content.sum(1, keepdim=True)).unsqueeze(-1)
            with (
                torch.inference_mode(),
                model.trace(input_ids=ids, attention_mask=real.long(), use_cache=False) as tracer,
            ):
                out = nnsight.save([])
                out.append((model.model.embed_tokens.output.float() * weights).sum(1))
                for layer in model.model.layers:
                    out.append((layer.output.float() * weights).sum(1))
                tracer.stop()

    return run


def agreement(a: np.ndarray, b: np.ndarray, languages: int) -> float:
    """Largest mean difference of the retrieval scores of two sets of states [layer, language x sentence, dim]."""
    worst = 0.0
    a, b = (x.reshape(x.shape[0], languages, -1, x.shape[-1]) for x in (a, b))
    for layer in range(a.shape[0]):
        for name in ("mexa", "p_at_1"):
            scores = [
                np.mean([METRICS[name](x[layer, 0], x[layer, lang]).value for lang in range(1, languages)])
                for x in (a, b)
            ]
            worst = max(worst, abs(scores[0] - scores[1]))
    return worst


def main() -> None:
    args = arguments(
        __doc__.splitlines()[0], corpus="everyday", rounds=5, rows=14, scored=100, layers=12, width=768
    )
    transformers.utils.logging.set_verbosity_error()
    corpus = open_corpus(args.corpus, LANGUAGES).select(limit=260)
    with tempfile.TemporaryDirectory() as temporary:
        english, *others = corpus.sentences.values()
        text = [*english, *(s for rows in others for s in rows[:20])]
        folder = make_model(Path(temporary) / "llama", text, args.layers, args.width)
        weights = locate(Checkpoint.named(str(folder)))
        engines = {d: Engine.open(weights, dtype=d, device="cpu") for d in ("float32", "bfloat16")}
        full = engines["float32"]
        few = [s for rows in corpus.select(limit=args.rows).sentences.values() for s in rows]
        random.Random(0).shuffle(few)
        raw = tokenize(few, full.tokenizer, TEMPLATES["raw"], 512, causal=True)
        framed = tokenize(few, full.tokenizer, TEMPLATES["alpaca"], 512, causal=True)
        plain = Engine(**{**vars(full), "reuse_prefix": False})
        lens = transformer_lens(folder, args.layers)
        trace = nnsight_trace(full)
        runs: dict[str, Callable[[], Any]] = {
            "bound": lambda: bound(full, raw),
            "repalign": lambda: full.pool(raw, ["mean"]),
            "nnsight": lambda: trace(raw),
            "x-llm": lambda: x_llm(full, raw),
            "mexa": lambda: mexa(full, raw),
            "bound bfloat16": lambda: bound(engines["bfloat16"], raw),
            "repalign bfloat16": lambda: engines["bfloat16"].pool(raw, ["mean"]),
            "x-llm bfloat16": lambda: x_llm(engines["bfloat16"], raw),
            "template, reused": lambda: full.pool(framed, ["mean"]),
            "template, again": lambda: plain.pool(framed, ["mean"]),
            "x-llm, as released": lambda: x_llm(full, framed),
        }
        if lens:
            runs["transformer-lens"] = lambda: lens(raw)
        seconds = interleaved(runs, args.rounds)
        everything = [s for rows in corpus.select(limit=args.scored).sentences.values() for s in rows]
        every = tokenize(everything, full.tokenizer, TEMPLATES["raw"], 512, causal=True)
        states = {d: engine.pool(every, ["mean"])[0] for d, engine in engines.items()}
        ours = seconds["repalign"]
        figures = {
            "bound_ratio": seconds["bound"] / ours,
            "over_xllm": seconds["x-llm"] / ours,
            "over_xllm_as_released": seconds["x-llm, as released"] / seconds["template, reused"],
            "over_xllm_bfloat16": seconds["x-llm bfloat16"] / seconds["repalign bfloat16"],
            "over_mexa": seconds["mexa"] / ours,
            "over_transformer_lens": seconds["transformer-lens"] / ours if lens else None,
            "over_nnsight": seconds["nnsight"] / ours,
            "bf16_over_float32": ours / seconds["repalign bfloat16"],
            "bf16_bound_ratio": seconds["bound bfloat16"] / seconds["repalign bfloat16"],
            "bf16_score_difference": agreement(states["float32"], states["bfloat16"], len(corpus.languages)),
            "prefix_reuse": seconds["template, again"] / seconds["template, reused"],
            "corpus": args.corpus,
            "tokens": sum(len(row.ids) for row in raw),
            "sentences": len(raw),
            "seconds": seconds,
        }
        write(figures, args.json)


if __name__ == "__main__":
    main()
