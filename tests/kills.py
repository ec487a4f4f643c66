"""Commands that are killed: at a random moment, or just before any one of their writes; and what they leave.

The processes are forked from a server that has imported everything, so that a kill costs seconds less and hits the work.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    ["kills", "repalign.analysis", "repalign.maps.projection", "repalign.inside.run", "repalign.evaluation.run",
     "repalign.report.inside", "repalign.report.evaluation", "repalign_training.run", "repalign_training.trainer",
     "transformers.models.llama.modeling_llama"]
)  # fmt: skip

WRITES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate"}
"""Audit events that change a folder, beside opening a file to write."""


@dataclass(frozen=True)
class Job:
    """A command that may be killed.

    Attributes:
        main: module whose `main` it is.
        argv: its arguments; it writes to `root` only.
        root: with `home`, the REPALIGN_HOME, and `out`.
        settings: module attributes set in the process, e.g. to get many small shards: "module:NAME" -> value.
    """

    main: str
    argv: tuple[str, ...]
    root: Path
    settings: tuple[tuple[str, Any], ...] = ()

    def start(self, die_at: int | None = None) -> ForkServerProcess:
        """Start it. Its messages go to `root.log`, the number of its writes to `root.writes` once it has ended.

        Args:
            die_at: the write, counted from 0, just before which the process kills itself.
        """
        process = CONTEXT.Process(target=_run, args=(self, die_at))
        process.start()
        return process

    def run(self, die_at: int | None = None) -> tuple[int, str]:
        """Run it to its end, or death. Returns its exit code and messages."""
        process = self.start(die_at)
        process.join(timeout=300)
        assert process.exitcode is not None, "it hangs"
        return process.exitcode, self.said

    @property
    def said(self) -> str:
        return self.root.with_suffix(".log").read_text(encoding="utf-8", errors="replace")

    @property
    def began(self) -> Path:
        """A file that exists once its `main` has begun."""
        return self.root.with_suffix(".began")

    @property
    def writes(self) -> int:
        """How often the last run wrote, if it came to its end."""
        return int(self.root.with_suffix(".writes").read_text())

    def killed_after(self, seconds: float, number: int = signal.SIGKILL) -> int | None:
        """Run it and send a signal some seconds after its `main` has begun. Returns its exit code, or None if it ended well before."""
        self.began.unlink(missing_ok=True)
        process = self.start()
        while not self.began.exists():
            assert process.is_alive(), self.said
            time.sleep(0.01)
        process.join(seconds)
        with suppress(ProcessLookupError):  # it ended this very moment
            os.kill(process.pid, number)
        process.join(timeout=60)
        assert process.exitcode is not None, f"signal {number} did not end it"
        return process.exitcode or None


def _run(job: Job, die_at: int | None) -> None:
    log = os.open(job.root.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ["REPALIGN_HOME"] = str(job.root / "home")
    for name, value in job.settings:
        module, _, attribute = name.partition(":")
        setattr(import_module(module), attribute, value)
    main = import_module(job.main).main
    writes = 0

    def count(event: str, args: tuple) -> None:
        nonlocal writes
        if _is_write(event, args, str(job.root)):
            if writes == die_at:
                os.kill(os.getpid(), signal.SIGKILL)
            writes += 1

    job.began.touch()
    sys.addaudithook(count)
    code = main(job.argv)
    job.root.with_suffix(".writes").write_text(str(writes))
    sys.exit(code)


def _is_write(event: str, args: tuple, root: str) -> bool:
    if event == "open":
        path, mode, flags = args
        writing = set(mode or "") & set("wxa+") or (flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        return bool(writing) and _below(path, root)
    return event in WRITES and any(_below(path, root) for path in args[:2])


def _below(path: object, root: str) -> bool:
    return isinstance(path, (str, bytes, os.PathLike)) and os.fsdecode(path).startswith(root + os.sep)


def contents(root: Path) -> dict[str, object]:
    """Every file by its path, with what it holds; the time that training took counts as nothing."""
    return {
        path.relative_to(root).as_posix(): _content(path)
        for path in sorted(root.rglob("*"))
        if path.is_file() or not any(path.iterdir())  # an empty folder too
    }


def _content(path: Path) -> object:
    if path.is_dir():
        return "an empty folder"
    if path.name == "repalign.json":
        card = json.loads(path.read_text())
        assert card.pop("seconds") > 0
        return card
    if path.suffix == ".jsonl" and path.parent.name == "answers":  # in the order in which they were answered
        return sorted(line for line in path.read_text(encoding="utf-8").split("\n") if line)
    return path.read_bytes()


def differences(one: dict[str, object], other: dict[str, object]) -> list[str]:
    """Files that only one of them has, or that differ."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def undisturbed(job: Job) -> tuple[dict[str, object], float, int]:
    """What the job leaves when nothing goes wrong; its seconds; how often it writes. Its folder is removed."""
    began = time.monotonic()
    code, said = job.run()
    assert code == 0, said
    seconds = time.monotonic() - began
    left = contents(job.root)
    shutil.rmtree(job.root)
    return left, seconds, job.writes
