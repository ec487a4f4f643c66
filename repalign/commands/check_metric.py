"""`repalign check-metric FILE.py`: run the contract tests on a custom metric."""

from __future__ import annotations

import argparse

from repalign.commands.outcome import Outcome, add_printing_options
from repalign.commands.parser import Parser
from repalign.errors import RepalignError


def add_arguments(parser: Parser) -> None:
    parser.add_argument(
        "file", help="FILE.py, which defines metrics with @repalign.metric, or FILE.py:NAME for one of them"
    )
    add_printing_options(parser, quiet=False)
    parser.add_examples(
        "repalign check-metric my_metrics.py", "repalign check-metric my_metrics.py:equal_signs"
    )


def run(args: argparse.Namespace) -> Outcome:
    from repalign.metrics import metrics_named
    from repalign.metrics.contract import CONTRACT_CHECKS, violations

    found = {metric.name: (metric.label, violations(metric)) for metric in metrics_named(args.file)}
    text = []
    for name, (label, checks) in found.items():
        text.append(f"{name} ({label})")
        for check, messages in checks.items():
            about = (CONTRACT_CHECKS[check].__doc__ or "").strip()
            text.append(f"  {'failed' if messages else 'passed'}  {check}: {about}")
            text += [f"            {message}" for message in messages]
    violated = sum(bool(messages) for _, checks in found.values() for messages in checks.values())
    error = RepalignError(
        f"{args.file} violates {violated} contract checks; fix the metric or its declaration"
    )
    record = {"violations": {name: checks for name, (_, checks) in found.items()}}
    return Outcome(text, record, error=error if violated else None)
