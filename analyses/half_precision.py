"""What half precision in the store changes of alignment scores, as a table in Markdown.

`python analyses/half_precision.py m-llama everyday` compares states in float32 with the same rounded as the store does it, at every
layer, raw and centred; docs/store.md shows the result. `--langs` and `--sentences` choose the text.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np

from repalign import ParallelCorpus, extract, profile
from repalign.corpora import open_corpus
from repalign.states.layer_states import LayerStates
from repalign.states.shards import in_float32, in_half

METRICS = ("P@1", "mexa", "cka")
ROW = ["source", "target", "layer", "metric", "variant"]


def rounded(states: LayerStates) -> LayerStates:
    """The same states as they are read back from a store in half precision."""
    halves = {language: in_half(states[language]) for language in states.languages}
    return replace(
        states, arrays={language: np.stack([*map(in_float32, half)]) for language, half in halves.items()}
    )


def largest_error(exact: LayerStates, half: LayerStates) -> tuple[float, float]:
    """The largest error of a state: of a component relative to it where that is above 2^-28 of its vector's largest, and of a
    vector relative to its norm."""
    of_component, of_vector = 0.0, 0.0
    for language in exact.languages:
        for layer in exact.layers:
            one, other = (states.layer(language, layer).astype(np.float64) for states in (exact, half))
            error, size = np.abs(other - one), np.abs(one)
            large = size > size.max(axis=1, keepdims=True) * 2.0**-28
            of_component = max(of_component, (error[large] / size[large]).max())
            of_vector = max(of_vector, (np.linalg.norm(error, axis=1) / np.linalg.norm(one, axis=1)).max())
    return of_component, of_vector


def differences(exact: LayerStates, half: LayerStates) -> dict[str, float]:
    """The largest difference of each metric over languages and layers, by metric and variant."""
    tables = [profile(states, metrics=METRICS, draws=2, progress=False).table for states in (exact, half)]
    one, other = (table.set_index(ROW) for table in tables)
    difference = (one["value"] - other["value"].reindex(one.index)).abs()
    largest = difference.groupby(["metric", "variant"]).max()
    return {" ".join(name): float(value) for name, value in largest.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint")
    parser.add_argument("corpus")
    parser.add_argument("--langs", nargs="+")
    parser.add_argument("--sentences", type=int)
    args = parser.parse_args()
    corpus: ParallelCorpus = open_corpus(args.corpus, args.langs).select(limit=args.sentences)
    exact = extract(args.checkpoint, corpus, store_dtype="float32")
    half = rounded(exact)
    of_component, of_vector = largest_error(exact, half)
    values = {"component": f"2^{np.log2(of_component):.2f}", "vector": f"2^{np.log2(of_vector):.2f}"}
    values |= {metric: f"{value:.1e}" if value else "0" for metric, value in differences(exact, half).items()}
    about = (
        f"{exact.checkpoint}, {exact.n_sentences} sentences of {corpus.name} in {', '.join(corpus.languages)}"
    )
    for line in (["states", *values], ["---"] * (len(values) + 1), [about, *values.values()]):
        print(f"| {' | '.join(line)} |")


if __name__ == "__main__":
    main()
