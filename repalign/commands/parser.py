"""The parser of the command line: mistakes are one line with the near miss, and lists take spaces or commas."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from repalign.errors import CONTROL, did_you_mean, near_misses, unknown

Check = Callable[[argparse.Namespace], "str | None"]
"""What is wrong with options that were read, in words; None if nothing is."""


class Parser(argparse.ArgumentParser):
    """An `ArgumentParser` whose errors are one line and whose help keeps the lines of its examples.

    Attributes:
        examples: command lines that `--help` shows; tests parse each of them.
        checks: called with what was read; a sentence that one returns is the error.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"formatter_class": argparse.RawDescriptionHelpFormatter, **settings})
        self.examples: tuple[str, ...] = ()
        self.checks: list[Check] = []

    def add_examples(self, *examples: str) -> None:
        """Show command lines at the end of `--help`."""
        self.examples += examples
        shown = "examples:\n" + "".join(f"  {line}\n" for line in self.examples)
        self.epilog = "\n".join(filter(None, (shown, self.epilog)))

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """What a subcommand does not know is its own error, not that of `repalign`."""
        namespace, extra = super().parse_known_args(args, namespace)
        if extra:
            self.error(self._unexpected(extra))
        for check in self.checks:
            if wrong := check(namespace):
                self.error(wrong)
        return namespace, extra

    def error(self, message: str) -> NoReturn:
        """One line on stderr, and exit code 2."""
        said = CONTROL.sub(" ", message).removesuffix(".")
        self.exit(2, f"{self.prog}: {said} (see `{self.prog} --help`)\n")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """In place of argparse's "invalid choice": with the near miss."""
        if action.choices is not None and value not in action.choices:
            kind = (
                f"choice of {action.option_strings[0]}"
                if action.option_strings
                else str(action.metavar).lower()
            )
            raise argparse.ArgumentError(None, str(unknown(kind, str(value), map(str, action.choices))))

    def _unexpected(self, extra: Sequence[str]) -> str:
        word = extra[0].partition("=")[0]
        if not word.startswith("-") or word in ("-", "--"):
            return f"unexpected {' '.join(extra)!r}; names stand together, before the options"
        names = [name for action in self._actions for name in action.option_strings if name.startswith("--")]
        close = near_misses(word.strip("-"), [name.removeprefix("--") for name in names])
        return f"no option {word!r}{did_you_mean([f'--{name}' for name in close])}"


class Listed(argparse.Action):
    """The action of an option that takes several values: separated by spaces or commas, or by repeating the option."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        before = getattr(namespace, self.dest)
        new = [item for part in values for item in part]
        setattr(namespace, self.dest, [*(() if before is self.default else before), *new])
        if len(values) > 1:
            namespace.taken = f"{option_string} {' '.join(map(_as_typed, values))}"


def _as_typed(items: Sequence[object]) -> str:
    return ",".join(map(str, items))


def add_list(
    group: argparse.ArgumentParser | argparse._ArgumentGroup,
    *names: str,
    metavar: str,
    help: str,
    default: Sequence[Any] | None = None,
    parts: Callable[[str], list[Any]] | None = None,
) -> None:
    """An option that takes several values, separated by spaces or commas.

    Args:
        group: to which it is added.
        names: of the option.
        metavar: one value.
        help: for `--help`.
        default: if it is not given.
        parts: from one word, which may hold commas, to values; by default texts.
    """
    group.add_argument(
        *names,
        nargs="+",
        action=Listed,
        type=parts or comma_list,
        default=default,
        metavar=metavar,
        help=help,
    )


def comma_list(text: str) -> list[str]:
    """The type of one word of a list: its parts between commas."""
    named = [part.strip() for part in text.split(",") if part.strip()]
    if not named:
        raise argparse.ArgumentTypeError(f"expected one or more, separated by spaces or commas; got {text!r}")
    return named
