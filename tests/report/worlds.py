"""Worlds: simulated checkpoints of which it is known what is so, and a check of what findings claim of them.

Each world holds a pivot and two languages over five layers. A language shares with the pivot, at each layer with some
strength: the meaning of sentences, the same after a rotation, only tokens, only the topic of documents, or nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd

from repalign import LayerStates, contrast, profile
from repalign.figures.view import View
from repalign.report.findings import Claim, Finding, Verdicts, findings
from repalign.results.results import Results
from repalign.scoring import controls

METRICS = ("mexa", "cka", "mutual_knn", "p_at_1", "cosine_gap")
ROTATED = ("cka", "mutual_knn")
"""Metrics that do not change when one language is rotated."""

LAYERS, DIM, FOUND = 5, 16, ("ar", "zh")
HUMP, FLAT = (0.0, 0.5, 1.6, 0.5, 0.0), (1.2,) * LAYERS


@dataclass(frozen=True)
class Language:
    """What a language shares with the pivot.

    Attributes:
        shares: "meaning", "rotated", "tokens", "topic" or "" for nothing.
        strength: of that, relative to noise, at each layer.
    """

    shares: str = ""
    strength: tuple[float, ...] = (0.0,) * LAYERS

    def is_seen_by(self, metric: str) -> bool:
        """Whether sentences are nearer to their translations than to others of their document, by this metric."""
        return self.shares in ("meaning", "tokens") or (self.shares == "rotated" and metric in ROTATED)


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
        n, shape = self.sentences, (LAYERS, self.sentences, DIM)
        document = np.arange(n) * (self.documents or n) // n
        meaning, topic = rng.normal(size=(n, DIM)), rng.normal(size=(n, DIM))[document]
        names = np.array([rng.choice(200, 4, replace=False) for _ in range(n)])
        vectors = rng.normal(size=(200 + 300 * 8 + 2000, DIM))
        made = []
        for checkpoint, languages in self.languages.items():
            arrays, ids = {}, {}
            for place, (name, one) in enumerate({"en": Language("meaning", FLAT), **languages}.items()):
                words = 200 + 300 * place + rng.integers(0, 300, (n, 6))
                shared = names if one.shares == "tokens" or name == "en" else words[:, :4] + 1000
                ids[name] = list(np.concatenate([shared, words], axis=1))
                bag = vectors[np.concatenate([shared, words], axis=1)].sum(1) / 10**0.5
                turn = (
                    np.linalg.qr(rng.normal(size=(DIM, DIM)))[0] if one.shares == "rotated" else np.eye(DIM)
                )
                what = {"tokens": bag, "topic": topic}.get(one.shares, meaning @ turn)
                if name == "en":  # all that another language may share
                    what = meaning + topic * bool(self.documents) + bag * (self.kind == "tokens only")
                strength = np.array(one.strength)[:, None, None]
                own = 0.6 * rng.normal(size=(n, DIM))[document] * bool(self.documents)
                noise = 0.8 * rng.normal(size=(n, DIM)) + 0.6 * rng.normal(size=shape)
                states = strength * what + noise + own + rng.normal(size=DIM)
                states[list(self.collapsed)] = 1 + 1e-4 * rng.normal(size=(len(self.collapsed), n, DIM))
                arrays[name] = np.roll(states, 1, axis=1) if self.shifted and name != "en" else states
            known = {"documents": document} if self.documents else {}
            one = LayerStates.from_arrays(arrays, checkpoint=checkpoint, corpus="world", **known)
            made.append(replace(one, token_ids=ids))
        return made

    def says(self, seed: int) -> list[Finding]:
        """The findings of every metric, centred."""
        states, quick = (
            self.states(seed),
            {"metrics": METRICS, "variants": ["centred"], "draws": 200, "progress": False},
        )
        scores = profile(states, **quick)
        for before, after in pairwise(states):
            scores = scores.joined(contrast(before, after, **quick))
        table = pd.concat([controls(one, **quick) for one in states], ignore_index=True)
        verdicts = Verdicts(View(Results("world", scores, {"controls": table})))
        return [one for metric in METRICS for one in findings(verdicts, metric, "centred")]

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
                return seen and one.shares != "tokens"
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
                return seen and (
                    one.shares != "tokens" or claim.other not in ("bag-of-tokens", "same-document")
                )
            case "closer" | "further":
                before = np.array(self.languages[claim.other][name].strength)
                after = np.array(one.strength)
                gain = (after - before) if claim.kind == "closer" else (before - after)
                return bool((gain[list(claim.layers)] > 0).all())
            case _:  # that nothing is claimed
                return True


def every_claim(found: list[Finding]) -> Iterator[Claim]:
    """Of the sentences and of those by language."""
    for one in found:
        yield from one.claims
        yield from every_claim(list(one.details))


def one(what: Language, **options: object) -> Callable[[str], World]:
    return lambda kind: World(kind, {"m": dict.fromkeys(FOUND, what)}, **options)  # type: ignore[arg-type]


def two(before: Language, after: Language) -> Callable[[str], World]:
    return lambda kind: World(
        kind, {"base": dict.fromkeys(FOUND, before), "tuned": dict.fromkeys(FOUND, after)}
    )


MADE: dict[str, Callable[[str], World]] = {
    "independent": one(Language()),
    "independent, in documents": one(Language(), documents=18),
    "aligned in the middle": one(Language("meaning", HUMP)),
    "aligned in the middle, in documents": one(Language("meaning", HUMP), documents=18),
    "aligned everywhere": one(Language("meaning", FLAT)),
    "rotated": one(Language("rotated", FLAT)),
    "tokens only": one(Language("tokens", FLAT)),
    "topic only": one(Language("topic", FLAT), documents=18),
    "collapsed": one(Language("meaning", HUMP), collapsed=(2,)),
    "few sentences": one(Language("meaning", FLAT), sentences=14),
    "rows shifted": one(Language("meaning", FLAT), shifted=True),
    "no difference": two(Language("meaning", HUMP), Language("meaning", HUMP)),
    "a difference": two(
        Language("meaning", (0.0, 0.2, 0.2, 0.2, 0.0)), Language("meaning", (0.0, 0.2, 1.8, 0.2, 0.0))
    ),
}
WORLDS = {kind: made(kind) for kind, made in MADE.items()}
