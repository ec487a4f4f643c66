"""Planted faults, found again: `python analyses/suspects.py --ckpt CKPT --data FOLDER` writes figures/suspects.json.

Faults of five kinds are planted into NTREX-128 from row 1,000 on (1, 2 and 5% of the rows of every language, several seeds): the
scoring was chosen on the rows before, so these are held out. `suspects_of` ranks all rows without knowing the faults. Two simple
rankings are measured beside it: by the ratio of lengths, and by the cosine of the two sides at the layer with the best retrieval.
NTREX's real faults count as wrong here, so precision is a lower bound. Original sentences are read once; a planted text is read
only if it is not the text of another row or language.
The text is not ours to give: FOLDER holds ntrex/{language}.txt, one sentence per line.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from marked import rewritten
from scipy import stats

from repalign import ParallelCorpus, extract
from repalign.errors import RepalignError
from repalign.states.layer_states import LayerStates
from repalign.suspects.expectation import expected, standardised
from repalign.suspects.planting import PLANTED, Fault, plant
from repalign.suspects.scoring import THRESHOLD, Scored, suspects_of

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "suspects.md"
BEGIN, END = "<!-- written by analyses/suspects.py -->", "<!-- end of what it wrote -->"
METHODS = {
    "score": "score",
    "meaning": "its states alone",
    "length ratio": "ratio of lengths",
    "cosine": "cosine at the best layer",
}
"""Heading of each ranking."""

SEEDS = {0.02: 5, 0.05: 3, 0.01: 3}
"""Seeds by share of planted faults."""
TOP = 50
HELD_OUT = 1000
"""Rows before this one were read while the scoring was chosen."""


class Texts:
    """Where the states of every text are: those of the corpus, and those of planted texts."""

    def __init__(self, states: LayerStates, planted: Mapping[str, LayerStates]) -> None:
        self.states = states
        self.arrays = {language: states[language] for language in states.languages}
        self._at: dict[str, tuple[np.ndarray, int, int]] = {}
        sources = [(states, language, self.arrays[language]) for language in states.languages]
        sources += [(of, language, of[language]) for language, of in planted.items()]
        for of, language, array in sources:
            for row, text in enumerate(of.texts[language]):
                self._at.setdefault(text, (array, row, int(of.token_counts[language][row])))

    def changed(self, texts: Mapping[str, Sequence[str]]) -> LayerStates:
        """The states of a corpus with planted faults."""
        arrays, counts = {}, {}
        for language, rows in texts.items():
            array, count = self.arrays[language], np.array(self.states.token_counts[language])
            different = [row for row, text in enumerate(rows) if text != self.states.texts[language][row]]
            if different:
                array = array.copy()
            for row in different:
                source, place, count[row] = self._at[rows[row]]
                array[:, row] = source[:, place]
            arrays[language], counts[language] = array, count
        return replace(self.states, arrays=arrays, texts=texts, token_counts=counts)


def unknown_texts(
    corpus: ParallelCorpus, runs: Sequence[Mapping[str, Sequence[str]]]
) -> dict[str, list[str]]:
    """Planted texts that are no text of the corpus, by language."""
    known = {text for rows in corpus.sentences.values() for text in rows}
    return {
        language: sorted({text for texts in runs for text in texts[language]} - known)
        for language in corpus.languages
    }


def rankings(scored: Scored, states: LayerStates, pivot: str, best: Mapping[str, int]) -> pd.DataFrame:
    """A row for each language and sentence; more is more suspect.

    Args:
        scored: what is measured.
        states: that it scored.
        pivot: its language.
        best: layer of the cosine, by language.
    """
    rows = scored.table[["language", "sentence", "score", "meaning", "suspected", "kind"]]
    others = [_baselines(states, pivot, language, best[language]) for language in scored.readings]
    return rows.merge(pd.concat(others))


def _baselines(states: LayerStates, pivot: str, language: str, layer: int) -> pd.DataFrame:
    a, b = (np.log([len(text) for text in states.texts[one]]) for one in (pivot, language))
    ratio = np.abs(standardised(b - expected(b, a)))
    cosine = -standardised(_cosines(states, pivot, language, layer).diagonal().astype(float))
    return pd.DataFrame(
        {"language": language, "sentence": range(len(a)), "length ratio": ratio, "cosine": cosine}
    )


def best_layer(states: LayerStates, pivot: str, language: str) -> int:
    """The layer at which most rows have their translation as the nearest."""

    def found(layer: int) -> int:
        nearest = _cosines(states, pivot, language, layer).argmax(axis=1)
        return int((nearest == np.arange(len(nearest))).sum())

    return max(states.layers, key=found)


def _cosines(states: LayerStates, pivot: str, language: str, layer: int) -> np.ndarray:
    """Of every two sentences at one layer, centred by language: float32 [row, row]."""
    sides = [states.layer(one, layer).astype(np.float32) for one in (pivot, language)]
    centred = [side - side.mean(axis=0) for side in sides]
    x, y = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in centred)
    return x @ y.T


def measured(ranked: pd.DataFrame, faults: Sequence[Fault]) -> dict[str, float]:
    """Precision, recall and average precision of one run, by method, kind and language."""
    kinds = {(fault.language, fault.row): fault.kind for fault in faults}
    planted = np.array(
        [kinds.get(key, "") for key in zip(ranked["language"], ranked["sentence"], strict=True)]
    )
    wrong = planted != ""
    found: dict[str, float] = {}
    for method in ("score", "meaning", "length ratio", "cosine"):
        order = np.argsort(-ranked[method].to_numpy(), kind="stable")
        hits = wrong[order]
        found[f"{method}: precision at {TOP}"] = hits[:TOP].mean()
        found[f"{method}: average precision"] = (hits.cumsum() / np.arange(1, len(hits) + 1))[hits].mean()
        found[f"{method}: recall among as many as planted"] = hits[: wrong.sum()].sum() / wrong.sum()
        for kind in PLANTED:
            found[f"{method}: recall of {kind}"] = (planted[order][: wrong.sum()] == kind).sum() / (
                planted == kind
            ).sum()
        for language in dict.fromkeys(ranked["language"]):
            of = ranked["language"].to_numpy()[order] == language
            own = hits[of]
            found[f"{method}: average precision in {language}"] = (own.cumsum() / np.arange(1, len(own) + 1))[
                own
            ].mean()
    suspected = ranked["suspected"].to_numpy()
    found[f"precision of score >= {THRESHOLD:g}"] = wrong[suspected].mean()
    found[f"recall of score >= {THRESHOLD:g}"] = suspected[wrong].mean()
    guessed = ranked["kind"].to_numpy()
    found["kind guessed right, of planted suspects"] = (guessed == planted)[suspected & wrong].mean()
    return {name: float(value) for name, value in found.items()}


def summarised(runs: Sequence[Mapping[str, float]]) -> dict[str, list[float]]:
    """Mean over seeds with its 95% interval by Student's t, over the choice of rows and not of corpora."""
    rows = pd.DataFrame(runs)
    half = rows.sem() * stats.t.ppf(0.975, len(rows) - 1)
    mean = rows.mean()
    ends = {"value": mean, "low": (mean - half).clip(0, 1), "high": (mean + half).clip(0, 1)}
    return {str(name): [round(float(end[name]), 3) for end in ends.values()] for name in rows}


