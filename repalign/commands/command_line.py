"""The command as it is written beside its results: one that can be run again and shown to others."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from repalign.privacy import without_home, without_secrets


def recorded(argv: Sequence[str]) -> str:
    """The command line, quoted for a shell, without secrets and without the name of the user's home: see `repalign.privacy`.

    >>> recorded(["evaluate", "m-llama", "--judge-url=https://me:pw@api.example/v1"])
    'repalign evaluate m-llama --judge-url=https://api.example/v1'
    """
    words = (word for argument in argv for word in _words(without_home(without_secrets(argument))))
    return " ".join(["repalign", *map(_quoted, words)])


def _words(argument: str) -> Iterator[str]:
    """`--out=~/x` as two words: a shell expands `~` at the beginning of a word only."""
    option, equals, value = argument.partition("=")
    yield from (
        (option, value) if option.startswith("--") and equals and value.startswith("~") else (argument,)
    )


def _quoted(word: str) -> str:
    if word == "~":
        return word
    return f"~/{shlex.quote(word[2:])}" if word.startswith("~/") and len(word) > 2 else shlex.quote(word)
