"""Dimensionality reduction to the two or three dimensions of a map."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from repalign.registry import Registry


class Reducer(Protocol):
    """Map points to two or three dimensions.

    Args:
        points: float32 [point, dim], rows of unit length.
        dims: 2 or 3.
        seed: of the random generator.
        start: float [point, dims], map coordinates of the same points at the previous layer, where iterative
            reducers start so that layers are comparable; None at the first layer.

    Returns:
        float [point, dims], map coordinates.
    """

    def __call__(
        self, points: np.ndarray, dims: int, *, seed: int, start: np.ndarray | None = None
    ) -> np.ndarray: ...


REDUCERS: Registry[Reducer] = Registry("reducer")
PCA_COMPONENTS = 50
"""Principal components passed to UMAP and t-SNE: enough for neighbourhoods, and much faster."""


@REDUCERS.register("pca")
def pca(points: np.ndarray, dims: int, *, seed: int, start: np.ndarray | None = None) -> np.ndarray:
    """Principal components: a linear projection, so map distances never exceed the true ones.

    Args and result: as for `Reducer`; `start` is ignored. Missing components are zero if there are fewer points or
    dims than `dims`.
    """
    from sklearn.decomposition import PCA

    components = min(dims, *points.shape)
    coordinates = PCA(components, random_state=seed).fit_transform(points)
    return np.pad(coordinates, ((0, 0), (0, dims - components)))


@REDUCERS.register("umap")
def umap(points: np.ndarray, dims: int, *, seed: int, start: np.ndarray | None = None) -> np.ndarray:
    """UMAP (McInnes et al. 2018, arXiv:1802.03426): keeps neighbourhoods; gaps between clusters mean little.

    Args and result: as for `Reducer`.
    """
    import warnings

    from umap import UMAP

    components = pca(points, min(PCA_COMPONENTS, points.shape[1]), seed=seed)
    initial: Any = pca(points, dims, seed=seed) if start is None else start
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="n_jobs value")
        coordinates = UMAP(
            n_components=dims,
            n_neighbors=min(15, len(points) - 1),
            init=initial,
            n_epochs=None if start is None else 100,
            random_state=seed,
        ).fit_transform(components)
    return np.asarray(coordinates)


@REDUCERS.register("tsne")
def tsne(points: np.ndarray, dims: int, *, seed: int, start: np.ndarray | None = None) -> np.ndarray:
    """t-SNE (van der Maaten & Hinton 2008): keeps neighbourhoods; sizes and gaps of clusters mean nothing.

    Args and result: as for `Reducer`.
    """
    from sklearn.manifold import TSNE

    components = pca(points, min(PCA_COMPONENTS, points.shape[1]), seed=seed)
    initial = pca(points, dims, seed=seed) if start is None else start
    coordinates = TSNE(
        dims,
        perplexity=min(30, (len(points) - 1) / 3),
        init=1e-4 * initial / initial[:, 0].std(),
        max_iter=500,
        random_state=seed,
    ).fit_transform(components)
    return coordinates


@REDUCERS.register("mds")
def mds(points: np.ndarray, dims: int, *, seed: int, start: np.ndarray | None = None) -> np.ndarray:
    """Metric MDS by SMACOF (de Leeuw 1977): coordinates whose distances approximate the true ones.

    Args and result: as for `Reducer`.
    """
    from sklearn.manifold import smacof
    from sklearn.metrics import pairwise_distances

    initial: Any = pca(points, dims, seed=seed) if start is None else start
    settings: dict[str, Any] = {
        "n_init": 1,
        "max_iter": 100,
        "normalized_stress": False,
        "random_state": seed,
    }
    coordinates = smacof(pairwise_distances(points), n_components=dims, init=initial, **settings)
    return np.asarray(coordinates[0])
