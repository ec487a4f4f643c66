"""Tasks: where items come from, and how their answers are scored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from repalign.corpora import ParallelCorpus, open_corpus
from repalign.corpora.checks import check
from repalign.corpora.flores import read_flores
from repalign.corpora.languages import choose, language_name
from repalign.corpora.opening import PHRASEBOOK_SENTENCES
from repalign.corpora.problems import warn
from repalign.errors import RepalignError
from repalign.evaluation.items import Item
from repalign.evaluation.questions import Source, read_prompts, read_questions
from repalign.registry import Registry

TRANSLATION_REQUEST = "Translate the following sentence into {target}."
"""The first of the requests used in training; the paper's code, too, evaluates with this one only."""


@dataclass(frozen=True)
class Request:
    """Which items of a task to read.

    Attributes:
        data: folder, file, corpus name or hub id; None for the task's default.
        languages: which, in this order; None for all that exist.
        source: language to translate from.
        instruction: the request to translate, with `{source}` and `{target}`.
        prompts: a TOML file with custom prompts for reading comprehension.
        limit: read only the first so many sentences of a corpus or of the phrasebook.
    """

    data: str | None = None
    languages: Sequence[str] | None = None
    source: str = "en"
    instruction: str = TRANSLATION_REQUEST
    prompts: Path | None = None
    limit: int | None = None


@dataclass(frozen=True)
class Task:
    """An evaluation task.

    Attributes:
        name: as given to `--task`.
        about: description in one line.
        read: request -> items.
        scorers: default scorers, the main one first; those not available on this machine (spBLEU) are skipped.
        new_tokens: default maximum length of an answer.
    """

    name: str
    about: str
    read: Callable[[Request], list[Item]]
    scorers: tuple[str, ...]
    new_tokens: int


TASKS: Registry[Task] = Registry("task")
QUESTION_SCORERS = ("contains", "exact", "f1")
TRANSLATION_SCORERS = ("chrf", "bleu", "spbleu")
XQUAD = Source(
    hub="google/xquad",
    config="xquad.{language}",
    split="validation",
    files=r"xquad\.(?P<language>[a-z]{2})(\.json|\.parquet|/validation[^/]*\.parquet)",
    example="xquad.zh.json",
    languages=("en", "ar", "de", "el", "es", "hi", "ro", "ru", "th", "tr", "vi", "zh"),
)
MLQA = Source(
    hub="facebook/mlqa",
    config="mlqa.{language}.{language}",
    split="test",
    files=r"(test-context-|mlqa\.)(?P<language>[a-z]{2})(-question-|\.)(?P=language)(\.json|/test[^/]*\.parquet)",
    example="test-context-zh-question-zh.json",
    languages=("en", "ar", "de", "es", "hi", "vi", "zh"),
)


def _questions(source: Source) -> Callable[[Request], list[Item]]:
    return lambda request: read_questions(
        request.data, source, request.languages, read_prompts(request.prompts)
    )


def translation_items(corpus: ParallelCorpus, request: Request) -> list[Item]:
    """One item per sentence and target language: translate it from the source language. Misaligned text is warned of.

    Raises:
        RepalignError: the corpus lacks the source language, or has no other.
    """
    sources = corpus.select([request.source]).sentences[request.source]
    targets = [language for language in request.languages or corpus.languages if language != request.source]
    if not targets:
        raise RepalignError(
            f"nothing to translate {request.source!r} into; name other languages, or another --source"
        )
    warn(corpus.name, check(corpus.select([request.source, *targets]), request.source)["problems"])
    return [
        Item(
            str(row), target, _instruction(request, target), source, (translation,),
            sentence=translation, source=request.source,
        )
        for target in targets
        for row, (source, translation) in enumerate(
            zip(sources, corpus.sentences[target], strict=True), start=1
        )
    ]  # fmt: skip


def _instruction(request: Request, target: str) -> str:
    instruction = request.instruction.replace("{source}", language_name(request.source))
    return instruction.replace("{target}", language_name(target))


def _with_source(request: Request) -> list[str] | None:
    """The languages to read: source and targets."""
    return list(dict.fromkeys([request.source, *request.languages])) if request.languages else None


def _translation(request: Request) -> list[Item]:
    corpus = open_corpus(request.data or "everyday", _with_source(request)).select(limit=request.limit)
    return translation_items(corpus, request)


def _flores(request: Request) -> list[Item]:
    if request.data is None or not Path(request.data).expanduser().is_dir():
        raise RepalignError(
            f"no folder {request.data or 'given'}; --data takes the unpacked FLORES, with files such as eng_Latn.devtest"
        )
    corpus = read_flores(Path(request.data).expanduser(), _with_source(request)).select(limit=request.limit)
    return translation_items(corpus, request)


def _phrasebook(request: Request) -> list[Item]:
    from repalign.corpora import phrasebook

    languages = choose(dict.fromkeys(phrasebook.LANGUAGES), request.languages, "in the phrasebook")
    held_out = phrasebook.meanings("held-out")[: request.limit or PHRASEBOOK_SENTENCES]
    return [
        Item(f"{row}-{task.kind}", language, task.instruction, task.input, (task.output,), task.kind,
             phrasebook.realise(meaning, language))
        for language in languages
        for row, meaning in enumerate(held_out, start=1)
        for task in phrasebook.tasks(meaning, language)
    ]  # fmt: skip


for _task in (
    Task("xquad", "reading comprehension, parallel in 12 languages (XQuAD)", _questions(XQUAD), QUESTION_SCORERS, 64),
    Task("mlqa", "reading comprehension in 7 languages (MLQA)", _questions(MLQA), QUESTION_SCORERS, 64),
    Task("phrasebook", "questions and exercises about sentences that the demo family was not trained on", _phrasebook, ("exact", "f1", "contains"), 32),
    Task("translation", "translation of any parallel corpus, from --source", _translation, TRANSLATION_SCORERS, 256),
    Task("flores", "translation of FLORES-101 or FLORES-200", _flores, TRANSLATION_SCORERS, 256),
):  # fmt: skip
    TASKS.add(_task.name, _task)
