"""Tiny random models with their tokenizers, made on the spot."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SENTENCES = {
    "en": [
        "The dog sleeps.",
        "She reads a long book in the garden.",
        "Two birds sing.",
        "We eat bread and cheese.",
    ],
    "el": [
        "Ο σκύλος κοιμάται.",
        "Διαβάζει ένα μεγάλο βιβλίο στον κήπο.",
        "Δύο πουλιά κελαηδούν.",
        "Τρώμε ψωμί και τυρί.",
    ],
    "zh": ["狗在睡觉。", "她在花园里读一本很长的书。", "两只鸟在唱歌。", "我们吃面包和奶酪。"],
}


def train_tokenizer(folder: Path, bos: bool = True, size: int = 384) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer trained on a few sentences, saved in a folder."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=["<s>", "</s>", "<pad>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([line for lines in SENTENCES.values() for line in lines], trainer)
    if bos:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", 0)]
        )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>"
    )
    fast.save_pretrained(folder)
    return fast


def save_tiny_model(folder: Path, kind: str = "llama", seed: int = 0, **settings: object) -> Path:
    """A tiny random model with its tokenizer, saved in a folder."""
    import torch
    import transformers

    tokenizer = train_tokenizer(folder)
    small = {
        "vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 1024,
        "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 2,
    }  # fmt: skip
    config = transformers.AutoConfig.for_model(kind, **{**small, **settings})
    torch.manual_seed(seed)
    transformers.AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return folder
