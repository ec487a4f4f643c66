"""What results are called, and the folder they go to by default: checkpoints on a corpus."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

LONGEST = 120
"""Characters of a folder's name."""


def title_of(checkpoints: Iterable[str], corpus: str, compare: bool = False) -> str:
    """The title of results. Names stand in the order in which the command has them; a series is named by its first and last.

    >>> title_of(["m-llama"], "everyday")
    'm-llama on everyday'
    >>> title_of(["alpaca", "m-llama"], "everyday", compare=True)
    'alpaca against m-llama on everyday'
    >>> title_of(["base", "alpaca", "m-llama"], "everyday")
    'base to m-llama on everyday'

    Args:
        checkpoints: their names.
        corpus: or the task.
        compare: whether the second is compared with the first.
    """
    names = list(checkpoints)
    first_and_last = list(dict.fromkeys((names[0], names[-1])))
    return f"{(' against ' if compare else ' to ').join(first_and_last)} on {corpus}"


def default_folder(title: str) -> Path:
    """`out/TITLE` with hyphens in place of all that a shell or a file system may not like.

    >>> default_folder("meta-llama/Llama-3.2-1B on openai/MMMLU:default").as_posix()
    'out/meta-llama-Llama-3.2-1B-on-openai-MMMLU-default'
    """
    name = re.sub(r"[^\w.~+-]+", "-", title).strip("-.")[:LONGEST]
    return Path("out") / (name or "results")