def main() -> None:
    parser = argparse.ArgumentParser(description="planted faults, found again")
    parser.add_argument("--ckpt", required=True, help="a model that reads the languages")
    parser.add_argument("--data", type=Path, default=os.environ.get("REPALIGN_DATA", "../shared/data"))
    parser.add_argument("--langs", nargs="+", default=["en", "zh", "tr", "hi", "ar"])
    parser.add_argument(
        "--first", type=int, default=HELD_OUT, help=f"row to begin with (default: {HELD_OUT})"
    )
    args = parser.parse_args()
    whole = ParallelCorpus.named(str(args.data / "ntrex"), args.langs)
    corpus = whole.take(range(args.first, len(whole)))
    pivot, *others = args.langs
    planned = [(share, seed) for share, seeds in SEEDS.items() for seed in range(seeds)]
    planted = [plant(corpus.sentences, pivot, share, seed) for share, seed in planned]
    new = unknown_texts(corpus, [texts for texts, _ in planted])
    states = extract(args.ckpt, corpus)
    read = {language: extract(args.ckpt, {language: new[language]}) for language in others}
    known = Texts(states, read)
    best = {language: best_layer(states, pivot, language) for language in others}
    by_share: dict[float, list[dict[str, float]]] = {}
    for (share, seed), (texts, faults) in zip(planned, planted, strict=True):
        changed = known.changed(texts)
        ranked = rankings(suspects_of(changed, pivot, progress=False), changed, pivot, best)
        by_share.setdefault(share, []).append(measured(ranked, faults))
        print(
            f"{share:.0%}, seed {seed}: {len(faults)} planted, {json.dumps(by_share[share][-1])}", flush=True
        )
        write(states, corpus, args.first, by_share)


def write(
    states: LayerStates, corpus: ParallelCorpus, first: int, by_share: Mapping[float, list[dict[str, float]]]
) -> None:
    shares: dict[str, Any] = {
        f"{share:.0%}": {"seeds": len(runs), "measured": summarised(runs)}
        for share, runs in by_share.items()
        if len(runs) > 1
    }
    described = {
        "signature": str(states.signature), "first_row": first, "sentences": len(corpus), "languages": list(corpus.languages),
        "threshold": THRESHOLD, "planted": shares,
    }  # fmt: skip
    (ROOT / "figures" / "suspects.json").write_text(json.dumps(described, indent=1) + "\n", encoding="utf-8")
    body = "\n".join(["", *page(described), ""])
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8"), BEGIN, body, END), encoding="utf-8")


def page(described: Mapping[str, Any]) -> Iterator[str]:
    """What was measured, as a part of docs/suspects.md."""
    yield f"`{described['signature']}`, rows {described['first_row'] + 1:,} on: {described['sentences']:,} sentences; mean over seeds [95%]."
    for share, found in described["planted"].items():
        measured = found["measured"]
        yield f"\n{share} planted, {found['seeds']} seeds:\n"
        yield (
            "| ranked by | "
            + " | ".join([f"precision at {TOP}", "average precision", *(f"finds {kind}" for kind in PLANTED)])
            + " |"
        )
        yield "|---" * (3 + len(PLANTED)) + "|"
        for method, heading in METHODS.items():
            names = [f"precision at {TOP}", "average precision", *(f"recall of {kind}" for kind in PLANTED)]
            yield (
                f"| {heading} | " + " | ".join(_shown(measured[f"{method}: {name}"]) for name in names) + " |"
            )
        yield (
            f"\nOf the pairs with a score of {described['threshold']:g} or more {_shown(measured[f'precision of score >= {THRESHOLD:g}'])} are "
            f"planted, and these are {_shown(measured[f'recall of score >= {THRESHOLD:g}'])} of all planted ones; the kind is guessed right for "
            f"{_shown(measured['kind guessed right, of planted suspects'])} of them."
        )


def _shown(measured: Sequence[float]) -> str:
    value, low, high = (f"{one:.2f}" for one in measured)
    return f"{value} [{low}, {high}]"


if __name__ == "__main__":
    try:
        main()
    except RepalignError as error:
        sys.exit(f"suspects: {error}")
