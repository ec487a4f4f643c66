"""Packed training against padding and against TRL: `python tests/bench/bench_training.py --json FILE`.

One model (4 x 128 Llama, vocabulary of 2,000, random weights), the same items and optimiser for everyone:
sentences of the phrasebook, strung together to the lengths of Alpaca's items (log-normal, mean of logarithms
4.05, deviation .77). Tokens are those of the items; padding does not count. `packed_over_padded` is against
transformers' Trainer with rows padded to the longest of their batch, `over_trl` against TRL's SFTTrainer with
its own packing (missing without trl). The rounds are interleaved, so that all see the same machine.
"""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from bench_timing import arguments, interleaved, left_out, write
from repalign_training.data.encoding import Encoded, encode
from repalign_training.data.items import Item
from repalign_training.data.packing import IGNORED, Collator, Rows, pack
from repalign_training.tokenizer import train_tokenizer
from repalign_training.trainer import AnswerTrainer
from transformers import LlamaConfig, LlamaForCausalLM, PrinterCallback, Trainer, TrainingArguments

from repalign.corpora.phrasebook import meanings, realise
from repalign.models.templates import TEMPLATES

LONGEST = 512
ROWS = 8
PADDED_ROWS = 32


def make_items(rng: np.random.Generator, count: int) -> list[Item]:
    sentences = [realise(meaning, "en") for meaning in meanings("train")[:3000]]
    items = []
    for words in rng.lognormal(4.05, 0.77, count) / 1.35:
        chosen = rng.choice(sentences, max(2, round(words / 11)))
        items.append(Item("Go on.", chosen[0], " ".join(chosen[1:])))
    return items


def fresh_model(vocabulary: int) -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=128,
        intermediate_size=352,
        num_hidden_layers=4,
        num_attention_heads=4,
        tie_word_embeddings=True,
    )
    return LlamaForCausalLM(config)


def settings(folder: str, rows: int) -> dict[str, Any]:
    return {
        "output_dir": folder,
        "per_device_train_batch_size": rows,
        "num_train_epochs": 1,
        "learning_rate": 1e-3,
        "save_strategy": "no",
        "logging_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "use_cpu": not torch.cuda.is_available(),
    }


def pad(items: list[Encoded]) -> dict[str, torch.Tensor]:
    width = max(map(len, items))
    ids, mask, labels = (np.full((len(items), width), fill, np.int64) for fill in (0, 0, IGNORED))
    for row, item in enumerate(items):
        ids[row, : len(item)], mask[row, : len(item)] = item.ids, 1
        labels[row, item.answer : len(item)] = item.ids[item.answer :]
    batch = {"input_ids": ids, "attention_mask": mask, "labels": labels}
    return {key: torch.from_numpy(value) for key, value in batch.items()}


def contestants(folder: str, count: int) -> tuple[dict[str, Callable[[], Any]], int]:
    items = make_items(np.random.default_rng(0), count)
    tokenizer = train_tokenizer([item.output for item in items], 2_000)
    encoded = encode(items, tokenizer, TEMPLATES["brief"], LONGEST).items
    rows = Rows(encoded, pack([len(item) for item in encoded], LONGEST, 0))

    def packed() -> None:
        trainer = AnswerTrainer(
            fresh_model(len(tokenizer)),
            args=TrainingArguments(**settings(folder, ROWS), remove_unused_columns=False),
            train_dataset=rows,
            data_collator=Collator(0),
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()

    def padded() -> None:
        trainer = Trainer(
            fresh_model(len(tokenizer)),
            args=TrainingArguments(**settings(folder, PADDED_ROWS), remove_unused_columns=False),
            train_dataset=encoded,
            data_collator=pad,
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()

    def trl() -> None:
        from datasets import Dataset
        from trl import SFTConfig, SFTTrainer

        table = {
            "input_ids": [item.ids.tolist() for item in encoded],
            "completion_mask": [
                [int(place >= item.answer) for place in range(len(item))] for item in encoded
            ],
        }
        trainer = SFTTrainer(
            fresh_model(len(tokenizer)),
            # One row at a time: it flattens a batch into one row, whose attention mask grows with the square.
            args=SFTConfig(
                **settings(folder, 1),
                gradient_accumulation_steps=ROWS,
                packing=True,
                max_length=LONGEST,
                completion_only_loss=True,
            ),
            train_dataset=Dataset.from_dict(table),
            processing_class=tokenizer,
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()

    runs = {"packed": packed, "padded": padded}
    if importlib.util.find_spec("trl"):
        runs["trl"] = trl
    else:
        left_out("trl")
    return runs, rows.tokens


def main() -> None:
    args = arguments(__doc__.splitlines()[0], rounds=5, items=400)
    with tempfile.TemporaryDirectory() as folder:
        runs, tokens = contestants(folder, args.items)
        seconds = interleaved(runs, args.rounds)
    figures: dict[str, Any] = {f"{name}_tokens_per_second": round(tokens / s) for name, s in seconds.items()}
    figures["packed_over_padded"] = round(seconds["padded"] / seconds["packed"], 2)
    if "trl" in seconds:
        figures["over_trl"] = round(seconds["trl"] / seconds["packed"], 2)
    write(figures, args.json)


if __name__ == "__main__":
    main()
