"""Tables of a recipe that hold numbers and names only, checked when they are made."""

from __future__ import annotations

from dataclasses import dataclass

from repalign import RepalignError
from repalign.errors import unknown

PRECISIONS = {"float32": "float32", "mixed": "float32", "bfloat16": "bfloat16"}
"""The dtype of the weights by `train.precision`; all but the first compute in bfloat16."""


@dataclass(frozen=True)
class Settings:
    """Optimisation settings (`[train]`).

    Attributes:
        epochs: passes over the mixture.
        tokens: to train on in all, in place of `epochs`, so that recipes with different data can be compared; 0 for `epochs`.
        batch: rows per step, over all devices; a row is one item, or several if packing is on.
        micro_batch: rows per device and forward pass; gradients are accumulated up to `batch`. 0 for all at once.
        max_length: tokens per row at most; longer items are truncated on the right.
        packing: several items per row, none of which attends to another.
        learning_rate, weight_decay, beta2, max_grad_norm: of AdamW.
        schedule: a name of transformers' schedulers, e.g. "cosine", "linear", "warmup_stable_decay".
        warmup: fraction of all steps in which the learning rate rises.
        decay: fraction of all steps in which it falls, for "warmup_stable_decay".
        precision: "float32", "mixed" (float32 weights, bfloat16 arithmetic) or "bfloat16" (weights too).
        attention: "sdpa", "packed" (the same, faster for long packed rows on a CPU), "eager" or "flash_attention_2".
        gradient_checkpointing: saves activation memory at about 33% more compute.
        optimizer: a name of transformers' `optim`.
        threads: CPU threads; 0 for torch's default. A tiny model uses one core well and two badly.
        save_steps: steps between two checkpoints from which an interrupted run resumes.
        held_out: items held out to measure the loss on.
        evaluate_steps: steps between two such measurements; 0 measures at the end only.
        align_steps: steps between two measurements of alignment by layer; 0 for none.
        report_to: "none", "tensorboard" or "wandb".

    Raises:
        RepalignError: a number out of its bounds, or an unknown precision.
    """

    epochs: float = 1
    tokens: int = 0
    batch: int = 32
    micro_batch: int = 0
    max_length: int = 512
    packing: bool = True
    learning_rate: float = 2e-5
    schedule: str = "cosine"
    warmup: float = 0.03
    decay: float = 0.3
    weight_decay: float = 0.0
    beta2: float = 0.999
    max_grad_norm: float = 1.0
    precision: str = "float32"
    attention: str = "sdpa"
    gradient_checkpointing: bool = False
    optimizer: str = "adamw_torch"
    threads: int = 0
    save_steps: int = 100
    held_out: int = 200
    evaluate_steps: int = 0
    align_steps: int = 0
    report_to: str = "none"

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "max_length", "learning_rate"):
            if not getattr(self, name) > 0:
                raise RepalignError(f"train.{name} should be above 0, not {getattr(self, name)}")
        for name in (
            "tokens",
            "micro_batch",
            "threads",
            "save_steps",
            "held_out",
            "evaluate_steps",
            "align_steps",
        ):
            if getattr(self, name) < 0:
                raise RepalignError(f"train.{name} should be at least 0, not {getattr(self, name)}")
        for name in ("warmup", "decay"):
            if not 0 <= getattr(self, name) <= 1:
                raise RepalignError(
                    f"train.{name} is a fraction of all steps, 0 to 1, not {getattr(self, name)}"
                )
        if self.precision not in PRECISIONS:
            raise unknown("precision", self.precision, PRECISIONS)


@dataclass(frozen=True)
class Filters:
    """Limits for items (`[filters]`).

    Attributes:
        length_ratio: largest ratio of the characters of a translation's longer side to its shorter; 0 for no limit.
        script: smallest share of an answer's letters in its language's script; 0 for no limit.
        identical: whether a translation may be identical to its source.
        duplicates: whether an item may occur twice, beyond the repeats due to a weight.
        protect: corpora for analysis (as for `--corpus`) that must not occur in the training text.
        leakage: largest share of their sentences that may have a run of words in common with the training text.
        drop_limit: largest share of the items of a part that may be dropped, for whatever reason; beyond it training
            stops, because a language could be missing.

    Raises:
        RepalignError: a number out of its bounds.
    """

    length_ratio: float = 0.0
    script: float = 0.0
    identical: bool = False
    duplicates: bool = False
    protect: tuple[str, ...] = ()
    leakage: float = 0.01
    drop_limit: float = 0.5

    def __post_init__(self) -> None:
        for name in ("script", "leakage", "drop_limit"):
            if not 0 <= getattr(self, name) <= 1:
                raise RepalignError(f"filters.{name} is a share, 0 to 1, not {getattr(self, name)}")
        if not (self.length_ratio == 0 or self.length_ratio >= 1):
            raise RepalignError(
                f"filters.length_ratio should be at least 1, or 0 for no limit, not {self.length_ratio}"
            )
