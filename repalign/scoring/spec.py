"""What is scored, and with how many draws: validated when made, before any model is loaded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from repalign.metrics import DEFAULT_METRICS, Metric, as_metrics
from repalign.scoring.variants import variant_name
from repalign.states.spec import check_choice, check_count, chosen

CONTROLS = ("random", "unshared")
"""Controls that are another pass over the model each; shared tokens and length are always controlled for."""

Pairs = Literal["pivot", "all"]


@dataclass(frozen=True)
class ScoringSpec:
    """What is scored, and with how many draws.

    Attributes:
        pivot: language the others are compared with.
        pairs: "pivot": only with the pivot; "all": all pairs of languages.
        metrics: names (see `repalign list metrics`), FILE.py:NAME, or `Metric`s; resolved once, here.
        variants: names from `repalign.scoring.VARIANTS`, joined by "+" where several apply.
        controls: names from `CONTROLS`.
        probe: also train language probes (slow at many dims).
        draws: bootstrap draws.
        seed: of draws, shuffles, probes and maps.
        reducer: of the map, a name in `repalign.maps.reducers.REDUCERS` (checked by `Analysis`).

    Raises:
        RepalignError: an unknown name, with the near miss, or a number out of range.
    """

    pivot: str = "en"
    pairs: Pairs = "pivot"
    metrics: tuple[Metric, ...] = DEFAULT_METRICS  # type: ignore[assignment]
    variants: tuple[str, ...] = ("raw", "centred")
    controls: tuple[str, ...] = ()
    probe: bool = False
    draws: int = 1000
    seed: int = 0
    reducer: str = "pca"

    def __post_init__(self) -> None:
        object.__setattr__(self, "metrics", as_metrics(self.metrics))
        object.__setattr__(self, "variants", tuple(map(variant_name, as_names(self.variants))))
        controls = tuple(chosen("control", control, CONTROLS) for control in as_names(self.controls))
        object.__setattr__(self, "controls", controls)
        check_choice("kind of pairs", self.pairs, ("pivot", "all"))
        check_count("draws", self.draws)
        check_count("seed", self.seed, least=0)


def as_names(names: str | Iterable[str]) -> tuple[str, ...]:
    """One name or several."""
    return (names,) if isinstance(names, str) else tuple(names)
