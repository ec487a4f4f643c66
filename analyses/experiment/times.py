"""How long the stages of `pretrained.py` take on a CPU, said before they start."""

from __future__ import annotations

from pathlib import Path

from .plan import BASE, LANGUAGES, TWIN, Plan

MEASURED_ON = 536_000_000
"""Bytes of the weights on which the rates below were measured: Gemma 3 270M in bfloat16, on two cores."""

TOKENS_A_SECOND = {"train": 300, "measure": 500}
SENTENCE = 45
"""Tokens of a sentence of NTREX-128, mean of the seven languages."""

SECONDS_AN_ANSWER = {"translation": 1.0, "xquad": 0.8}
"""Of a base, which seldom ends an answer before the limit."""


def hours(plan: Plan) -> dict[str, float]:
    """Hours of each stage for what is not finished, by the size of the base's weights; loading a model is not counted."""
    slower = sum(path.stat().st_size for path in Path(plan.base).glob("*.safetensors")) / MEASURED_ON
    tokens = plan.tokens * sum(not plan.finished(run) for run in plan.runs)
    unread = [
        run
        for run in (BASE, TWIN, *plan.runs)
        if not (plan.out / "alignment" / run / "profile.parquet").is_file()
    ]
    read = len(unread) * plan.sentences * len(LANGUAGES) * SENTENCE
    questions = {
        "translation": 2 * (len(plan.answer_languages) - 1) * plan.translations,
        "xquad": len(plan.answer_languages) * plan.questions,
    }
    seconds = sum(
        count * SECONDS_AN_ANSWER[task]
        for task, count in questions.items()
        for run in (BASE, *plan.runs)
        if not (plan.out / "answers" / f"{task}.{run}.json").is_file()
    )
    by_stage = {
        "train": tokens / TOKENS_A_SECOND["train"],
        "measure": read / TOKENS_A_SECOND["measure"],
        "answer": seconds,
    }
    return {stage: slower * amount / 3600 for stage, amount in by_stage.items()}


def announced(plan: Plan) -> str:
    """One line for people who are about to wait, with the sizes that were chosen."""
    sizes = ", ".join(
        f"{name.replace('_', '-')} {' '.join(value) if isinstance(value, list) else format(value, ',')}"
        for name, value in plan.sizes().items()
    )
    by_stage = ", ".join(f"{stage} {time:.1f} h" for stage, time in hours(plan).items())
    return f"{len(plan.runs)} runs ({sizes}); what is not finished takes some {by_stage} on two cores"
