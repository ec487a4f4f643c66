"""From many dimensions to the two or three of a map."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from repalign.registry import Registry


class Reducer(Protocol):
    """Points in, places on the map out.

    Args:
        points: float32 [point, dim], rows of unit length.
        dims: 2 or 3.
        seed: for everything that is drawn at random.
        start: float32 [point, dims], where the same points lay one layer before; a reducer that
            iterates begins there, so that layers are comparable. None at the first layer.

    Returns:
        float [point, dims].
    """

    def __call__(
        self, points: np.ndarray, dims: int, *, seed: int, start: np.ndarray | None = None
    ) -> np.ndarray: ...


REDUCERS: Registry[Reducer] = Registry("reducer")
PCA_COMPONENTS = 50
"""Principal components that UMAP and t-SNE are given: enough for neighbourhoods, and much faster."""


@REDUCERS.register("pca")
def pca(points: np.ndarray, dims: int, *, seed: int, start: np.ndarray | None = None) -> np.ndarray:
    """Principal components: linear, so distances on the map are never larger than the true ones."""
    from sklearn.decomposition import PCA

    dims_there = min(dims, *points.shape)
    placed = PCA(dims_there, random_state=seed).fit_transform(points)
    return np.pad(placed, ((0, 0), (0, dims - dims_there)))


@REDUCERS.register("umap")
def umap(points: np.ndarray, dims: int, *, seed: int, start: np.ndarray | None = None) -> np.ndarray:
    """UMAP (McInnes et al. 2018, arXiv:1802.03426): neighbourhoods; gaps between clusters mean little."""
    import warnings

    from umap import UMAP

    kept = pca(points, min(PCA_COMPONENTS, points.shape[1]), seed=seed)
    begin: Any = pca(points, dims, seed=seed) if start is None else start
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="n_jobs value")
        placed = UMAP(
            n_components=dims,
            n_neighbors=min(15, len(points) - 1),
            init=begin,
            n_epochs=None if start is None else 100,
            random_state=seed,
        ).fit_transform(kept)
    return np.asarray(placed)


@REDUCERS.register("tsne")
def tsne(points: np.ndarray, dims: int, *, seed: int, start: np.ndarray | None = None) -> np.ndarray:
    """t-SNE (van der Maaten & Hinton 2008): neighbourhoods; sizes and gaps of clusters mean nothing."""
    from sklearn.manifold import TSNE

    kept = pca(points, min(PCA_COMPONENTS, points.shape[1]), seed=seed)
    begin = pca(points, dims, seed=seed) if start is None else start
    placed = TSNE(
        dims,
        perplexity=min(30, (len(points) - 1) / 3),
        init=1e-4 * begin / begin[:, 0].std(),
        max_iter=500,
        random_state=seed,
    ).fit_transform(kept)
    return placed


@REDUCERS.register("mds")
def mds(points: np.ndarray, dims: int, *, seed: int, start: np.ndarray | None = None) -> np.ndarray:
    """Metric MDS by SMACOF (de Leeuw 1977): places whose distances come nearest to the true ones."""
    from sklearn.manifold import smacof
    from sklearn.metrics import pairwise_distances

    begin: Any = pca(points, dims, seed=seed) if start is None else start
    settings: dict[str, Any] = {
        "n_init": 1,
        "max_iter": 100,
        "normalized_stress": False,
        "random_state": seed,
    }
    placed = smacof(pairwise_distances(points), n_components=dims, init=begin, **settings)
    return np.asarray(placed[0])
