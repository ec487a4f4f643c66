"""What the numbers say, in words, and never more than their tests allow."""

from __future__ import annotations

from repalign.figures.view import View
from repalign.report.findings.changed import changed
from repalign.report.findings.changes_in_dispute import changes_in_dispute
from repalign.report.findings.disagreement import disagreement
from repalign.report.findings.finding import Claim, Finding
from repalign.report.findings.headline import headline
from repalign.report.findings.sure import sure
from repalign.report.findings.verdicts import Verdicts
from repalign.report.findings.where import where

__all__ = ["Claim", "Finding", "Verdicts", "findings", "headline", "leading"]


def findings(view: View | Verdicts, metric: str = "", variant: str = "") -> list[Finding]:
    """Whether metrics agree, where languages align, what changed, and how sure that is, by one metric and variant.

    What a sentence may claim is decided by `Verdict` for a checkpoint, and by the same adjusted p for a change.

    Args:
        view: the results, or the verdicts on them, to share these between metrics.
        metric, variant: as in the table; by default the leading ones.
    """
    verdicts = view if isinstance(view, Verdicts) else Verdicts(view)
    lead = leading(verdicts.view)
    metric, variant = metric or lead["metric"], variant or lead["variant"]
    found = [
        *changes_in_dispute(verdicts, metric, variant),
        *disagreement(verdicts, metric, variant),
        *where(verdicts, metric, variant),
        *changed(verdicts, metric, variant),
        *sure(verdicts, metric, variant),
    ]
    order = ("where", "changed", "sure")
    return sorted(found, key=lambda one: order.index(one.question))


def leading(view: View) -> dict[str, str]:
    """The metric and variant that are reported first."""
    return (view.choices("scores", "metric", "variant") or view.choices("differences", "metric", "variant"))[
        0
    ]
