"""Clusters of questions: those about one paragraph are not independent, so the paragraph is the unit of resampling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from repalign.evaluation.items import Item


@dataclass(frozen=True)
class Clusters:
    """Which questions belong together.

    Attributes:
        cluster_of: id of a question -> number of its cluster, from 0.
        unit: what a cluster is: paragraph, document or sentence.
    """

    cluster_of: Mapping[str, int]
    unit: str

    @classmethod
    def of(cls, items: Mapping[str, Sequence[Item]]) -> Clusters | None:
        """The clusters of questions in several languages; None if no two questions belong together.

        Questions that are about one paragraph in any language are in one cluster, in all languages.

        Args:
            items: by language.
        """
        ids: dict[str, int] = {}
        documents: dict[tuple[str, str], int] = {}
        links: list[tuple[int, int]] = []
        for language, questions in items.items():
            for item in questions:
                question = ids.setdefault(item.id, len(ids))
                if item.document:
                    links.append((question, documents.setdefault((language, item.document), len(documents))))
        if not links:
            return None
        a, b = np.array(links).T
        nodes = len(ids) + len(documents)
        graph = coo_array((np.ones(len(links)), (a, b + len(ids))), shape=(nodes, nodes))
        numbers = np.unique(connected_components(graph, directed=False)[1][: len(ids)], return_inverse=True)[
            1
        ]
        if numbers.max() + 1 == len(ids):
            return None
        first = next(item for questions in items.values() for item in questions)
        unit = "document" if first.source else "sentence" if first.sentence else "paragraph"
        return cls(dict(zip(ids, numbers.tolist(), strict=True)), unit)

    @property
    def count(self) -> int:
        return max(self.cluster_of.values()) + 1

    def numbers(self, ids: Sequence[str]) -> np.ndarray | None:
        """The clusters of some questions, numbered anew from 0, as `repalign.statistics.by_cluster` takes them.

        Returns:
            int64 [question]; None if no two of them belong together.
        """
        numbers = np.unique([self.cluster_of[one] for one in ids], return_inverse=True)[1]
        return numbers if numbers.max() + 1 < len(ids) else None
