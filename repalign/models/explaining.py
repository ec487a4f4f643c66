"""One line for whatever a library raises about a checkpoint's files: what was read, the file at fault, the reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from repalign.errors import RepalignError, reason

T = TypeVar("T")


@contextmanager
def explained(action: str, path: Path | None = None) -> Iterator[None]:
    """Within it, any exception of a library becomes a RepalignError.

    Args:
        action: what fails, e.g. "cannot load 'm-llama' from /models/m-llama".
        path: the folder or file that is read, in which the file at fault is looked for.

    Raises:
        RepalignError: in place of any exception, and of the panic of a library in Rust, which is no `Exception`.
    """
    try:
        yield
    except RepalignError:
        raise
    except BaseException as error:
        if not _is_failure(error):
            raise
        raise RepalignError(f"{action}: {(path and _file_at_fault(path)) or reason(error)}") from error


def attempt(call: Callable[..., T], *arguments: Any) -> T | BaseException:
    """What a call of a library returns, or what it raises: an exception, or a panic."""
    try:
        return call(*arguments)
    except BaseException as error:
        if not _is_failure(error):
            raise
        return error


def _is_failure(error: BaseException) -> bool:
    """Whether it is an exception or the panic of a library in Rust, which is none; not Ctrl-C or the end of the process."""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


def _file_at_fault(path: Path) -> str | None:
    """The first file of a folder that is unreadable by itself, and why; libraries often name neither."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    for file in files:
        check = CHECKS.get(file.name) or CHECKS.get(file.suffix)
        failure = attempt(check, file) if check and file.is_file() else None
        if isinstance(failure, BaseException):
            return f"{file.name}: {reason(failure)}{HINTS.get(file.name, '')}"
    return None


def _open_tokenizer(path: Path) -> None:
    from tokenizers import Tokenizer

    Tokenizer.from_file(str(path))


def _open_weights(path: Path) -> None:
    from safetensors import safe_open

    with safe_open(path, framework="pt"):
        pass


CHECKS: dict[str, Callable[[Path], Any]] = {"tokenizer.json": _open_tokenizer, ".safetensors": _open_weights}
HINTS = {"tokenizer.json": "; it is damaged, or of a newer version of the package tokenizers: upgrade that"}
