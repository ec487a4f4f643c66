"""`repalign check-metric FILE.py`: run the contract tests on a custom metric."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from repalign.errors import RepalignError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", help="FILE.py, which defines metrics with @repalign.metric, or FILE.py:NAME for one of them"
    )


def run(args: argparse.Namespace) -> list[Path]:
    from repalign.metrics import metrics_named
    from repalign.metrics.contract import CONTRACT_CHECKS, violations

    violated = 0
    for metric in metrics_named(args.file):
        print(f"{metric.name} ({metric.label})", file=sys.stderr)
        for check, messages in violations(metric).items():
            violated += bool(messages)
            about = (CONTRACT_CHECKS[check].__doc__ or "").strip()
            print(f"  {'failed' if messages else 'passed'}  {check}: {about}", file=sys.stderr)
            for message in messages:
                print(f"            {message}", file=sys.stderr)
    if violated:
        raise RepalignError(
            f"{args.file} violates {violated} contract checks; fix the metric or its declaration"
        )
    return []
