"""LineStore: values on disk by key, one per line, for what is expensive to get twice: answers, verdicts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import filelock
import msgspec

from repalign.checkpoints.home import REMEDY
from repalign.errors import RepalignError
from repalign.writes import writing

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Value = TypeVar("Value", bound=DataclassInstance)
else:
    Value = TypeVar("Value")


@dataclass(frozen=True)
class Keyed:
    """What every line holds besides the fields of its value.

    Attributes:
        prompt: digest of the prompt.
    """

    prompt: str


class LineStore(Generic[Value]):
    """Values by the digest of their prompt, in a file of JSON lines that only grows.

    Lines are appended in one write each time, which several processes may do at once, and begin on a line of their own,
    so that one cut short by a kill damages no other. A line that cannot be read, or whose fields have other types than
    those of `kind`, does not count: its prompt is asked again.

    Args:
        path: the file; it need not exist.
        kind: a dataclass of JSON types.

    Raises:
        RepalignError: the file exists and cannot be read.
    """

    def __init__(self, path: Path, kind: type[Value]) -> None:
        self.path = path
        self._keys, self._kinds = msgspec.json.Decoder(Keyed), msgspec.json.Decoder(kind)
        self._values: dict[str, Value] = {}
        self._read = 0
        self.refresh()

    def get(self, key: str) -> Value | None:
        """The value of a key, or None."""
        return self._values.get(key)

    def add(self, values: Mapping[str, Value]) -> None:
        """Append values by key.

        Raises:
            RepalignError: the file cannot be written, or the disk is full.
        """
        self._values |= values
        rows = ({"prompt": key, **asdict(value)} for key, value in values.items())
        lines = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
        with writing(self.path, REMEDY):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab", buffering=0) as file:
                data = f"\n{lines}".encode()
                while data:  # once, except on a full disk, where the second time says so
                    data = data[file.write(data) or 0 :]

    def refresh(self) -> None:
        """Read what was appended since the last time, also by other processes."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._read)
                complete, feed, _ = file.read().rpartition(b"\n")
        except (FileNotFoundError, NotADirectoryError):  # if it cannot be made either, `add` says so
            return
        except OSError as error:
            raise RepalignError(f"cannot read {self.path}: {error.strerror}; {REMEDY}") from error
        self._read += len(complete) + len(feed)
        for line in complete.split(b"\n"):
            if entry := self._decoded(line):
                self._values[entry[0]] = entry[1]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One process at a time; another waits."""
        with writing(self.path, REMEDY):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = filelock.FileLock(self.path.with_suffix(".lock"))
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def _decoded(self, line: bytes) -> tuple[str, Value] | None:
        try:
            return self._keys.decode(line).prompt, self._kinds.decode(line)
        except (ValueError, RecursionError):  # empty, cut short, of other types, nested too deep
            return None
