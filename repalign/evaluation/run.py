"""evaluate(): checkpoints and a task in, tables of scores out."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from repalign.checkpoints import Checkpoint, as_checkpoints
from repalign.errors import RepalignError, explained_keywords
from repalign.evaluation.answering import Answers, answer
from repalign.evaluation.clusters import Clusters
from repalign.evaluation.defaults import AUTO, check_choices, choose_judge, choose_scorers, read_items
from repalign.evaluation.items import Item, Items, by_language
from repalign.evaluation.judges import DEFAULT_URL, Judge, JudgeFailed
from repalign.evaluation.scorers import SCORERS
from repalign.evaluation.scores import ByLanguage, measure
from repalign.evaluation.tables import evaluation_tables, wins_table
from repalign.evaluation.tasks import TASKS
from repalign.models.loading import one_base
from repalign.privacy import without_home
from repalign.progress import Phase
from repalign.results.evaluation import Evaluation
from repalign.results.results import Results
from repalign.results.titles import title_of
from repalign.signature import today

if TYPE_CHECKING:
    from repalign.evaluation.tasks import Task

MAX_CHECKPOINTS = 2

logger = logging.getLogger(__name__)


@explained_keywords()
def evaluate(
    checkpoints: str | Checkpoint | Sequence[str | Checkpoint],
    task: str,
    *,
    items: Sequence[Item] | None = None,
    data: str | Path | None = None,
    languages: str | Sequence[str] | None = None,
    source: str = "en",
    instruction: str | None = None,
    prompts: str | Path | None = None,
    limit: int | None = None,
    scorers: str | Sequence[str] | None = None,
    new_tokens: int | None = None,
    template: str | None = None,
    judge: str | Judge | None = AUTO,
    judge_url: str = DEFAULT_URL,
    profile: Results | str | Path | None = None,
    detect: bool = True,
    draws: int = 1000,
    seed: int = 0,
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto",
    device: str = "auto",
    batch_tokens: int | None = None,
    store: bool = True,
    progress: bool = True,
) -> Evaluation:
    """Let one or two checkpoints answer the items of a task, and score the answers: what `repalign evaluate` runs.

    Args:
        checkpoints: one, or two: then the second is compared with the first, question by question. Names, folders or
            hub ids (one with a recipe is trained on first use, unless it is shipped), or `Checkpoint`s.
        task: a name in `repalign.evaluation.tasks.TASKS`; with `items` and `scorers`, any name.
        items: custom items; then `data` to `limit` are not used. By default those of the task.
        data: folder, file, corpus name or hub id; by default the task's.
        languages: of the answers, in any spelling; by default all that exist. MLQA's "zh.en" is a passage in Chinese with
            a question in English.
        source: language to translate from.
        instruction: the request to translate, with `{source}` and `{target}`.
        prompts: TOML file with custom prompts for reading comprehension.
        limit: items per language, the same questions in each; by default all.
        scorers: names in `repalign.evaluation.scorers.SCORERS`, the main one first; by default the task's.
        new_tokens: maximum length of an answer; by default the task's.
        template: of the prompts; by default the one the checkpoint was tuned with, else alpaca.
        judge: with two checkpoints, decides which of two answers is better: acc, exact, f1, contains, chrf, `chat:MODEL`, a
            function (item, first, second) -> 1, 0, -1 or None, "auto" for the first scorer that can judge, or None.
        judge_url: of the chat API for `chat:MODEL`, which questions and answers are sent to.
        profile: layer-wise alignment of the same checkpoints (results or their folder), to correlate with the scores.
        detect: whether to detect the language of answers (needs lingua).
        draws: bootstrap draws, and permutations.
        seed: of draws, and of the sampling of items.
        dtype, device: in which, and where the models run; auto picks.
        batch_tokens: padded tokens per batch; by default by free memory.
        store: whether answers, and verdicts of a chat API, are read from and written to `$REPALIGN_HOME`.
        progress: whether to show signs of life: see `repalign.progress`.

    Returns:
        Tables by the names in `repalign.results.schema.EVALUATION`; scores are in percent. If the judge fails, or raises an
        exception, there is no table `wins`, and `settings["wins_missing"]` says why.

    Raises:
        RepalignError: an unknown name; no items; more than two checkpoints; data, a profile or a checkpoint that cannot
            be read; a package that is not installed.
    """
    check_choices(task, scorers, judge, judge_url, template, detect, registered=items is None)
    scorers = choose_scorers(task, scorers)
    length = new_tokens or _task(task).new_tokens
    if isinstance(profile, (str, Path)):
        profile = Results.load(profile)
    resolved = as_checkpoints(checkpoints)
    if len(resolved) > MAX_CHECKPOINTS:
        raise RepalignError(f"evaluate takes one or two checkpoints, not {len(resolved)}")
    if items is None:
        items = read_items(
            task, resolved, data=data, languages=languages, source=source, instruction=instruction,
            prompts=prompts, limit=limit, seed=seed,
        )  # fmt: skip
    if not items:
        raise RepalignError(f"task {task!r} has no items; check --data, --langs and --limit")
    with one_base():
        answers = {
            one.name: answer(one, items, task, length, template, device, dtype, batch_tokens, store, progress)
            for one in resolved
        }
    grouped = by_language(items)
    together = Clusters.of(grouped)
    with Phase("scoring answers", shown=progress):
        measured = {
            name: {scorer: measure(scorer, grouped, given.texts) for scorer in scorers}
            for name, given in answers.items()
        }
    tables = evaluation_tables(
        grouped, answers, measured, profile=profile, detect=detect, draws=draws, seed=seed, progress=progress
    )
    chosen, missing = choose_judge(judge, scorers, judge_url, store), {}
    if chosen and len(answers) == MAX_CHECKPOINTS:
        try:
            tables["wins"] = wins_table(grouped, answers, chosen, progress)
        except JudgeFailed as failed:
            missing = {"wins_missing": str(failed)}
            logger.warning("no win rates: %s", failed)
    return Evaluation(
        title_of(answers, task, compare=True),
        {name: given.signature for name, given in answers.items()},
        tables,
        settings={
            "task": task, "scorers": _signatures(measured), "labels": {name: SCORERS[name].label for name in scorers},
            "draws": draws, "seed": seed, "clusters": {together.unit: together.count} if together else {},
            "truncated": {name: _truncated(given) for name, given in answers.items()},
            "chance": _chance(measured), "notes": without_home(items.notes) if isinstance(items, Items) else [], **missing,
        },
        about={"date": today()},
    )  # fmt: skip


def _task(name: str) -> Task:
    if name not in TASKS:
        raise RepalignError(f"{name!r} is not a registered task, so that new_tokens has no default; give it")
    return TASKS[name]


def _signatures(measured: Mapping[str, Mapping[str, ByLanguage]]) -> dict[str, str]:
    """Scorer -> its signature; with the languages if it differs between them."""
    signatures = {}
    for scorer, of_language in next(iter(measured.values())).items():
        languages: dict[str, list[str]] = {}
        for language, statistics in of_language.items():
            languages.setdefault(statistics.signature, []).append(language)
        listed = [f"{signature} ({', '.join(codes)})" for signature, codes in languages.items()]
        signatures[scorer] = "; ".join(listed) if len(listed) > 1 else next(iter(languages))
    return signatures


def _chance(measured: Mapping[str, Mapping[str, ByLanguage]]) -> dict[str, float]:
    """Scorer -> mean over languages of the score of answers at random, where it is known."""
    chances = {
        scorer: [statistics.chance for statistics in of_language.values() if statistics.chance is not None]
        for scorer, of_language in next(iter(measured.values())).items()
    }
    return {scorer: sum(values) / len(values) for scorer, values in chances.items() if values}


def _truncated(given: Answers) -> dict[str, dict[str, int]]:
    """Number of answers that did not end, and of prompts that did not fit, by language where there are any."""
    unended = {lang: sum(not one.ended for one in answers) for lang, answers in given.answers.items()}
    shortened = {lang: sum(one.prompt_cut > 0 for one in answers) for lang, answers in given.answers.items()}
    return {
        what: {language: count for language, count in counts.items() if count}
        for what, counts in (("answers", unended), ("prompts", shortened))
    }
