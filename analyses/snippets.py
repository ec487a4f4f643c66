"""Commands and code in the documentation: `python analyses/snippets.py docs/tutorials/*.md` reruns them and rewrites what they print.

A ```console block holds commands, each after `$ `, and what they print. A ```python block is executed, in the order of the page; a
```text block after it shows what it prints. A block of any language with `title="FILE"` is written to that file instead. Output
that ends in a line `...` keeps its first lines only, and a command under which the page shows nothing keeps showing nothing. Each
page is run in an empty folder, with the checkpoints of $REPALIGN_HOME. tests/project/test_snippets.py runs the same blocks on tiny
models.

A comment says where a command cannot be run: see `ELSEWHERE` and `SLOW`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

FENCE = re.compile(r'^```(?P<language>\w+)(?: +title="(?P<title>[^"]+)")?\n(?P<text>.*?)^```$', re.M | re.S)
CUT = "..."

ELSEWHERE = {
    "# needs a GPU": "a CUDA device",
    "# needs eight GPUs": "CUDA devices",
    "# needs the states": "hidden states that a GPU computed",
    "# on the cluster": "a SLURM cluster",
    "# needs a bucket": "an object store",
    "# downloads": "a network",
    "# sets up": "makes an environment",
}
"""The comment of a command that runs on other machines only -> what it needs. Tests check its name and options."""

SLOW = {
    "# takes a minute": "trains a checkpoint",
    "# takes minutes": "trains checkpoints, or computes for long",
    "# after the training": "reads a checkpoint that such a command made",
}
"""The comment of a command that is run when outputs are rewritten, and not by tests -> the reason."""


@dataclass
class Command:
    """A line after `$ `, and what the page shows under it."""

    line: str
    output: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return "\n".join([f"$ {self.line}", *self.output])

    def is_marked(self, marks: Iterable[str]) -> bool:
        """Whether its comment has one of these."""
        return any(mark in self.line for mark in marks)


@dataclass(frozen=True)
class Block:
    language: str
    title: str | None
    text: str

    def commands(self) -> list[Command]:
        """Of a console block; lines before its first command are dropped."""
        commands: list[Command] = []
        for line in self.text.splitlines():
            if line.startswith("$ "):
                commands.append(Command(line[2:]))
            elif commands:
                commands[-1].output.append(line)
        return commands


def blocks(page: str) -> Iterator[Block]:
    """The fenced blocks of a Markdown page that name a language."""
    for match in FENCE.finditer(page):
        yield Block(match["language"], match["title"], match["text"])


def rerun(page: Path) -> str:
    """The page with what its commands and its Python print today.

    Raises:
        SystemExit: a command or a block of Python fails.
    """
    printed: list[str] = []

    def rewritten(match: re.Match[str]) -> str:
        nonlocal printed
        block = Block(match["language"], match["title"], match["text"])
        if block.title:
            (folder / block.title).write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            printed = _run(["python", "-c", block.text], folder)
        elif block.language == "console":
            return f"```console\n{_console(block, folder)}\n```"
        elif block.language == "text" and printed:
            return "\n".join(["```text", *printed, "```"])
        return match[0]

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        return FENCE.sub(rewritten, page.read_text(encoding="utf-8"))


def _console(block: Block, folder: Path) -> str:
    commands = block.commands()
    for command in commands:
        if command.is_marked(ELSEWHERE):
            continue
        printed = _run(["bash", "-c", command.line], folder)
        shown = command.output
        if shown and shown[-1] == CUT:
            command.output = [*printed[: len(shown) - 1], CUT]
        elif any(shown):
            command.output = printed
    return "\n".join(map(str, commands))


def _run(command: list[str], folder: Path) -> list[str]:
    """What it prints, on both streams."""
    environment = {**os.environ, "COLUMNS": "100", "REPALIGN_PROGRESS": "0"}
    done = subprocess.run(
        command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    print(*command[-1:], done.stdout, sep="\n", file=sys.stderr)
    if done.returncode:
        sys.exit(f"failed with {done.returncode}: {command[-1]}")
    return [line.rstrip() for line in done.stdout.rstrip().splitlines()]


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        path.write_text(rerun(path), encoding="utf-8")
        print(path)
