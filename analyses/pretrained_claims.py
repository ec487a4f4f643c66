"""The paper's claims, each as comparisons of the kept runs of `pretrained.py`: see `pretrained_comparisons` for the rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from pretrained_comparisons import (
    NOT_SUPPORTED,
    NOT_TESTABLE,
    SUPPORTED,
    Comparison,
    difference,
    judged,
    peak,
)
from pretrained_correlations import over_languages, over_sentences
from pretrained_estimates import Estimate
from pretrained_kept import Kept
from pretrained_plan import BASE, COUNTERPART, LANGUAGES, TWIN

OTHERS = LANGUAGES[1:]
FORWARD = "x-zh-forward"
MARGINS = {"XQuAD F1": 5.0, "chrF++": 2.0, "BLEU": 2.0, "P@1": 0.05}
"""Differences that are small enough to be called comparable, chosen before anything was measured."""

BLEU, CHRF = ("bleu", "BLEU"), ("chrf", "chrF++")


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
        judgements.append(
            {
                "key": claim.key,
                "text": claim.text,
                "verdict": verdict,
                **count,
                "note": claim.note,
                "rows": rows,
            }
        )
    return judgements


def answers(kept: Kept, name: str, other: str, language: str, **rest: Any) -> list[Comparison]:
    """A recipe against another in one language: questions, and translations by chrF++; beside it BLEU."""
    compare = partial(_compare, kept, name, other, **rest)
    found = [compare("XQuAD F1", lambda run: kept.score(run, "xquad", [language], "f1"), language)]
    for scorer, label in (CHRF, BLEU):
        for direction in (f"en-{language}", f"{language}-en"):
            score = partial(_translated, kept, [direction], scorer)
            found.append(compare(label, score, direction.replace("-", " to "), beside=scorer == "bleu"))
    return found


def _compare(
    kept: Kept, name: str, other: str, measure: str, score: Any, where: str, **rest: Any
) -> Comparison:
    if rest.get("kind") == "comparable":
        rest["margin"] = MARGINS[measure]
    return difference(kept, name, other, measure, score, where, **rest)


def _translated(kept: Kept, directions: list[str], scorer: str, run: str) -> Estimate:
    return kept.score(run, "translation", directions, scorer)


def _aligned(kept: Kept, languages: list[str], run: str) -> Estimate:
    """P@1, mean over languages and the middle third of the layers."""
    return kept.alignment(run, languages, kept.middle)


def tuned_in_a_language(kept: Kept) -> list[Comparison]:
    return [one for language in OTHERS for one in answers(kept, f"x-{language}", COUNTERPART, language)]


def many_languages_at_once(kept: Kept) -> list[Comparison]:
    return [
        one for language in OTHERS for one in answers(kept, "m", f"x-{language}", language, kind="comparable")
    ]


def follows_instructions(kept: Kept) -> list[Comparison]:
    asked = [group for group in kept.groups("xquad") if group != "en"]
    into = [group for group in kept.groups("translation") if not group.endswith("-en")]
    found = []
    for other in (COUNTERPART, BASE):
        compare = partial(difference, kept, "m", other, beside=other == BASE)
        found += [
            compare("% in the language asked", lambda run: kept.in_language(run, "xquad", asked), "XQuAD without en"),
            compare("% in the language asked", lambda run: kept.in_language(run, "translation", into), "en to L"),
            compare("% same answer above chance", kept.agreement, "XQuAD"),
        ]  # fmt: skip
    return found


def middle_layers(kept: Kept) -> list[Comparison]:
    found = []
    for name in (BASE, "m", COUNTERPART):
        aside = name == COUNTERPART
        for layer, where in ((0, "the first"), (-1, "the last")):
            found.append(_middle_against(kept, name, layer, where, aside))
        found.append(peak(kept, name, kept.languages, beside=aside))
    found.append(
        difference(kept, BASE, TWIN, "P@1", partial(_aligned, kept, kept.languages), "middle layers")
    )
    return found


def _middle_against(kept: Kept, name: str, layer: int, where: str, beside: bool) -> Comparison:
    label = f"{name}: middle layers − {where}"
    seeds = kept.seeds(name)
    if not seeds or not set(seeds.values()) <= kept.hits.keys():
        return Comparison(
            label, "P@1", reason=f"{name} not {'measured' if seeds else 'trained'}", beside=beside
        )
    languages = kept.languages
    values = {
        seed: _aligned(kept, languages, run) - kept.alignment(run, languages, [kept.layers[layer]])
        for seed, run in seeds.items()
    }
    return Comparison(label, "P@1", values, beside=beside)


def training_aligns(kept: Kept) -> list[Comparison]:
    found = []
    for name, languages in (("m", kept.languages), *((f"x-{one}", [one]) for one in OTHERS)):
        score = partial(_aligned, kept, languages)
        where = "all languages" if name == "m" else languages[0]
        found += [difference(kept, name, other, "P@1", score, where) for other in (BASE, COUNTERPART)]
    return found


def trained_more_than_others(kept: Kept) -> list[Comparison]:
    def ahead(language: str, run: str) -> Estimate:
        rest = [one for one in kept.languages if one != language]
        return _aligned(kept, [language], run) - _aligned(kept, rest, run)

    return [
        difference(
            kept, f"x-{one}", COUNTERPART, "P@1", partial(ahead, one), f"{one} minus the other languages"
        )
        for one in OTHERS
    ]


def both_directions(kept: Kept) -> list[Comparison]:
    aligned = difference(kept, "x-zh", FORWARD, "P@1", partial(_aligned, kept, ["zh"]), "zh")
    return [aligned, *answers(kept, "x-zh", FORWARD, "zh")]


def english_alone(kept: Kept) -> list[Comparison]:
    compare = partial(_compare, kept, COUNTERPART, BASE)
    others = [group for group in kept.groups("xquad") if group != "en"]
    into = [group for group in kept.groups("translation") if group.startswith("en-")]
    back = [group for group in kept.groups("translation") if group.endswith("-en")]
    return [
        compare("XQuAD F1", lambda run: kept.score(run, "xquad", ["en"], "f1"), "en"),
        compare("XQuAD F1", lambda run: kept.score(run, "xquad", others, "f1"), "other languages"),
        compare("chrF++", partial(_translated, kept, into, "chrf"), "en to L"),
        compare("chrF++", partial(_translated, kept, back, "chrf"), "L to en"),
        compare("P@1", partial(_aligned, kept, kept.languages), "middle layers"),
    ]


def predicts_scores(kept: Kept) -> list[Comparison]:
    return [*over_languages(kept), *over_sentences(kept)]


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
          "All runs have the same number of sentence pairs, so no law can be fitted; scaling.md fits it to 54 runs of the demo family."),
    Claim("f", "Alignment and scores", "Alignment predicts the score, over languages and over sentences", predicts_scores,
          "Association only. Controls: what shared tokens alone align, over languages; the length of the reference, over sentences."),
    Claim("g", "Directions of translation", "Translating in both directions does more than from English alone", both_directions),
    Claim("h", "English alone", "Tuning on English alone improves answers in English and in other languages, and aligns them", english_alone),
)  # fmt: skip
