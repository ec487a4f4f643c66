"""`repalign check-metric FILE.py`: is a metric of one's own what it promises to be?"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from repalign.errors import RepalignError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help="a Python file that defines metrics with @repalign.metric")


def run(args: argparse.Namespace) -> list[Path]:
    from repalign.metrics import metrics_of_file
    from repalign.metrics.contract import CONTRACT_CHECKS, violations

    broken = 0
    for metric in metrics_of_file(args.file):
        print(f"{metric.name} ({metric.label})", file=sys.stderr)
        for promise, found in violations(metric).items():
            broken += bool(found)
            about = (CONTRACT_CHECKS[promise].__doc__ or "").strip()
            print(f"  {'broken' if found else 'kept  '}  {promise}: {about}", file=sys.stderr)
            for breach in found:
                print(f"            {breach}", file=sys.stderr)
    if broken:
        raise RepalignError(f"{args.file} breaks {broken} promises; mend the metric or what it declares")
    return []
