"""What the numbers say, in words, and never more than their tests allow."""

from __future__ import annotations

from repalign.figures.view import View
from repalign.report.findings.changed import changed
from repalign.report.findings.finding import Finding
from repalign.report.findings.sure import sure
from repalign.report.findings.where import where

__all__ = ["Finding", "findings", "leading"]


def findings(view: View) -> list[Finding]:
    """Where languages align, what changed, and how sure that is, by the leading metric and variant.

    A language is "above chance" at a layer whose score is significantly better than chance, adjusted for the
    number of tests; a "change" is a paired difference that is significant by the same rule. One score "exceeds"
    or has "clearly dropped" below another where their intervals do not overlap.
    """
    lead = leading(view)
    scores, differences = view.rows("scores", **lead), view.rows("differences", **lead)
    sentences = [
        where(view, rows, str(name), lead) for name, rows in scores.groupby("checkpoint", sort=False)
    ]
    for (checkpoint, baseline), rows in differences.groupby(["checkpoint", "baseline"], sort=False):
        sentences.append(changed(view, rows, str(checkpoint), str(baseline), lead))
    return sentences + (sure(view, scores, lead) if len(scores) else [])


def leading(view: View) -> dict[str, str]:
    """The metric and variant that the findings report."""
    return (view.choices("scores", "metric", "variant") or view.choices("differences", "metric", "variant"))[
        0
    ]
