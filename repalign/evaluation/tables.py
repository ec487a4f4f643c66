"""The tables of an evaluation, from answers and statistics."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from repalign.errors import RepalignError
from repalign.evaluation.alignment import adjusted, alignment_table, over_items, over_languages
from repalign.evaluation.answer_language import REFERENCES, answer_languages, language_table, lingua_code
from repalign.evaluation.answering import Answers
from repalign.evaluation.consistency import consistency
from repalign.evaluation.items import Item
from repalign.evaluation.judges import Judge
from repalign.evaluation.scores import ByLanguage, score_table
from repalign.evaluation.wins import win_rates
from repalign.progress import Phase
from repalign.results.schema import EVALUATION

if TYPE_CHECKING:
    import pandas as pd

    from repalign.results.results import Results

Items = Mapping[str, Sequence[Item]]
"""Language -> items."""

PerItem = Mapping[str, Mapping[str, Mapping[str, np.ndarray]]]
"""Checkpoint -> scorer -> language -> score of each item, float64 [item]."""

logger = logging.getLogger(__name__)

Detected = Mapping[str, Mapping[str, Sequence[str | None]]]
"""Checkpoint, or the references -> language of the question, if lingua knows it -> language of each answer."""


def evaluation_tables(
    items: Items,
    answers: Mapping[str, Answers],
    measured: Mapping[str, Mapping[str, ByLanguage]],
    *,
    profile: Results | None,
    detect: bool,
    draws: int,
    seed: int,
    progress: bool = True,
) -> dict[str, pd.DataFrame]:
    """All tables that are not empty and need no judge, by the names in `repalign.results.schema.EVALUATION`.

    Args:
        items: by language.
        answers: by checkpoint.
        measured: checkpoint -> scorer -> language -> statistics.
        profile: layer-wise alignment of the same checkpoints.
        detect: whether to detect the language of answers that are not choices.
        draws: of bootstraps and permutation tests.
        seed: of both.
        progress: whether to show signs of life: see `repalign.progress`.

    Raises:
        RepalignError: the profile has no checkpoint and language in common with the answers.
    """
    detect = detect and not any(item.choices for questions in items.values() for item in questions)
    detected = _detected_languages(items, answers, progress) if detect else {}
    per_item = {
        name: {scorer: {lang: one.per_item for lang, one in of.items()} for scorer, of in scorers.items()}
        for name, scorers in measured.items()
    }
    with Phase("intervals and tests", shown=progress):
        tables = {
            "scores": score_table(measured, items, draws, seed),
            "answers": _answer_table(items, answers, per_item, detected),
            "consistency": _concatenated(
                {name: consistency(items, given.texts, draws, seed) for name, given in answers.items()}
            ),
        }
    if any(item.choices for questions in items.values() for item in questions):
        tables["choices"] = _choice_table(items, answers)
    if detected:
        tables["answer_languages"] = language_table(items, detected)
    if profile is not None:
        tables |= _alignment_tables(profile, tables["scores"], items, per_item, draws, seed)
    return {name: table for name, table in tables.items() if len(table)}


def wins_table(
    items: Items, answers: Mapping[str, Answers], judge: tuple[str, Judge], progress: bool
) -> pd.DataFrame:
    """Win rates of the second of two checkpoints over the first.

    Args:
        items: by language.
        answers: by checkpoint.
        judge: name and function.
        progress: whether to show signs of life: see `repalign.progress`.

    Raises:
        JudgeFailed: the judge gave no verdict.
    """
    (baseline, first), (checkpoint, second) = answers.items()
    name, decide = judge
    wins = win_rates(items, first.texts, second.texts, decide, progress)
    return wins.assign(checkpoint=checkpoint, baseline=baseline, judge=name)


def _detected_languages(items: Items, answers: Mapping[str, Answers], progress: bool) -> Detected:
    """Languages of the answers, and of the references for comparison, where lingua can distinguish any."""
    languages = {asked: questions[0].language for asked, questions in items.items()}
    candidates = [*languages.values(), "en"]
    known = {asked: language for asked, language in languages.items() if lingua_code(language)}
    if unknown := [asked for asked in languages if asked not in known]:
        logger.warning(
            "answers in %s: lingua does not know the language, so it is not detected", ", ".join(unknown)
        )
    if len({lingua_code(language) for language in (*known.values(), "en")}) < 2:
        logger.info("the language of answers is not detected: there is none but English to choose from")
        return {}
    texts = {REFERENCES: {asked: [item.references[0] for item in items[asked]] for asked in items}}
    texts |= {name: given.texts for name, given in answers.items()}
    detected: dict[str, dict[str, list[str | None]]] = {name: {} for name in texts}
    total = sum(len(by_language[asked]) for by_language in texts.values() for asked in known)
    with Phase("detecting the language of answers", total, "answers", shown=progress) as phase:
        for name, by_language in texts.items():
            for asked, language in known.items():
                detected[name][asked] = [
                    asked if found == language else found
                    for found in answer_languages(by_language[asked], language, candidates)
                ]
                phase.update(len(by_language[asked]))
    return detected


def _answer_table(
    items: Items, answers: Mapping[str, Answers], per_item: PerItem, detected: Detected
) -> pd.DataFrame:
    import pandas as pd

    rows = [
        {
            "checkpoint": name, "language": language, "item": item.id, "kind": item.kind,
            "instruction": item.instruction, "input": item.input, "reference": item.references[0],
            "answer": answer.text, "answered_in": detected[name][language][row] if language in detected.get(name, {}) else None,
            "tokens": answer.tokens, "ended": answer.ended, "prompt_cut": answer.prompt_cut,
            **{scorer: values[language][row] for scorer, values in per_item[name].items()},
        }
        for name, given in answers.items()
        for language, questions in items.items()
        for row, (item, answer) in enumerate(zip(questions, given.answers[language], strict=True))
    ]  # fmt: skip
    return pd.DataFrame(rows).astype({"answered_in": "string"})


def _choice_table(items: Items, answers: Mapping[str, Answers]) -> pd.DataFrame:
    rows = [
        {
            "checkpoint": name, "language": language, "item": item.id, "choice": choice,
            "loglikelihood": value, "is_right": choice == item.references[0],
        }
        for name, given in answers.items()
        for language, questions in items.items()
        for item, answer in zip(questions, given.answers[language], strict=True)
        for choice, value in zip(item.choices, answer.loglikelihoods, strict=True)
    ]  # fmt: skip
    return EVALUATION["choices"].frame(rows)


def _concatenated(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    return pd.concat([table.assign(checkpoint=name) for name, table in tables.items()], ignore_index=True)


def _alignment_tables(
    profile: Results, scores: pd.DataFrame, items: Items, per_item: PerItem, draws: int, seed: int
) -> dict[str, pd.DataFrame]:
    import pandas as pd

    alignment = alignment_table(profile, scores)
    if alignment.empty:
        known = ", ".join(profile.profile.table["checkpoint"].unique())
        raise RepalignError(
            f"the profile has no alignment of these checkpoints in these languages; it contains {known}"
        )
    parts = [over_languages(alignment, draws, seed), over_items(profile, items, per_item, draws, seed)]
    correlations = pd.concat([part for part in parts if len(part)], ignore_index=True)
    return {"alignment": alignment, "correlations": adjusted(correlations.astype({"language": "string"}))}
