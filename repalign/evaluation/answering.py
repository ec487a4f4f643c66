"""From a checkpoint and items to its answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from repalign.checkpoints import Checkpoint, home
from repalign.checkpoints.home import REMEDY
from repalign.evaluation.answer_store import AnswerStore
from repalign.evaluation.items import Item, items_digest
from repalign.models.devices import pick_device, pick_dtype
from repalign.models.generation import Answer, Generator, Prompt, expected_languages
from repalign.models.languages import ModelLanguages
from repalign.models.loading import read_config, read_tokenizer
from repalign.models.locating import Weights, locate
from repalign.models.loglikelihood import choose
from repalign.models.templates import TEMPLATES, Template
from repalign.progress import Phase
from repalign.version import __version__
from repalign.writes import check_writable

DEFAULT_TEMPLATE = "alpaca"
"""For checkpoints without a card that names the template they were tuned with: the paper's."""


@dataclass(frozen=True)
class Answers:
    """What one checkpoint answered.

    Attributes:
        signature: one line that states everything the answers depend on.
        answers: by language, in the order of the items.
    """

    signature: str
    answers: dict[str, list[Answer]]

    @property
    def texts(self) -> dict[str, list[str]]:
        """The texts of the answers, by language."""
        return {language: [answer.text for answer in answers] for language, answers in self.answers.items()}


def answer(
    checkpoint: Checkpoint,
    items: Sequence[Item],
    task: str,
    new_tokens: int,
    template: str | None = None,
    device: str = "auto",
    dtype: str = "auto",
    batch_tokens: int | None = None,
    store: bool = True,
    progress: bool = True,
) -> Answers:
    """Let a checkpoint answer items; stored answers are reused.

    Args:
        checkpoint: any generative model.
        items: questions, of any languages.
        task: its name, for the signature.
        new_tokens: maximum length of an answer.
        template: of the prompts; by default the one the checkpoint was tuned with, else the paper's. A model that
            expects the languages of prompt and answer as tokens (NLLB) is by default asked to translate by the sentence
            alone, and any model to choose among answers without a template, as in lm-evaluation-harness.
        device, dtype, batch_tokens: see `repalign.models.generation.Generator`.
        store: whether answers are read from and written to `$REPALIGN_HOME/answers`.
        progress: whether to show signs of life: see `repalign.progress`.

    Raises:
        RepalignError: an unknown template, or a checkpoint that cannot be loaded or is not generative.
    """
    weights = locate(checkpoint)
    dtype = pick_dtype(weights, dtype, pick_device(device))
    languages = expected_languages(read_config(weights), read_tokenizer(weights), checkpoint.name)
    chosen = any(item.choices for item in items)
    name = template or (
        "raw" if chosen else checkpoint.template or ("raw" if languages else DEFAULT_TEMPLATE)
    )
    prompts = [_prompt(item, TEMPLATES[name], languages, bare=template is None) for item in items]
    stored = AnswerStore(weights, dtype, new_tokens) if store else None
    by_prompt = {prompt: kept for prompt in prompts if stored and (kept := stored.get(prompt))}
    missing = [prompt for prompt in dict.fromkeys(prompts) if prompt not in by_prompt]
    if missing:  # else the model need not be loaded
        if stored:
            check_writable(home() / "answers", REMEDY)
        with Phase(f"{checkpoint.name}: loading the model", shown=progress):
            generator = Generator(weights, device, dtype, batch_tokens)
        on_batch = stored.add if stored else None
        free = [prompt for prompt in missing if not prompt.choices]
        closed = [prompt for prompt in missing if prompt.choices]
        answers = generator.answer(free, new_tokens, progress, on_batch) if free else []
        answers += choose(generator, closed, progress, on_batch) if closed else []
        by_prompt |= dict(zip(free + closed, answers, strict=True))
    by_language: dict[str, list[Answer]] = {}
    for item, prompt in zip(items, prompts, strict=True):
        by_language.setdefault(item.label, []).append(by_prompt[prompt])
    pairs = dict.fromkeys(f"{p.source.code}>{p.target.code}" for p in prompts if p.source and p.target)
    how = "log-likelihood" if chosen else f"greedy:{new_tokens}"
    return Answers(_signature(weights, task, items, name, how, dtype, ",".join(pairs)), by_language)


def _prompt(item: Item, template: Template, languages: ModelLanguages | None, bare: bool) -> Prompt:
    """What a model is asked.

    Args:
        languages: that the model expects, or None.
        bare: whether a model that expects them is asked to translate by the sentence alone.
    """
    if languages is None:
        # A space before each choice, as in lm-evaluation-harness.
        choices = tuple(f" {choice}" for choice in item.choices)
        return Prompt(template.prompt(item.instruction, item.input), choices=choices)
    text = item.input if item.source and bare else template.prompt(item.instruction, item.input)
    return Prompt(text, languages.match(item.source or item.language), languages.match(item.language))


def _signature(
    weights: Weights,
    task: str,
    items: Sequence[Item],
    template: str,
    how: str,
    dtype: str,
    languages: str,
) -> str:
    return "|".join(
        [
            f"{weights.checkpoint.name}@{weights.digest[:8]}",
            f"{task}#{items_digest(items)[:8]}",
            template,
            how,
            dtype,
            *([f"languages:{languages}"] if languages else []),
            f"repalign:{__version__}",
        ]
    )
