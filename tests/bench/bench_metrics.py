"""Speed of the metrics: `python tests/bench/bench_metrics.py --json FILE`.

default_set_seconds    7 languages x 13 layers x 1,012 sentences x 768 dims, float32: default metrics, raw and
                       centred, with intervals from 1,000 draws, chance and p
peak_mib               memory of that above the states, MiB
mexa_over_loop         times faster than MEXA as published: cosines and maxima sentence by sentence
mexa_over_maxima       the same against its loop over a ready matrix of cosines
procrustes_over_svd    times faster than Procrustes by a d x d SVD, d = 4,096, n = 1,012
seconds_per_pair       of the default set, per layer and pair, by languages and layers: cost is linear
load_before            other processes at the start; above 0.5, seconds say little
"""

from __future__ import annotations

import os
import threading
import time

import numpy as np
import psutil
import torch
from bench_timing import arguments, write

from repalign import LayerStates, profile
from repalign.metrics import METRICS, LayerPair


def states(languages: int, layers: int, sentences: int, dims: int) -> LayerStates:
    """Random states in which meaning grows with depth and the first dims are large, as in a real model."""
    rng = np.random.default_rng(0)
    spectrum = ((1 + np.arange(dims)) ** -0.5).astype(np.float32)
    meaning = rng.standard_normal((sentences, dims), dtype=np.float32) * spectrum
    arrays = {}
    for number in range(languages):
        own = rng.standard_normal((layers, sentences, dims), dtype=np.float32) * spectrum
        shift = rng.standard_normal(dims, dtype=np.float32)
        arrays["en" if number == 0 else f"l{number}"] = (
            own + shift + meaning * np.linspace(0, 1.5, layers, dtype=np.float32)[:, None, None]
        )
    return LayerStates.from_arrays(arrays, checkpoint="bench")


class Peak:
    """Highest resident memory of this process while it is active, above the start, in MiB."""

    def __enter__(self) -> Peak:
        self.process, self.stop, self.mib = psutil.Process(), threading.Event(), 0.0
        start = self.process.memory_info().rss

        def watch() -> None:
            while not self.stop.wait(0.01):
                self.mib = max(self.mib, (self.process.memory_info().rss - start) / 2**20)

        self.thread = threading.Thread(target=watch)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join()


def seconds(function, *arguments) -> float:
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def published_cosines(x: np.ndarray, y: np.ndarray, rows: int) -> np.ndarray:
    """Cosines of some rows, pair by pair in float64, as the published script takes them."""
    from scipy.spatial.distance import cosine

    return np.array([[1 - cosine(a, b) for b in y.astype(np.float64)] for a in x[:rows].astype(np.float64)])


def published_maxima(cosines: np.ndarray) -> float:
    """The published score: the diagonal above every other element of its row and of its column."""
    found = 0
    for i, row in enumerate(cosines):
        if row[i] > max(np.delete(row, i)) and row[i] > max(np.delete(cosines[:, i], i)):
            found += 1
    return found / len(cosines)


def svd_procrustes(x: torch.Tensor, y: torch.Tensor) -> float:
    x, y = (side - side.mean(0) for side in (x, y))
    return float(2 - 2 * torch.linalg.svdvals((x / x.norm()).T @ (y / y.norm())).sum())


def measure(languages: int, layers: int, sentences: int, dims: int, wide: int) -> dict[str, object]:
    figures: dict[str, object] = {}
    load = round(os.getloadavg()[0], 1)
    profile(states(2, 1, 100, 16), progress=False)  # warm: imports, thread pools
    full = states(languages, layers, sentences, dims)
    with Peak() as peak:
        figures["default_set_seconds"] = round(seconds(lambda: profile(full, progress=False)), 2)
    figures["peak_mib"] = round(peak.mib)

    def per_pair(languages: int, layers: int) -> float:
        part = {"targets": full.languages[1:languages], "layers": full.layers[:layers]}
        return round(seconds(lambda: profile(full, **part, progress=False)) / ((languages - 1) * layers), 3)

    figures["seconds_per_pair"] = {
        f"{languages} languages, {layers} layers": per_pair(languages, layers)
        for languages, layers in ((2, 2), (4, 2), (7, 2), (7, 6))
        if languages <= len(full.languages) and layers <= len(full.layers)
    }

    x, y = (full.layer(language, min(8, layers - 1)) for language in ("en", "l1"))
    few = 8
    loop = seconds(published_cosines, x, y, few) * len(x) / few
    cosines = LayerPair.of(x, y).cosine.double().numpy()
    maxima = seconds(published_maxima, cosines)
    ours = min(seconds(METRICS["mexa"], x, y) for _ in range(5))
    figures["mexa_over_loop"] = round((loop + maxima) / ours)
    figures["mexa_over_maxima"] = round(maxima / ours, 1)

    x, y = torch.randn(2, sentences, wide, generator=torch.Generator().manual_seed(0))
    gram_form = min(seconds(METRICS["procrustes"], x, y) for _ in range(2))
    figures["procrustes_over_svd"] = round(seconds(svd_procrustes, x, y) / gram_form, 1)
    figures["load_before"] = load
    return figures


def main() -> None:
    args = arguments(__doc__, languages=7, layers=13, sentences=1012, dims=768, wide=4096)
    write(measure(args.languages, args.layers, args.sentences, args.dims, args.wide), args.json)


if __name__ == "__main__":
    main()
