"""`make fuzz`: many damaged inputs to every reader and page, for some minutes; every fault is kept with its files.

The targets run in processes of their own: one that takes a case longer than `HANG` seconds, or more than `MEMORY` bytes,
ends, which is a fault, too. Hypothesis chooses the damage and reduces a fault to the smallest one that it finds.
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HANG = 20
"""Seconds that a case may take."""

MEMORY = 8 << 30
"""Bytes of address space that a process may take; torch alone reserves some."""

EXAMPLES = 20
"""Cases between two looks at the clock."""

FOUND = Path("out/fuzz")
"""Where the files of faults are kept, each with the traceback."""


def try_target(name: str, seed: int, seconds: float, folder: Path) -> int:
    """Try damage to one target until the time is over. The number of cases.

    Raises:
        Exception: a fault; `folder` then holds the damaged files.
    """
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded
    from hypothesis import strategies as st

    from fuzz import attempt

    cases = 0
    options = settings(
        max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink], print_blob=False,
    )  # fmt: skip

    def case(rng: random.Random) -> None:
        nonlocal cases
        cases += 1
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        faulthandler.dump_traceback_later(HANG, exit=True)
        try:
            attempt(name, folder, rng)
        finally:
            faulthandler.cancel_dump_traceback_later()

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        seeded(seed)(options(given(st.randoms(use_true_random=False))(case)))()
        seed += 1
    shutil.rmtree(folder, ignore_errors=True)
    return cases


def kept(name: str, seed: int) -> Path:
    plain = re.sub(r"\W+", "-", name)
    return FOUND / f"{plain}-{seed}"


def child(names: Sequence[str], seed: int, seconds: float) -> None:
    """Try targets one after the other; prints each name before, and the number of its cases, or a fault, after."""
    import resource

    said = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries print, also past Python
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    import fuzz  # noqa: F401  (before the clock starts)

    with tempfile.TemporaryDirectory(prefix="fuzz-home-") as home:
        os.environ["REPALIGN_HOME"] = home
        for name in names:
            print(f"{name}\t", end="", file=said, flush=True)
            folder = kept(name, seed)
            try:
                print(try_target(name, seed, seconds, folder), file=said, flush=True)
            except Exception:
                folder.mkdir(parents=True, exist_ok=True)
                (folder / "FAULT.txt").write_text(traceback.format_exc())
                print(f"FAULT, see {folder}", file=said, flush=True)


def parent(names: Sequence[str], seed: int, seconds: float) -> tuple[int, int]:
    """Run a child, and another for the rest of the targets where it ends early. The numbers of cases and faults."""
    cases = faults = 0
    left = list(names)
    while left:
        command = [
            sys.executable,
            "-m",
            "fuzz",
            "--seed",
            str(seed),
            "--seconds",
            str(seconds),
            "--child",
            *left,
        ]
        with (
            tempfile.TemporaryFile("w+", errors="replace") as said,
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True) as process,
        ):
            for line in process.stdout or ():
                name, _, result = line.rstrip("\n").partition("\t")
                left.remove(name)
                if result.isdigit():
                    cases += int(result)
                    print(f"fuzz: {int(result):7,} cases  {name}", flush=True)
                    continue
                faults += 1
                if not result:
                    said.seek(0)
                    folder = kept(name, seed)
                    folder.mkdir(parents=True, exist_ok=True)
                    (folder / "FAULT.txt").write_text(f"exit code {process.wait()}\n{said.read()}")
                    result = f"FAULT, the process ended, see {folder}"
                print(f"fuzz: {result}  {name}", flush=True)
        if process.returncode and len(left) == len(names):
            raise SystemExit("fuzz: cannot start; run the tests first")
    return cases, faults


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="default: the time")
    parser.add_argument("--only", default="", metavar="REGEX", help="only targets whose names match")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--seconds", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        child(args.child, args.seed, args.seconds)
        return 0
    from fuzz import TARGETS

    names = [name for name in TARGETS if re.search(args.only, name)]
    print(f"fuzz: seed {args.seed}, {len(names)} targets, {args.minutes:g} minutes", flush=True)
    seconds = 60 * args.minutes * args.jobs / len(names)
    with ThreadPoolExecutor(args.jobs) as pool:
        shares = [names[job :: args.jobs] for job in range(args.jobs)]
        totals = list(pool.map(lambda share: parent(share, args.seed, seconds), shares))
    cases, faults = (sum(column) for column in zip(*totals, strict=True))
    print(f"fuzz: {cases:,} cases, {faults} faults, seed {args.seed}")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
