"""Items from the phrasebook, the embedded parallel grammar: text, tasks, translation."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Literal, cast

from repalign.corpora.language_choice import find_language

from .instructions import translation_request
from .items import Item, Items


@cache
def _meanings(split: str, order: str) -> Sequence[Any]:
    """The split's meanings in an order that depends on the source, so that the first n of two sources differ."""
    from repalign.corpora.phrasebook import meanings

    shuffled = list(meanings(cast(Literal["train", "held-out"], split)))
    random.Random(order).shuffle(shuffled)
    return shuffled


def _known(languages: Sequence[str]) -> tuple[str, ...]:
    """The phrasebook's codes of some languages, which may be spelled in another way, such as zho_Hans."""
    from repalign.corpora.phrasebook import LANGUAGES

    return tuple(find_language(language, LANGUAGES, "in the phrasebook") for language in languages)


def text(languages: tuple[str, ...], options: Mapping[str, Any], split: str) -> Items:
    """Plain sentences of one language: `text_en`."""
    from repalign.corpora.phrasebook import realise

    languages = _known(languages)
    (language,) = languages
    rows = _meanings(split, f"text {language}")
    return Items(len(rows), lambda index: Item("", "", realise(rows[index], language), languages))


def tasks(languages: tuple[str, ...], options: Mapping[str, Any], split: str) -> Items:
    """Questions and exercises about a sentence: `tasks_en`; answered in another language: `tasks_en-zh`.

    Each meaning gives one item, of one of its kinds of tasks at random.
    """
    from repalign.corpora.phrasebook import tasks

    languages = _known(languages)
    language, answer_language = languages[0], languages[-1]
    order = f"tasks {'-'.join(languages)}"
    rows = _meanings(split, order)

    def make(index: int) -> Item:
        choices = tasks(rows[index], language, answer_language)
        task = random.Random(f"{order} {index}").choice(choices)
        return Item(task.instruction, task.input, task.output, languages)

    return Items(len(rows), make)


def translation(languages: tuple[str, ...], options: Mapping[str, Any], split: str) -> Items:
    """A sentence and its translation, `translation_en-zh`, or its repetition, `translation_en`.

    Option `brief`: always the shortest instruction.
    """
    from repalign.corpora.phrasebook import realise

    languages = _known(languages)
    source, target = languages[0], languages[-1]
    rows = _meanings(split, f"translation {source}-{target}")

    def make(index: int) -> Item:
        request = translation_request(
            source, target, index, options.get("ask", "en"), options.get("brief", False)
        )
        return Item(request, realise(rows[index], source), realise(rows[index], target), languages)

    return Items(len(rows), make)


def phrases(languages: tuple[str, ...], options: Mapping[str, Any], split: str) -> Items:
    """One phrase of a sentence and its translation, such as "two red coats": `phrases_en-zh`."""
    from repalign.corpora.phrasebook.surface import phrases

    languages = _known(languages)
    source, target = languages
    order = f"phrases {source}-{target}"
    rows = _meanings(split, order)

    def make(index: int) -> Item:
        sides = [dict(phrases(rows[index], language)) for language in languages]
        role = random.Random(f"{order} {index}").choice([role for role in sides[0] if role in sides[1]])
        request = translation_request(source, target, index, brief=True)
        return Item(request, sides[0][role], sides[1][role], languages)

    return Items(len(rows), make)


def switched(languages: tuple[str, ...], options: Mapping[str, Any], split: str) -> Items:
    """A code-switched sentence and its translation into one language.

    `switched_zh` switches between all languages of the phrasebook, `switched_en-zh` between two of them; the
    last one named is that of the answer.
    """
    from repalign.corpora.phrasebook import LANGUAGES, realise

    languages = _known(languages)
    target, among = languages[-1], languages if len(languages) > 1 else LANGUAGES
    order = f"switched {'-'.join(languages)}"
    rows = _meanings(split, order)

    def make(index: int) -> Item:
        mixed = _switch(rows[index], among, random.Random(f"{order} {index}"))
        request = translation_request(target, target, index, brief=True)
        return Item(request, mixed, realise(rows[index], target), (*among, target))

    return Items(len(rows), make)


def _switch(meaning: Any, among: Sequence[str], rng: random.Random) -> str:
    """Phrases in the order of one language, each in that language or, with equal probability, in another."""
    from repalign.corpora.phrasebook.surface import grammar_of, phrases, written

    frame, *others = rng.sample(among, len(among))
    translated = {language: dict(phrases(meaning, language)) for language in among}
    texts = []
    for role, text in phrases(meaning, frame):
        language = rng.choice(others) if rng.random() < 0.5 else frame
        texts.append(translated[language].get(role, text))
    return written([" ".join(texts)], frame) + grammar_of(frame).STOP
