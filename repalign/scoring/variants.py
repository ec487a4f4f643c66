"""Variants: the same metric on states that were transformed first, or on selected sentences.

Whatever is fitted (means, scales, directions) is fitted on other sentences than the one it is applied to: ten
folds, the same for all languages, so that no sentence contributes to the centring of its translations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from repalign.corpora.documents import check_several
from repalign.errors import RepalignError
from repalign.registry import Registry

if TYPE_CHECKING:
    import torch

FOLDS = 10
TOP = 3
"""Number of outlier dims or principal directions that variants remove."""


@dataclass(frozen=True)
class Language:
    """What a variant sees of one language at one layer.

    Attributes:
        states: [sentence, dim].
        folds: int [sentence].
        lengths: [sentence], tokens pooled.
    """

    states: torch.Tensor
    folds: torch.Tensor
    lengths: torch.Tensor


@dataclass(frozen=True)
class Variant:
    """A change of the states before they are scored.

    Attributes:
        name: as given to `--variants`; several joined by "+" are applied from left to right.
        label: in figures.
        change: from a language to its new states, or None if only sentences are selected.
        select: from the token counts of both languages to the rows that stay, or None for all.
        shift: whether `change` only subtracts one vector per language, to which shift-invariant metrics are
            insensitive.
    """

    name: str
    label: str
    change: Callable[[Language], torch.Tensor] | None = None
    select: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    shift: bool = False


VARIANTS: Registry[Variant] = Registry("variant")


def folds_of(sentences: int, documents: np.ndarray | None = None, folds: int = FOLDS) -> np.ndarray:
    """The fold of each sentence: int [sentence]; `folds`, or as many as there are sentences or documents.

    Documents are whole, each from the largest on in the smallest fold so far. Without documents, neighbours are in
    different folds.

    Args:
        sentences: number of sentences.
        documents: of each sentence, int [sentence].
        folds: their number.

    Raises:
        RepalignError: there is only one document.
    """
    if documents is None:
        return np.arange(sentences) % min(folds, sentences)
    check_several(documents, "folds")
    _, first, document, counts = np.unique(
        documents, return_index=True, return_inverse=True, return_counts=True
    )
    fold_of = np.empty(len(counts), dtype=np.int64)
    sizes = np.zeros(min(folds, len(counts)), dtype=np.int64)
    for largest in np.lexsort((first, -counts)):
        fold_of[largest] = sizes.argmin()
        sizes[fold_of[largest]] += counts[largest]
    return fold_of[document]


def _of_others(language: Language, fit: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
    """For each sentence, `fit` applied to the sentences of all other folds: [sentence, ...]."""
    import torch

    fitted = torch.stack(
        [fit(language.states[language.folds != fold]) for fold in range(int(language.folds.max()) + 1)]
    )
    return fitted[language.folds]


def centred(language: Language) -> torch.Tensor:
    """Minus the language's mean over other sentences.

    The residue of a constant layer is rounding error; it is set to zero, so that it is similar to nothing.
    """
    import torch

    states = language.states
    sums = states.new_zeros(int(language.folds.max()) + 1, states.shape[1]).index_add_(
        0, language.folds, states
    )
    sizes = language.folds.bincount().to(states.dtype)
    means = (sums.sum(0) - sums) / (len(states) - sizes)[:, None]
    result = states - means[language.folds]
    noise = 8 * torch.finfo(states.dtype).eps * states.norm(dim=1, keepdim=True)
    return result.where(result.norm(dim=1, keepdim=True) > noise, 0)


def standardised(language: Language) -> torch.Tensor:
    """Centred, and each dim divided by its standard deviation over other sentences."""
    scale = _of_others(language, lambda states: states.std(0))
    return centred(language) / scale.where(scale > 0, 1)


def without_outlier_dims(language: Language) -> torch.Tensor:
    """The dims with the largest mean absolute value, relative to the others, set to zero."""
    size = language.states.abs().mean(0)
    states = language.states.clone()
    states[:, size.topk(min(TOP, len(size) - 1)).indices] = 0
    return states


def without_top_directions(language: Language) -> torch.Tensor:
    """Centred, without the first principal directions of other sentences (arXiv:1702.01417)."""
    import torch

    def directions(states: torch.Tensor) -> torch.Tensor:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            rank = min(TOP, *states.shape)
            return torch.svd_lowrank(states - states.mean(0), q=min(rank + 8, *states.shape), niter=6)[2][
                :, :rank
            ]

    states = centred(language)
    top = _of_others(language, directions)
    along = torch.einsum("sd,sdk->sk", states, top)
    return states - torch.einsum("sk,sdk->sd", along, top)


def without_length(language: Language) -> torch.Tensor:
    """Minus a linear regression on the logarithm of the number of tokens, fitted on other sentences.

    Scores of these states control for length: ANC becomes the mean partial correlation given length.
    """
    import torch

    length = language.lengths.to(language.states.dtype).clamp(min=1).log()
    design = torch.stack([torch.ones_like(length), length], dim=1)
    result = language.states.clone()
    for fold in range(int(language.folds.max()) + 1):
        inside, others = language.folds == fold, language.folds != fold
        # pinv and not lstsq: if all sentences are equally long the slope is undefined and becomes zero
        result[inside] -= design[inside] @ (torch.linalg.pinv(design[others]) @ language.states[others])
    return result


def length_matched(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The half of the sentences whose ratio of lengths is nearest to the median ratio of the pair."""
    ratio = np.log(np.maximum(target, 1)) - np.log(np.maximum(source, 1))
    nearest = np.argsort(np.abs(ratio - np.median(ratio)), kind="stable")
    return np.sort(nearest[: (len(ratio) + 1) // 2])


for _variant in (
    Variant("raw", "raw"),
    Variant("centred", "language-centred", centred, shift=True),
    Variant("standardised", "standardised", standardised),
    Variant("no-outlier-dims", f"without the {TOP} largest dims", without_outlier_dims),
    Variant("no-top-pcs", f"centred, without the top {TOP} directions", without_top_directions),
    Variant("length-partialled", "length regressed out", without_length),
    Variant("length-matched", "half with matched length", select=length_matched),
):
    VARIANTS.add(_variant.name, _variant)


def variant_name(spec: str) -> str:
    """The name, as in tables, of a variant that is written with names or labels: "centred+raw" for "Centred + raw".

    Raises:
        RepalignError: as for `variant`.
    """
    variant(spec)
    return "+".join(str(VARIANTS.name_of(part.strip())) for part in spec.split("+"))


def variant(spec: str) -> list[Variant]:
    """The variants that a specification such as "centred+length-matched" names.

    Raises:
        RepalignError: one is unknown (with the near miss), or two select sentences.
    """
    chain = [VARIANTS[name.strip()] for name in spec.split("+")]
    if sum(v.select is not None for v in chain) > 1:
        raise RepalignError(f"variant {spec!r} selects sentences twice; use one selection")
    return chain
