"""repalign: where do languages align inside a language model?

    from repalign import Report, analyse, extract, plot, profile

    states = extract("m-llama", "everyday")                # hidden states of parallel sentences, every layer
    scores = profile(states, metrics=["mexa", "cka"])      # scores by layer, with chance levels and intervals

    results = analyse(["alpaca", "m-llama"], "everyday")   # the same with controls and maps, for a report
    Report(results).write("report.html")
    plot(results, "curves", metric="mexa")                 # one figure of it, in a notebook

Names are loaded on first use, so that `repalign --help` needs no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from repalign.version import __version__

if TYPE_CHECKING:
    from repalign.analysis import analyse
    from repalign.checkpoints import Checkpoint
    from repalign.corpora import ParallelCorpus
    from repalign.errors import RepalignError
    from repalign.evaluation.run import evaluate
    from repalign.figures import plot
    from repalign.inside.run import look_inside
    from repalign.maps.projection import project
    from repalign.metrics import Metric, Scores, metric
    from repalign.quantisation.run import compare_quantised
    from repalign.report import Report
    from repalign.results.profile import LayerProfile
    from repalign.results.results import Results
    from repalign.scoring import contrast, profile
    from repalign.states.extraction import extract
    from repalign.states.layer_states import LayerStates
    from repalign.states.spec import ReadingSpec
    from repalign.suspects.run import find_suspects
    from repalign.verification.run import verify

__all__ = [
    "Checkpoint",
    "LayerProfile",
    "LayerStates",
    "Metric",
    "ParallelCorpus",
    "ReadingSpec",
    "RepalignError",
    "Report",
    "Results",
    "Scores",
    "__version__",
    "analyse",
    "compare_quantised",
    "contrast",
    "evaluate",
    "extract",
    "find_suspects",
    "look_inside",
    "metric",
    "plot",
    "profile",
    "project",
    "verify",
]

_HOMES = {
    "Checkpoint": "checkpoints",
    "LayerProfile": "results.profile",
    "LayerStates": "states.layer_states",
    "Metric": "metrics",
    "ParallelCorpus": "corpora",
    "ReadingSpec": "states.spec",
    "RepalignError": "errors",
    "Report": "report",
    "Results": "results.results",
    "Scores": "metrics",
    "analyse": "analysis",
    "compare_quantised": "quantisation.run",
    "contrast": "scoring",
    "evaluate": "evaluation.run",
    "extract": "states.extraction",
    "find_suspects": "suspects.run",
    "look_inside": "inside.run",
    "metric": "metrics",
    "plot": "figures",
    "profile": "scoring",
    "project": "maps.projection",
    "verify": "verification.run",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'repalign' has no attribute {name!r}")
    return getattr(import_module(f"repalign.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
