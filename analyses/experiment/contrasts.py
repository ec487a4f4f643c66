"""Which runs of `pretrained.py` are compared, by claim of the paper."""

from __future__ import annotations

from functools import partial
from typing import Any

from .comparisons import Comparison, difference, peak
from .correlations import over_languages, over_sentences
from .estimates import Estimate
from .kept import Kept
from .plan import BASE, COUNTERPART, LANGUAGES, TWIN
from .scores import agreement, in_language, score

OTHERS = LANGUAGES[1:]
FORWARD = "x-zh-forward"
MARGINS = {"XQuAD F1": 5.0, "chrF++": 2.0, "BLEU": 2.0, "P@1": 0.05}
"""Differences that are small enough to be called comparable, chosen before anything was measured."""

BLEU, CHRF = ("bleu", "BLEU"), ("chrf", "chrF++")


def answers(kept: Kept, name: str, other: str, language: str, **rest: Any) -> list[Comparison]:
    """A recipe against another in one language: questions, and translations by chrF++; beside it BLEU."""
    compare = partial(_compare, kept, name, other, **rest)
    found = [compare("XQuAD F1", lambda run: score(kept, run, "xquad", [language], "f1"), language)]
    for scorer, label in (CHRF, BLEU):
        for direction in (f"en-{language}", f"{language}-en"):
            translated = partial(_translated, kept, [direction], scorer)
            found.append(compare(label, translated, direction.replace("-", " to "), beside=scorer == "bleu"))
    return found


def _compare(
    kept: Kept, name: str, other: str, measure: str, score: Any, where: str, **rest: Any
) -> Comparison:
    if rest.get("kind") == "comparable":
        rest["margin"] = MARGINS[measure]
    return difference(kept, name, other, measure, score, where, **rest)


def _translated(kept: Kept, directions: list[str], scorer: str, run: str) -> Estimate:
    return score(kept, run, "translation", directions, scorer)


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
            compare("% in the language asked", lambda run: in_language(kept, run, "xquad", asked), "XQuAD without en"),
            compare("% in the language asked", lambda run: in_language(kept, run, "translation", into), "en to L"),
            compare("% same answer above chance", partial(agreement, kept), "XQuAD"),
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
        compare("XQuAD F1", lambda run: score(kept, run, "xquad", ["en"], "f1"), "en"),
        compare("XQuAD F1", lambda run: score(kept, run, "xquad", others, "f1"), "other languages"),
        compare("chrF++", partial(_translated, kept, into, "chrf"), "en to L"),
        compare("chrF++", partial(_translated, kept, back, "chrf"), "L to en"),
        compare("P@1", partial(_aligned, kept, kept.languages), "middle layers"),
    ]


def predicts_scores(kept: Kept) -> list[Comparison]:
    return [*over_languages(kept), *over_sentences(kept)]
