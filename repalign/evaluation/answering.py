"""From a checkpoint and items to its answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from repalign.checkpoints import Checkpoint
from repalign.evaluation.answer_store import AnswerStore
from repalign.evaluation.items import Item, items_digest
from repalign.models.devices import pick_device, pick_dtype
from repalign.models.generation import Answer, Generator
from repalign.models.loading import Weights, locate
from repalign.models.templates import TEMPLATES
from repalign.version import __version__

DEFAULT_TEMPLATE = "alpaca"
"""For checkpoints of which no card says how they were tuned: the frame of the paper."""


@dataclass(frozen=True)
class Answers:
    """What one checkpoint answered, by language, in the order of the items."""

    signature: str
    answers: dict[str, list[Answer]]

    @property
    def texts(self) -> dict[str, list[str]]:
        return {language: [answer.text for answer in own] for language, own in self.answers.items()}


def answer(
    checkpoint: Checkpoint,
    items: Sequence[Item],
    name: str,
    new_tokens: int,
    template: str | None = None,
    device: str = "auto",
    dtype: str = "auto",
    batch_tokens: int | None = None,
    store: bool = True,
) -> Answers:
    """Let a checkpoint answer items; what it has answered before is not asked again.

    Args:
        name: of the task, for the signature.
        new_tokens: that an answer may have.
        template: frame of the prompts; by default the one that the checkpoint was tuned with, else the paper's.
        device, dtype, batch_tokens: see `repalign.models.generation.Generator`.
        store: whether answers are kept under `$REPALIGN_HOME/answers`, and looked for there.

    Raises:
        RepalignError: an unknown template, or a checkpoint that cannot be read or generates nothing.
    """
    frame = TEMPLATES[template or checkpoint.template or DEFAULT_TEMPLATE]
    weights = locate(checkpoint)
    dtype = pick_dtype(weights, dtype, pick_device(device))
    prompts = [frame.prompt(item.instruction, item.input) for item in items]
    found = _answered(weights, prompts, new_tokens, device, dtype, batch_tokens, store)
    grouped: dict[str, list[Answer]] = {}
    for item, prompt in zip(items, prompts, strict=True):
        grouped.setdefault(item.language, []).append(found[prompt])
    return Answers(_signature(weights, name, items, frame.name, new_tokens, dtype), grouped)


def _answered(
    weights: Weights,
    prompts: Sequence[str],
    new_tokens: int,
    device: str,
    dtype: str,
    batch_tokens: int | None,
    store: bool,
) -> dict[str, Answer]:
    """The answer to each prompt; the model is loaded only where some are not kept."""
    kept = AnswerStore(weights, dtype, new_tokens) if store else None
    found = {prompt: answer for prompt in prompts if kept and (answer := kept.get(prompt))}
    missing = [prompt for prompt in dict.fromkeys(prompts) if prompt not in found]
    if missing:
        generator = Generator(weights, device, dtype, batch_tokens)
        new = generator.answer(missing, new_tokens, keep=kept.add if kept else None)
        found |= dict(zip(missing, new, strict=True))
    return found


def _signature(
    weights: Weights, task: str, items: Sequence[Item], template: str, new_tokens: int, dtype: str
) -> str:
    return "|".join(
        [
            f"{weights.checkpoint.name}@{weights.digest[:8]}",
            f"{task}#{items_digest(items)[:8]}",
            template,
            f"greedy:{new_tokens}",
            dtype,
            f"repalign:{__version__}",
        ]
    )
