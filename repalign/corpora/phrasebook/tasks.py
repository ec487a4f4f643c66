"""Instruction items: questions about a sentence, gaps, word order, and yes-no questions."""

from __future__ import annotations

from dataclasses import dataclass, replace

from repalign.corpora.phrasebook.grammar import Meaning, digest, meanings, variant
from repalign.corpora.phrasebook.phrase import Phrase
from repalign.corpora.phrasebook.prompts import ANSWER_IN, PROMPTS
from repalign.corpora.phrasebook.surface import grammar_of, phrases, question, realise, written

GAP = "___"

# What each kind of question asks for, by pattern.
_ACT = {
    "who": "agent",
    "what": "object",
    "where": "place",
    "when": "time",
    "how-many": "number",
    "what-kind": "adjective",
}
_QUESTIONS = {
    "act": _ACT,
    "give": {**_ACT, "to-whom": "recipient"},
    "go": {"who": "agent", "where-from": "source", "where-to": "goal", "how": "vehicle", "when": "time"},
    "place": {"what": "object", "where": "location", "how-many": "number", "what-kind": "adjective"},
    "want": {kind: slot for kind, slot in _ACT.items() if kind != "when"},
    "errand": {"who": "agent", "where-to": "goal", "when": "time", "what-kind": "adjective"},
}


# "Saw the doctor" and "saw the lamp" are both sentences: these roles cannot be distractors for each other.
_NOMINAL = ("agent", "recipient", "object")


@dataclass(frozen=True)
class Task:
    """One instruction item: kind, instruction, input text and correct answer."""

    kind: str
    instruction: str
    input: str
    output: str


def tasks(meaning: Meaning, language: str, answer_language: str | None = None) -> tuple[Task, ...]:
    """All instruction items that the sentence of a meaning supports, questions first.

    Args:
        meaning: meaning of the sentence.
        language: language of the sentence and the instruction.
        answer_language: language of the answer. If it differs from `language`, only items whose answer can be
            translated are kept, and the instruction names the answer language.

    Raises:
        RepalignError: the phrasebook does not have one of the languages.
    """
    sentence = realise(meaning, language)
    ask_in = ""
    if answer_language not in (None, language):
        grammar_of(answer_language)
        ask_in = grammar_of(language).SPACE + ANSWER_IN[language][answer_language]
    target = answer_language or language
    items = [
        Task(kind, question(meaning, language, slot) + ask_in, sentence, _answer(meaning, target, slot))
        for kind, slot in _QUESTIONS[meaning.pattern].items()
        if _answers(meaning, slot)
    ]
    items.append(_order(meaning, language, ask_in, realise(meaning, target)))
    return tuple(items) if ask_in else (*items, _gap(meaning, language), _yes_no(meaning, language))


def _answers(meaning: Meaning, slot: str) -> bool:
    if meaning.negative:
        return slot in ("agent", "object") and meaning.pattern != "place"
    match slot:
        case "location":
            return meaning.number is None
        case "adjective":
            return meaning.adjective is not None and meaning.number in (None, "one")
        case "time":
            return meaning.time is not None and meaning.tense in ("past", "future")
    return getattr(meaning, slot) is not None


def _answer(meaning: Meaning, language: str, slot: str) -> str:
    if slot == "adjective":
        return grammar_of(language).quality(meaning)[1]
    if slot == "number":
        meaning, slot = replace(meaning, adjective=None), "object"
    return next(text for role, text in phrases(meaning, language) if role == slot)


def _order(meaning: Meaning, language: str, ask_in: str, answer: str) -> Task:
    grammar = grammar_of(language)
    texts = [text for _, text in phrases(meaning, language)]
    units = written(texts, language).split() if grammar.SPACE else texts
    shuffled = [units[i] for i in sorted(range(len(units)), key=lambda i: digest(f"order {i} {meaning}"))]
    if shuffled == units:
        shuffled = units[1:] + units[:1]
    return Task("order", PROMPTS[language]["order"] + ask_in, " / ".join(shuffled), answer)


def _gap(meaning: Meaning, language: str) -> Task:
    grammar = grammar_of(language)
    parts = phrases(meaning, language)
    gaps = [index for index, (role, _) in enumerate(parts) if role != "aux"]
    number, gap = divmod(digest(f"gap {meaning}"), len(gaps))
    texts = [text for _, text in parts]
    answer, texts[gaps[gap]] = texts[gaps[gap]], GAP
    choices = [answer, _distractor(meaning, language, parts, gaps[gap])]
    if gaps[gap] == 0:
        choices = [written([choice], language) for choice in choices]
    listed = " / ".join(choices if number % 2 else choices[::-1])
    sentence = written(texts, language) + grammar.STOP
    return Task("gap", PROMPTS[language]["gap"].format(listed), sentence, choices[0])


def _distractor(meaning: Meaning, language: str, parts: list[Phrase], gap: int) -> str:
    """A phrase that fits elsewhere in this sentence, so that only the answer fits the gap."""
    role = parts[gap][0]
    barred = {role, "aux", *(_NOMINAL if role in _NOMINAL else ())}
    others = [other for other, _ in parts if other not in barred]
    taken = {text for _, text in parts}
    pool, number = meanings("train"), digest(f"distractor {meaning}")
    while True:
        number += 1
        candidate = pool[number % len(pool)]
        if candidate.pattern == meaning.pattern:
            other_role = others[number % len(others)]
            for other, text in phrases(candidate, language):
                if other == other_role and text not in taken:
                    return text


def _yes_no(meaning: Meaning, language: str) -> Task:
    prompts = PROMPTS[language]
    true = digest(f"yes-no {meaning}") % 2 == 0
    claim = realise(meaning if true else variant(meaning), language)
    # The claim is quoted inside a question, so its full stop is dropped.
    instruction = prompts["yes-no"].format(claim[:-1])
    return Task("yes-no", instruction, realise(meaning, language), prompts["yes" if true else "no"])
