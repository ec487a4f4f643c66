"""Tasks: where items come from, and how their answers are scored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from repalign.corpora import ParallelCorpus, open_corpus
from repalign.corpora.checks import check
from repalign.corpora.language_choice import choose, find_language
from repalign.corpora.languages import canonical, language_name
from repalign.corpora.opening import PHRASEBOOK_SENTENCES
from repalign.corpora.problems import warning
from repalign.errors import RepalignError
from repalign.evaluation.items import Item, Items
from repalign.evaluation.multiple_choice import belebele_item, mmlu_item, read_choices
from repalign.evaluation.prompts import read_prompts
from repalign.evaluation.questions import ToItem, read_questions
from repalign.evaluation.sources import DataSet
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
    read: Callable[[Request], Items]
    scorers: tuple[str, ...]
    new_tokens: int


TASKS: Registry[Task] = Registry("task")
QUESTION_SCORERS = ("contains", "exact", "f1")
TRANSLATION_SCORERS = ("chrf", "bleu", "spbleu")
XQUAD = DataSet(
    example="xquad.zh.json",
    files=r"(^|/)xquad\.(?!translate)",
    hub="google/xquad",
    config="xquad.{language}",
    split="validation",
    languages=("en", "ar", "de", "el", "es", "hi", "ro", "ru", "th", "tr", "vi", "zh"),
)
MLQA = DataSet(
    example="test-context-zh-question-zh.json",
    files=r"(^|/)(mlqa\.|(test|dev)-context-)",
    hub="facebook/mlqa",
    config="mlqa.{language}.{question}",
    languages=("en", "ar", "de", "es", "hi", "vi", "zh"),
)
SQUAD = DataSet(example="squad.zh.json")
BELEBELE = DataSet(example="zho_Hans.jsonl", hub="facebook/belebele")
GLOBAL_MMLU = DataSet(example="zh/test-00000-of-00001.parquet", hub="CohereLabs/Global-MMLU")


def _questions(dataset: DataSet) -> Callable[[Request], Items]:
    return lambda request: read_questions(
        request.data, dataset, request.languages, read_prompts(request.prompts)
    )


def _choices(dataset: DataSet, to_item: ToItem) -> Callable[[Request], Items]:
    return lambda request: read_choices(request.data, dataset, request.languages, to_item)


def translation_items(corpus: ParallelCorpus, request: Request) -> Items:
    """One item per sentence and target language: translate it from the source language. Misaligned text is noted.

    Raises:
        RepalignError: the corpus lacks the source language, or has no other.
    """
    asked_from = find_language(
        request.source, corpus.languages, f"in corpus {corpus.name!r}; --source names another"
    )
    sources = corpus.sentences[asked_from]
    targets = [language for language in corpus.languages if language != asked_from]
    if not targets:
        raise RepalignError(
            f"nothing to translate {asked_from!r} into; name other languages, or another --source"
        )
    documents = corpus.documents or [""] * len(corpus)
    items = Items(
        Item(
            str(row), target, _instruction(request.instruction, asked_from, target), source, (translation,),
            sentence=translation, source=asked_from, document=document,
        )
        for target in targets
        for row, (source, translation, document) in enumerate(
            zip(sources, corpus.sentences[target], documents, strict=True), start=1
        )
    )  # fmt: skip
    if problem := warning(corpus.name, check(corpus, asked_from)["problems"]):
        items.notes.append(problem)
    return items


def _instruction(wording: str, source: str, target: str) -> str:
    return wording.replace("{source}", language_name(source)).replace("{target}", language_name(target))


def _with_source(request: Request) -> list[str] | None:
    """The languages to read: source and targets, in whichever spelling."""
    targets = [code for code in request.languages or () if canonical(code) != canonical(request.source)]
    return [request.source, *targets] if request.languages else None


def _translation(request: Request) -> Items:
    corpus = open_corpus(request.data or "everyday", _with_source(request)).select(limit=request.limit)
    return translation_items(corpus, request)


def _flores(request: Request) -> Items:
    if request.data is None:
        raise RepalignError("--data is missing: the folder of FLORES, with files such as eng_Latn.devtest")
    return _translation(request)


def _phrasebook(request: Request) -> Items:
    from repalign.corpora import phrasebook

    languages = choose({code: code for code in phrasebook.LANGUAGES}, request.languages, "in the phrasebook")
    held_out = phrasebook.meanings("held-out")[: request.limit or PHRASEBOOK_SENTENCES]
    return Items(
        Item(f"{row}-{task.kind}", language, task.instruction, task.input, (task.output,), task.kind,
             phrasebook.realise(meaning, written), document=str(row))
        for language, written in languages.items()
        for row, meaning in enumerate(held_out, start=1)
        for task in phrasebook.tasks(meaning, written)
    )  # fmt: skip


for _task in (
    Task("xquad", "reading comprehension, parallel in 12 languages (XQuAD)", _questions(XQUAD), QUESTION_SCORERS, 64),
    Task("mlqa", "reading comprehension in 7 languages (MLQA)", _questions(MLQA), QUESTION_SCORERS, 64),
    Task("squad", "reading comprehension in any files of SQuAD's format, such as TyDi QA's", _questions(SQUAD), QUESTION_SCORERS, 64),
    Task("belebele", "multiple choice about passages, parallel in 122 languages (Belebele)", _choices(BELEBELE, belebele_item), ("acc",), 1),
    Task("global-mmlu", "multiple choice about 57 subjects, parallel in 42 languages (Global-MMLU)", _choices(GLOBAL_MMLU, mmlu_item), ("acc",), 1),
    Task("phrasebook", "questions and exercises about sentences that the demo family was not trained on", _phrasebook, ("exact", "f1", "contains"), 32),
    Task("translation", "translation of any parallel corpus, from --source", _translation, TRANSLATION_SCORERS, 256),
    Task("flores", "translation of FLORES-101, FLORES-200 or FLORES+", _flores, TRANSLATION_SCORERS, 256),
):  # fmt: skip
    TASKS.add(_task.name, _task)
