"""repalign: where do languages meet inside a language model?

    from repalign import Checkpoint, ParallelCorpus, Report, extract, profile

    states = extract(Checkpoint.named("m-llama"), ParallelCorpus.named("everyday"))
    Report("m-llama", profile(states, source="en", metrics=["mexa", "cka"])).write("m-llama.html")

Names are loaded on first use, so that `repalign --help` needs no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from repalign.version import __version__

if TYPE_CHECKING:
    from repalign.checkpoints import Checkpoint
    from repalign.corpora import ParallelCorpus
    from repalign.errors import RepalignError
    from repalign.maps.projection import project
    from repalign.metrics import Metric, Scores, metric
    from repalign.report import Report
    from repalign.results.profile import LayerProfile
    from repalign.results.results import Results
    from repalign.scoring import contrast, profile
    from repalign.states.extraction import extract
    from repalign.states.layer_states import LayerStates

__all__ = [
    "Checkpoint",
    "LayerProfile",
    "LayerStates",
    "Metric",
    "ParallelCorpus",
    "RepalignError",
    "Report",
    "Results",
    "Scores",
    "__version__",
    "contrast",
    "extract",
    "metric",
    "profile",
    "project",
]

_HOMES = {
    "Checkpoint": "checkpoints",
    "LayerProfile": "results.profile",
    "LayerStates": "states.layer_states",
    "Metric": "metrics",
    "ParallelCorpus": "corpora",
    "RepalignError": "errors",
    "Report": "report",
    "Results": "results.results",
    "Scores": "metrics",
    "contrast": "scoring",
    "extract": "states.extraction",
    "metric": "metrics",
    "profile": "scoring",
    "project": "maps.projection",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'repalign' has no attribute {name!r}")
    return getattr(import_module(f"repalign.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
