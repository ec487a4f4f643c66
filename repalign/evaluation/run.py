"""From checkpoints and items to an evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

import repalign.evaluation.translation  # noqa: F401  (registers its scorers)
from repalign.checkpoints import Checkpoint
from repalign.errors import RepalignError
from repalign.evaluation.alignment import adjusted, alignment_table, over_items, over_languages
from repalign.evaluation.answer_language import REFERENCES, answer_languages, language_table
from repalign.evaluation.answering import Answers, answer
from repalign.evaluation.consistency import consistency
from repalign.evaluation.items import Item, by_language
from repalign.evaluation.judges import Judge
from repalign.evaluation.scorers import SCORERS
from repalign.evaluation.scores import Found, measure, score_table
from repalign.evaluation.wins import win_rates
from repalign.models.loading import one_base
from repalign.results.evaluation import Evaluation
from repalign.results.schema import EVALUATION

if TYPE_CHECKING:
    import pandas as pd

    from repalign.results.results import Results

PerItem = Mapping[str, Mapping[str, Mapping[str, np.ndarray]]]
"""Checkpoint -> scorer -> language -> score of each item."""

Spoken = Mapping[str, Mapping[str, Sequence[str | None]]]
"""Checkpoint, or the references -> language asked in -> language of each answer."""


def evaluate(
    checkpoints: Sequence[Checkpoint],
    items: Sequence[Item],
    task: str,
    scorers: Sequence[str],
    new_tokens: int,
    *,
    judge: Judge | None = None,
    judge_name: str = "",
    profile: Results | None = None,
    detect: bool = True,
    draws: int = 1000,
    seed: int = 0,
    **reading: Any,
) -> Evaluation:
    """Let one or two checkpoints answer items, and score what they say.

    Args:
        checkpoints: with two, the second is compared with the first, question by question.
        items: see `repalign.evaluation.tasks`.
        task: name of it.
        scorers: names in `SCORERS`.
        new_tokens: that an answer may have.
        judge: decides which of two answers is better; with two checkpoints.
        judge_name: as shown.
        profile: layerwise alignment of the same checkpoints, to stand beside the scores.
        detect: whether to tell the language of answers (needs lingua).
        draws, seed: of bootstraps and shuffles.
        reading: template, device, dtype, batch_tokens, store: see `answer`.

    Raises:
        RepalignError: no items, more than two checkpoints, an unknown scorer or template, or a checkpoint that
            cannot be read.
    """
    if not items:
        raise RepalignError("there is nothing to answer: no items are left of the task")
    if len(checkpoints) > 2:
        raise RepalignError(f"one checkpoint or two can be evaluated together, not {len(checkpoints)}")
    for scorer in scorers:
        SCORERS[scorer]
    with one_base():
        said = {one.name: answer(one, items, task, new_tokens, **reading) for one in checkpoints}
    grouped = by_language(items)
    found = {
        name: {scorer: measure(scorer, grouped, own.texts) for scorer in scorers}
        for name, own in said.items()
    }
    spoken = _spoken(grouped, said) if detect else {}
    per_item = {
        name: {scorer: {lang: one.per_item for lang, one in own.items()} for scorer, own in scored.items()}
        for name, scored in found.items()
    }
    tables = {
        "scores": score_table(found, grouped, draws, seed),
        "answers": _answer_table(grouped, said, per_item, spoken),
        "consistency": _stacked(
            {name: consistency(grouped, own.texts, draws, seed) for name, own in said.items()}
        ),
    }
    if spoken:
        tables["languages"] = language_table(grouped, spoken)
    if judge is not None and len(said) == 2:
        first, second = said
        wins = win_rates(grouped, said[first].texts, said[second].texts, judge, draws, seed)
        tables["wins"] = wins.assign(checkpoint=second, baseline=first, judge=judge_name)
    if profile is not None:
        tables |= _beside(profile, tables["scores"], grouped, per_item, draws, seed)
    return Evaluation(
        f"{' against '.join(reversed(said))} on {task}",
        {name: own.signature for name, own in said.items()},
        {name: table for name, table in tables.items() if len(table)},
        settings={
            "task": task, "scorers": _signatures(found), "labels": {name: SCORERS[name].label for name in scorers}, "draws": draws, "seed": seed,
            "truncated": {name: _truncated(own) for name, own in said.items()},
        },
    )  # fmt: skip


def _spoken(grouped: Mapping[str, Sequence[Item]], said: dict[str, Answers]) -> Spoken:
    """Checkpoint -> language asked in -> language of each answer; of the references too, for comparison."""
    languages = sorted({"en", *grouped})
    texts = {REFERENCES: {lang: [item.references[0] for item in own] for lang, own in grouped.items()}}
    texts |= {name: own.texts for name, own in said.items()}
    return {
        name: {asked: answer_languages(answers, languages) for asked, answers in own.items()}
        for name, own in texts.items()
    }


def _answer_table(
    grouped: Mapping[str, Sequence[Item]], said: Mapping[str, Answers], per_item: PerItem, spoken: Spoken
) -> pd.DataFrame:
    rows = [
        {
            "checkpoint": name, "language": language, "item": item.id, "kind": item.kind,
            "instruction": item.instruction, "input": item.input, "reference": item.references[0],
            "answer": one.text, "answered_in": spoken[name][language][row] if spoken else None,
            "tokens": one.tokens, "ended": one.ended, "prompt_cut": one.prompt_cut,
            **{scorer: values[language][row] for scorer, values in per_item[name].items()},
        }
        for name, own in said.items()
        for language, items in grouped.items()
        for row, (item, one) in enumerate(zip(items, own.answers[language], strict=True))
    ]  # fmt: skip
    return EVALUATION["answers"].frame(rows)


def _stacked(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    return pd.concat([table.assign(checkpoint=name) for name, table in tables.items()], ignore_index=True)


def _beside(
    profile: Results,
    scores: pd.DataFrame,
    grouped: Mapping[str, Sequence[Item]],
    per_item: PerItem,
    draws: int,
    seed: int,
) -> dict[str, pd.DataFrame]:
    import pandas as pd

    alignment = alignment_table(profile, scores)
    if alignment.empty:
        known = ", ".join(profile.profile.table["checkpoint"].unique())
        raise RepalignError(
            f"the profile holds no alignment of these checkpoints in these languages; it is of {known}"
        )
    parts = [over_languages(alignment, draws, seed), over_items(profile, grouped, per_item, draws, seed)]
    together = pd.concat([part for part in parts if len(part)], ignore_index=True)
    return {"alignment": alignment, "correlations": EVALUATION["correlations"].frame(adjusted(together))}


def _signatures(found: Mapping[str, Mapping[str, Found]]) -> dict[str, str]:
    """Of each scorer, with the languages where there are several."""
    signatures = {}
    for scorer, own in next(iter(found.values())).items():
        languages: dict[str, list[str]] = {}
        for language, one in own.items():
            languages.setdefault(one.signature, []).append(language)
        several = [f"{text} ({', '.join(where)})" for text, where in languages.items()]
        signatures[scorer] = "; ".join(several) if len(several) > 1 else next(iter(languages))
    return signatures


def _truncated(said: Answers) -> dict[str, dict[str, int]]:
    """Answers that did not end, and prompts that did not fit, by language where there are any."""
    each = said.answers.items()
    return {
        "answers": {lang: count for lang, own in each if (count := sum(not one.ended for one in own))},
        "prompts": {lang: count for lang, own in each if (count := sum(one.prompt_cut > 0 for one in own))},
    }
