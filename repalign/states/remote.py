"""Object stores and other file systems that fsspec reaches by URL: objects that are written whole, in bounded attempts.

One `Remote` is one prefix, below which objects are named `FOLDER/FILE` as in a local store. It holds nothing but its URL, so
that it can be sent to other processes; connections are those of fsspec, which keeps one per process.
"""

from __future__ import annotations

import logging
import os
import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from repalign.errors import RepalignError, reason
from repalign.privacy import without_secrets

T = TypeVar("T")

logger = logging.getLogger(__name__)

ATTEMPTS = 4
"""How often an operation is tried, beside what the libraries below do themselves."""

PAUSE = 1.0
"""Seconds before the second attempt; doubled before each further one, and drawn from half to once and a half of that, so that
the workers of a cluster do not return together."""

PERMANENT = (FileNotFoundError, PermissionError, NotImplementedError, ImportError, ValueError, TypeError)
"""Errors that another attempt would meet again."""

UNSIGNED = ("NoCredentialsError", "PartialCredentialsError", "DefaultCredentialsError")
"""Classes of botocore and google.auth, which are not imported for this: no credentials were found."""

EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs"}
"""Which extra of repalign brings the library of a protocol."""

ATOMIC = ("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oss", "memory")
"""Protocols by which an object appears whole; by others it is written under another name and then renamed."""

TIMES = ("LastModified", "mtime", "updated", "last_modified", "created")
"""Where the file systems of fsspec say when an object was written."""


@dataclass(frozen=True)
class RemoteFile:
    """An object below the prefix.

    Attributes:
        path: below the prefix, e.g. "0a1b.../00003-1f2e3d4c.npy".
        bytes: of its contents.
        written: in seconds since 1970; 0 if the store does not say.
    """

    path: str
    bytes: int
    written: float


@dataclass(frozen=True)
class Remote:
    """A prefix in an object store.

    Attributes:
        url: without credentials, query or final slash: see `repalign.states.storage`.
    """

    url: str

    def __str__(self) -> str:
        return self.url

    def names(self, folder: str) -> list[str]:
        """Names of the objects in a folder, ascending; empty if there is no such folder.

        Raises:
            RepalignError: the store cannot be read.
        """
        names = (file.path.removeprefix(f"{folder}/") for file in self._listed(folder))
        return sorted(name for name in names if "/" not in name)

    def files(self) -> list[RemoteFile]:
        """All objects below the prefix, by path.

        Raises:
            RepalignError: the store cannot be read.
        """
        return sorted(self._listed(""), key=lambda file: file.path)

    def read(self, path: str) -> bytes | None:
        """The contents of an object, or None if there is none.

        Raises:
            RepalignError: the store cannot be read.
        """

        def read(system: Any, full: str) -> bytes | None:
            try:
                return system.cat_file(full)
            except FileNotFoundError:
                return None

        return self._tried("read", path, read)

    def write(self, path: str, data: bytes, kept: str = "") -> None:
        """Write an object: it appears whole, or not at all.

        Args:
            kept: what is not lost if it fails, and how to go on; the end of the message.

        Raises:
            RepalignError: the store cannot be written.
        """

        def write(system: Any, full: str) -> None:
            if self.protocol in ATOMIC:
                return system.pipe_file(full, data)
            folder, _, name = full.rpartition("/")
            partial = f"{folder}/.{name}.{os.urandom(4).hex()}.partial"
            system.makedirs(folder, exist_ok=True)
            system.pipe_file(partial, data)
            system.mv(partial, full)

        self._tried("write", path, write, kept)

    def delete(self, path: str) -> None:
        """Remove an object; nothing happens if there is none.

        Raises:
            RepalignError: it cannot be removed.
        """

        def delete(system: Any, full: str) -> None:
            try:
                system.rm_file(full)
            except FileNotFoundError:  # removed by another process, or by an attempt whose answer was lost
                return

        self._tried("remove", path, delete)

    def check_reachable(self) -> None:
        """Check that the store answers, before the work whose results go there.

        Raises:
            RepalignError: it does not, or a library or permission is missing.
        """
        self.names(".repalign")

    def check_writable(self) -> None:
        """Check that an object can be written, read and removed; leaves no trace.

        Raises:
            RepalignError: it cannot.
        """
        path, data = f".repalign/{os.urandom(8).hex()}", os.urandom(8)
        self.write(path, data)
        same = self.read(path) == data
        self.delete(path)
        if not same:
            raise RepalignError(f"{self.url} does not return what is written to it; use another store")

    @property
    def protocol(self) -> str:
        return self.url.partition("://")[0]

    def _listed(self, folder: str) -> Iterable[RemoteFile]:
        def listed(system: Any, full: str) -> dict[str, dict[str, Any]]:
            system.invalidate_cache()  # what other processes wrote since
            return system.find(full, detail=True)

        def below(name: str, root: str) -> str:
            return name.removeprefix(root).strip("/")

        found = self._tried("read", folder, listed)
        root = self._system()[1]
        return [
            RemoteFile(below(name, root), int(info["size"] or 0), _written(info))
            for name, info in found.items()
        ]

    def _tried(self, verb: str, path: str, operation: Callable[[Any, str], T], kept: str = "") -> T:
        """What the operation returns, at the latest after `ATTEMPTS`."""
        where = f"{self.url}/{path}".rstrip("/")
        for pause in [*_pauses(), None]:
            try:
                system, root = self._system()
                return operation(system, f"{root}/{path}".rstrip("/"))
            except RepalignError:
                raise
            except Exception as error:  # botocore, aiohttp and google raise classes of their own
                # Neither the error nor its cause is chained: requests in them hold signatures.
                why = without_secrets(reason(error))
                if pause is None or _is_permanent(error):
                    break
            logger.info("%s: %s; trying again in %.1f s", where, why, pause)
            time.sleep(pause)
        tried = "" if pause is not None else f" after {ATTEMPTS} attempts"
        remedy = kept or "check the address, the credentials (environment or profile) and the network"
        raise RepalignError(f"cannot {verb} {where}{tried}: {why}; {remedy}")

    def _system(self) -> tuple[Any, str]:
        """The file system of fsspec, whose types are too loose to be of use, and the prefix as it calls it.

        Raises:
            RepalignError: its library is missing, or there is no such protocol.
        """
        from fsspec.core import url_to_fs

        extra = EXTRAS.get(self.protocol)
        try:
            system, root = url_to_fs(self.url)
        except ImportError as error:
            install = f"pip install 'repalign[{extra}]'" if extra else reason(error)
            raise RepalignError(
                f"{self.protocol}:// needs a library that is not installed: {install}"
            ) from None
        return system, root.rstrip("/")


def _pauses() -> Iterator[float]:
    for number in range(ATTEMPTS - 1):
        yield PAUSE * 2**number * random.uniform(0.5, 1.5)


def _is_permanent(error: Exception) -> bool:
    return isinstance(error, PERMANENT) or type(error).__name__ in UNSIGNED


def _written(info: dict[str, Any]) -> float:
    """When an object was written, in seconds since 1970, from what its file system says of it."""
    value = next((info[name] for name in TIMES if info.get(name)), 0.0)
    if isinstance(value, str):  # as ISO 8601
        value = datetime.fromisoformat(value.replace("Z", "+00:00"))
    return value.timestamp() if isinstance(value, datetime) else float(value)
