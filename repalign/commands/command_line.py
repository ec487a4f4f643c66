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
    is_path = option.startswith("--") and equals and value.startswith("~")
    yield from (option, value) if is_path else (argument,)


def _quoted(word: str) -> str:
    """The word with all but a `~` at its beginning quoted, which a shell expands."""
    head, slash, rest = word.partition("/")
    return head + slash + (shlex.quote(rest) if rest else "") if head == "~" else shlex.quote(word)
