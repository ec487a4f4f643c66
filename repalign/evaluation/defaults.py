"""What an evaluation uses if the caller does not choose: items, scorers, judge."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import repalign.evaluation.translation  # noqa: F401  (registers its scorers)
from repalign.checkpoints import Checkpoint
from repalign.checkpoints.card import Card
from repalign.corpora import EMBEDDED
from repalign.errors import RepalignError
from repalign.evaluation.answer_language import check_detector
from repalign.evaluation.items import Items, sampled
from repalign.evaluation.judges import DEFAULT_URL, TIE_MARGINS, Judge, find_judge, guarded
from repalign.evaluation.scorers import SCORERS
from repalign.evaluation.tasks import TASKS, TRANSLATION_REQUEST, Request
from repalign.evaluation.translation import is_available
from repalign.models.templates import TEMPLATES

BRIEF_REQUEST = "{target}:"
"""How checkpoints that were tuned with the shortest request are asked to translate."""

logger = logging.getLogger(__name__)

AUTO = "auto"
"""The judge by default: the task's first scorer that can judge."""


def check_choices(
    task: str,
    scorers: str | Sequence[str] | None = None,
    judge: str | Judge | None = AUTO,
    judge_url: str = DEFAULT_URL,
    template: str | None = None,
    detect: bool = True,
    registered: bool = True,
) -> None:
    """Fail on a typo before a model is trained or loaded.

    Args:
        task, scorers, judge, judge_url, template, detect: see `repalign.evaluation.run.evaluate`.
        registered: whether the task must be one in `TASKS`.

    Raises:
        RepalignError: an unknown task, scorer, judge or template, a chat API that cannot be asked, or lingua is needed and not
            installed.
    """
    if registered:
        TASKS[task]
    choose_judge(judge, choose_scorers(task, scorers), judge_url)
    if template is not None:
        TEMPLATES[template]
    if detect:
        check_detector()


def choose_scorers(task: str, scorers: str | Sequence[str] | None = None) -> list[str]:
    """The given scorers, or those of the task that are available on this machine.

    Raises:
        RepalignError: an unknown task or scorer.
    """
    if scorers is None:
        if task not in TASKS:
            raise RepalignError(
                f"{task!r} is not a registered task, so that scorers have no default; give them"
            )
        return [name for name in TASKS[task].scorers if is_available(name)]
    names = [scorers] if isinstance(scorers, str) else list(scorers)
    if not names:
        raise RepalignError(f"no scorers; give one or more of {', '.join(SCORERS)}")
    return [SCORERS[name].name for name in names]


def choose_judge(
    judge: str | Judge | None, scorers: Sequence[str], url: str = DEFAULT_URL, store: bool = True
) -> tuple[str, Judge] | None:
    """Name and function of the judge, or None for none.

    Args:
        judge: a name (see `find_judge`), a function, "auto" or None.
        scorers: names, the main one first; "auto" is the first that can judge, else exact match.
        url: of the chat API.
        store: whether verdicts of a chat API are stored.

    Raises:
        RepalignError: an unknown judge, or a chat API that cannot be asked: see `find_judge`.
    """
    if judge is None:
        return None
    if not isinstance(judge, str):
        return getattr(judge, "__name__", type(judge).__name__), guarded(judge)
    name = judge if judge != AUTO else next((name for name in scorers if name in TIE_MARGINS), "exact")
    found = find_judge(name, url, store)
    return name, guarded(found) if name.startswith("chat:") else found


def read_items(
    task: str,
    checkpoints: Sequence[Checkpoint],
    *,
    data: str | Path | None = None,
    languages: str | Sequence[str] | None = None,
    source: str = "en",
    instruction: str | None = None,
    prompts: str | Path | None = None,
    limit: int | None = None,
    seed: int = 0,
) -> Items:
    """The items of a task, by default those that suit the checkpoints; the notes are also logged.

    Args:
        task: a name in `TASKS`.
        checkpoints: the last one's card names the default corpus of translation; checkpoints of the demo family
            are asked to translate as briefly as they were in training.
        data, languages, source, instruction, prompts, limit, seed: see `repalign.evaluation.run.evaluate`.

    Raises:
        RepalignError: an unknown task or language, or data that cannot be read.
    """
    # A card may come from anywhere: it chooses among the embedded corpora, and no folder or data set.
    tested_on = checkpoints[-1].corpus if task == "translation" else None
    corpus = tested_on if tested_on in EMBEDDED else None
    brief = any(map(_tuned_with_brief_requests, checkpoints))
    request = Request(
        data=corpus if data is None else str(data),
        languages=[languages] if isinstance(languages, str) else languages,
        source=source,
        instruction=instruction or (BRIEF_REQUEST if brief else TRANSLATION_REQUEST),
        prompts=None if prompts is None else Path(prompts),
        limit=limit,
    )
    items = TASKS[task].read(request)
    for note in items.notes:
        logger.warning("%s", note)
    return Items(sampled(items, limit, seed), items.notes)


def _tuned_with_brief_requests(checkpoint: Checkpoint) -> bool:
    """Whether its card says that it was tuned with the shortest request to translate."""
    card = Card.read(checkpoint.folder) if checkpoint.folder else None
    sources = card.recipe.get("sources", {}) if card else {}
    tables = sources.values() if isinstance(sources, dict) else ()
    return any(source.get("brief") for source in tables if isinstance(source, dict))
