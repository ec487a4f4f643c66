"""Worlds: simulated checkpoints of which it is known what is so, and a check of what findings claim of them.

Each world holds a pivot and two languages over five layers. A language shares with the pivot, at each layer with some
strength: the meaning of sentences, the same after a rotation, only tokens, length, the topic of documents, or nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd

from repalign import LayerStates, contrast, profile
from repalign.figures.view import View
from repalign.report.findings import Claim, Finding, Verdicts, findings, headline
from repalign.results.results import Results
from repalign.scoring import controls

METRICS = ("mexa", "cka", "mutual_knn", "p_at_1", "cosine_gap")
ROTATED = ("cka", "mutual_knn")
"""Metrics that do not change when one language is rotated."""

LAYERS, DIM, FOUND = 5, 16, ("ar", "zh")
HUMP, FLAT = (0.0, 0.5, 1.6, 0.5, 0.0), (1.2,) * LAYERS


NOT_BEYOND = {
    "tokens": ("bag-of-tokens",),
    "length": ("length-partialled",),
}
"""Controls that explain all that a language shares."""


@dataclass(frozen=True)
class Language:
    """What a language shares with the pivot.

    Attributes:
        shares: "meaning", "rotated", "tokens", "length", "topic" or "" for nothing.
        strength: of that, relative to noise, at each layer.
    """

    shares: str = ""
    strength: tuple[float, ...] = (0.0,) * LAYERS

    def is_seen_by(self, metric: str) -> bool:
        """Whether sentences are nearer to their translations than to others of their document, by this metric."""
        return self.shares in ("meaning", "tokens", "length") or (
            self.shares == "rotated" and metric in ROTATED
        )


@dataclass(frozen=True)
class World:
    """Checkpoints with what is planted in them.

    Attributes:
        languages: checkpoint -> language -> what it shares.
        sentences: number of sentences.
        documents: number of documents of consecutive sentences; None: unknown.
        shifted: whether the rows of the other languages are off by one.
        collapsed: layers at which all states of a language are nearly the same.
    """

    kind: str
    languages: dict[str, dict[str, Language]]
    sentences: int = 72
    documents: int | None = None
    shifted: bool = False
    collapsed: tuple[int, ...] = ()

    def states(self, seed: int) -> list[LayerStates]:
        rng = np.random.default_rng([seed, *self.kind.encode()])
        n = self.sentences
        document = np.arange(n) * (self.documents or n) // n
        known = {"documents": document} if self.documents else {}
        shared = {
            "meaning": rng.normal(size=(n, DIM)),
            "topic": rng.normal(size=(n, DIM))[document],
            "": np.zeros((n, DIM)),
        }
        names, lengths = rng.integers(0, 200, (n, 4)), rng.integers(4, 16, n)
        vectors, direction = rng.normal(size=(2000, DIM)), rng.normal(size=DIM)
        made = []
        for checkpoint, languages in self.languages.items():
            arrays, ids = {}, {}
            shares = {language.shares for language in languages.values()}
            for place, (name, language) in enumerate({"en": Language(), **languages}.items()):
                has_names = language.shares == "tokens" or name == "en"
                ids[name] = [
                    np.append(
                        names[row] if has_names else rng.integers(0, 100, 4) + 1000 + 100 * place,
                        rng.integers(0, 100, lengths[row] + rng.integers(0, 3)) + 200 + 100 * place,
                    )
                    for row in range(n)
                ]
                log_length = np.log([len(row) for row in ids[name]])
                own = {
                    "rotated": shared["meaning"] @ np.linalg.qr(rng.normal(size=(DIM, DIM)))[0],
                    "tokens": np.stack([vectors[row].sum(0) / len(row) ** 0.5 for row in ids[name]]),
                    "length": ((log_length - log_length.mean()) / log_length.std())[:, None] * direction,
                }
                may = shared | own | ({"rotated": shared["meaning"]} if name == "en" else {})
                strengths = (
                    dict.fromkeys(shares | {"meaning"}, FLAT)
                    if name == "en"
                    else {language.shares: language.strength}
                )
                states = sum(np.array(size)[:, None, None] * may[one] for one, size in strengths.items())
                states += (
                    0.8 * rng.normal(size=(n, DIM))
                    + 0.6 * rng.normal(size=(LAYERS, n, DIM))
                    + rng.normal(size=DIM)
                )
                if self.documents:
                    states += 0.6 * rng.normal(size=(n, DIM))[document]
                states[list(self.collapsed)] = 1 + 1e-4 * rng.normal(size=(len(self.collapsed), n, DIM))
                arrays[name] = np.roll(states, 1, axis=1) if self.shifted and name != "en" else states
            counts = {name: np.array([len(row) for row in rows]) for name, rows in ids.items()}
            of = LayerStates.from_arrays(
                arrays, checkpoint=checkpoint, corpus="world", token_counts=counts, **known
            )
            made.append(replace(of, token_ids=ids))
        return made

    def says(self, seed: int) -> list[Finding]:
        """The headline and the findings of every metric, centred."""
        states = self.states(seed)
        quick = {
            "metrics": METRICS,
            "variants": ["centred"],
            "draws": 200,
            "progress": False,
        }
        scores = profile(states, permutations=60, **quick)
        for before, after in pairwise(states):
            scores = scores.joined(contrast(before, after, **quick))
        table = pd.concat([controls(one, permutations=60, **quick) for one in states], ignore_index=True)
        verdicts = Verdicts(View(Results("world", scores, {"controls": table})))
        return [
            one
            for metric in METRICS
            for one in (headline(verdicts, metric, "centred"), *findings(verdicts, metric, "centred"))
        ]

    def holds(self, claim: Claim) -> bool:
        """Whether what is claimed is so, for each of the languages."""
        return all(
            self._holds(claim, self.languages[claim.checkpoint][name], name) for name in claim.languages
        )

    def _holds(self, claim: Claim, one: Language, name: str) -> bool:
        seen = one.is_seen_by(claim.metric) and not self.shifted and self.sentences >= 20
        strength = np.array(one.strength) * seen
        strength[list(self.collapsed)] = 0
        match claim.kind:
            case "aligned":
                return seen and one.shares in ("meaning", "rotated")
            case "above chance" | "disagree":
                return seen
            case "best layers":
                return bool(set(np.flatnonzero(strength == strength.max())) & set(claim.layers))
            case "rises":
                return strength.max() > strength[0]
            case "falls":
                return strength.max() > strength[-1]
            case "early":
                return strength[0] > 0
            case "passes":
                return seen and claim.other not in NOT_BEYOND.get(one.shares, ())
            case "closer" | "further":
                before = np.array(self.languages[claim.other][name].strength)
                after = np.array(one.strength)
                gain = (after - before) if claim.kind == "closer" else (before - after)
                return bool((gain[list(claim.layers)] > 0).all())
            case _:  # that nothing is claimed
                return True


def every_claim(found: list[Finding]) -> Iterator[Claim]:
    """Of the sentences and of their rows by language."""
    for one in found:
        yield from one.claims
        for row in one.details:
            yield from row.claims


def one(kind: str, language: Language, **options: object) -> World:
    """A checkpoint, all of whose languages share the same."""
    return World(kind, {"m": dict.fromkeys(FOUND, language)}, **options)  # type: ignore[arg-type]


def two(kind: str, before: Language, after: Language) -> World:
    return World(kind, {"base": dict.fromkeys(FOUND, before), "tuned": dict.fromkeys(FOUND, after)})


EVEN, HUMPED = Language("meaning", FLAT), Language("meaning", HUMP)
WORLDS = {
    world.kind: world
    for world in (
        one("independent", Language()),
        one("independent, in documents", Language(), documents=18),
        one("aligned in the middle", HUMPED),
        one("aligned in the middle, in documents", HUMPED, documents=18),
        one("aligned everywhere", EVEN),
        one("rotated", Language("rotated", FLAT)),
        one("tokens only", Language("tokens", FLAT)),
        one("length only", Language("length", FLAT)),
        one("topic only", Language("topic", FLAT), documents=18),
        one("collapsed", HUMPED, collapsed=(2,)),
        one("few sentences", EVEN, sentences=14),
        one("rows shifted", EVEN, shifted=True),
        two("no difference", HUMPED, HUMPED),
        two(
            "a difference",
            Language("meaning", (0, 0.2, 0.2, 0.2, 0)),
            Language("meaning", (0, 0.2, 1.8, 0.2, 0)),
        ),
    )
}
