"""States of parallel sentences that share a meaning, and texts beside them, in which faults are planted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from parallel_text import Text, made_text

from repalign.results.suspects import Suspects
from repalign.states.layer_states import LayerStates
from repalign.suspects.run import tables
from repalign.suspects.scoring import THRESHOLD, suspects_of

LANGUAGES = ("en", "el", "zh", "tr")
SIZE = 48


def pairs(
    rows: int = 200, languages: tuple[str, ...] = LANGUAGES, noise: float = 0.5, seed: int = 0
) -> LayerStates:
    """Three layers: nothing in common, then a meaning that all languages share, with noise and a mean of each language.

    Neighbouring rows are similar, as in a document.
    """
    draw = np.random.default_rng(seed)
    topics = np.repeat(draw.normal(size=(rows // 10 + 1, SIZE)), 10, axis=0)[:rows]
    meaning = draw.normal(size=(rows, SIZE)) + 0.7 * topics
    arrays = {
        language: np.stack(
            [
                draw.normal(size=(rows, SIZE)),
                *(meaning + noise * draw.normal(size=(rows, SIZE)) for _ in range(2)),
            ]
        ).astype(np.float32)
        + 4 * draw.normal(size=SIZE).astype(np.float32)
        for language in languages
    }
    text = made_text(rows, "en el zh de", seed)
    text["tr"] = text.pop("de")
    texts = {language: text[language] for language in languages}
    return LayerStates.from_arrays(arrays, texts=texts, token_counts=counted(texts))


def counted(texts: Text) -> dict[str, np.ndarray]:
    """Tokens, as if each were four characters, or one Chinese one."""
    return {
        language: np.array([len(row) if language == "zh" else -(-len(row) // 4) for row in rows])
        for language, rows in texts.items()
    }


def moved(
    states: LayerStates, language: str, rows: list[int], sources: list[int], of: str = ""
) -> LayerStates:
    """Rows of a language with the states and texts of other rows, or of another language."""
    of = of or language
    arrays = {name: np.array(array) for name, array in states.arrays.items()}
    texts = {name: list(every) for name, every in states.texts.items()}
    arrays[language][:, rows] = np.array(states.arrays[of])[:, sources]
    for row, source in zip(rows, sources, strict=True):
        texts[language][row] = states.texts[of][source]
    return replace(states, arrays=arrays, texts=texts, token_counts=counted(texts))


def sample_suspects(states: LayerStates | None = None, top: int = 8) -> Suspects:
    """What `repalign data suspects` writes, of planted faults."""
    states = states or moved(pairs(80), "el", [20, 40, 41], [21, 41, 42])
    scored = suspects_of(states, "en", progress=False)
    return Suspects(
        "m on text",
        {"m": "m@1234|text#5678|raw|mean|resid|float32|repalign:0.1.0"},
        tables(states, scored, "en", top, np.arange(states.n_sentences)),
        {"pivot": "en", "languages": list(scored.readings), "threshold": THRESHOLD, "notes": ["a note"]},
        {"date": "2026-01-31", "command": "repalign data suspects text --ckpt m"},
    )
