"""The paper's claims, each as comparisons of the kept runs of `pretrained.py`: see `experiment.comparisons` for the rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .comparisons import NOT_SUPPORTED, NOT_TESTABLE, SUPPORTED, Comparison, judged
from .contrasts import (
    MARGINS,
    both_directions,
    english_alone,
    follows_instructions,
    many_languages_at_once,
    middle_layers,
    predicts_scores,
    trained_more_than_others,
    training_aligns,
    tuned_in_a_language,
)
from .kept import Kept


@dataclass(frozen=True)
class Claim:
    """A claim of the paper.

    Attributes:
        key: a letter.
        title: in a few words.
        text: the claim.
        comparisons: of the kept runs; none: it cannot be tested with such runs, and `note` says why.
        note: how to read it.
    """

    key: str
    title: str
    text: str
    comparisons: Callable[[Kept], list[Comparison]]
    note: str = ""


def verdicts(kept: Kept) -> list[dict[str, Any]]:
    """Every claim with its verdict, the number of comparisons that support it, and all of them.

    A claim is supported if all of its comparisons that can be tested are; the count says how many are.
    """
    judgements = []
    for claim in CLAIMS:
        rows = judged(claim.comparisons(kept))
        counted = [row["verdict"] for row in rows if not row["beside"]]
        tested = [one for one in counted if one != NOT_TESTABLE]
        right = tested.count(SUPPORTED)
        verdict = NOT_TESTABLE if not tested else SUPPORTED if right == len(tested) else NOT_SUPPORTED
        count = {"supported": right, "tested": len(tested), "not_testable": len(counted) - len(tested)}
        about = {"key": claim.key, "title": claim.title, "text": claim.text, "note": claim.note}
        judgements.append(about | {"verdict": verdict} | count | {"rows": rows})
    return judgements


CLAIMS = (
    Claim("a", "One language against English alone", "Tuned on instructions and translations of a language (CoIT), a model answers in it, and translates into and from it, "
          "better than its counterpart tuned on English", tuned_in_a_language),
    Claim("b", "All languages at once", "One model tuned on all languages at once (MuIT) is comparable to the models of single languages",
          many_languages_at_once, "Comparable: within " + ", ".join(f"{value:g} {name}" for name, value in MARGINS.items() if name != "P@1") + "."),
    Claim("c", "Multilingual instructions", "MuIT follows multilingual instructions: it answers in the language of the question, and consistently across languages",
          follows_instructions, "Languages are detected by lingua among the seven; the table answer_languages has its accuracy on the references."),
    Claim("d1", "Middle layers", "Meanings align in the middle layers", middle_layers, "The middle: from one to two thirds of the depth."),
    Claim("d2", "Alignment by training", "They align more after CoIT and MuIT than before, and than after tuning on English", training_aligns,
          "P@1 of the middle layers."),
    Claim("d3", "The trained language and others", "A language that is trained aligns more than those that are not", trained_more_than_others, "P@1 of the middle layers."),
    Claim("e", "A law of translation data", "Translation quality and alignment grow with translation data by a law", lambda kept: [],
          "All runs have the same number of sentence pairs, so no law can be fitted; [scaling.md](scaling.md) fits it to 54 runs of the demo family."),
    Claim("f", "Alignment and scores", "Alignment predicts the score, over languages and over sentences", predicts_scores,
          "Association only. Controls: what shared tokens alone align, over languages; the length of the reference, over sentences."),
    Claim("g", "Directions of translation", "Translating in both directions does more than from English alone", both_directions),
    Claim("h", "English alone", "Tuning on English alone improves answers in English and in other languages, and aligns them", english_alone),
)  # fmt: skip
