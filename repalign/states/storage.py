"""Which store is used: a folder, by default below the home, or an object store with a cache below the home."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from repalign.checkpoints import home
from repalign.checkpoints.home import REMEDY
from repalign.errors import RepalignError
from repalign.privacy import without_secrets
from repalign.states.remote import Remote
from repalign.writes import check_writable

SCORES = "scores"
"""The folder of scores in a store, or below the home."""

STORE = "REPALIGN_STORE"
"""Environment variable: the store that is used where none is named."""

EXPECTED = "a folder, file:///FOLDER, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or another URL that fsspec reads"

SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):(//)?(.*)", re.IGNORECASE | re.DOTALL)
"""A letter and a colon alone are a disk of Windows."""


@dataclass(frozen=True)
class Storage:
    """Where stores lie.

    Attributes:
        folder: that holds one folder for each store: the stores themselves, or what was written to or read from a remote.
        remote: an object store, or None if the folder itself is the store.
    """

    folder: Path
    remote: Remote | None = None

    def __str__(self) -> str:
        return str(self.remote or self.folder)

    @property
    def is_own(self) -> bool:
        """Whether the folder is the one below the home, which the limit of the cache is for."""
        return self.folder == own_storage().folder

    @property
    def scores(self) -> Path:
        """The folder of scores: beside that of the states below the home, or in the folder that is named."""
        return home() / SCORES if self.is_own else self.folder / SCORES

    def check(self) -> None:
        """Check that states can be kept there, before a model is loaded.

        Raises:
            RepalignError: a folder that cannot be written, or an object store that does not answer.
        """
        check_writable(self.folder, REMEDY if self.is_own else "choose another --store")
        if self.remote is not None:
            self.remote.check_reachable()


def own_storage() -> Storage:
    """The folder below the home."""
    return Storage(home() / "states")


def storage_at(store: bool | str | os.PathLike[str]) -> Storage | None:
    """The storage that is meant: by a folder or URL; by True, `$REPALIGN_STORE` or else the home; by False, none.

    Raises:
        RepalignError: neither a folder nor a URL, or a URL that holds credentials.
    """
    if store is False:
        return None
    text = os.environ.get(STORE, "").strip() if store is True else os.fspath(store)
    if not text and store is True:
        return own_storage()
    if not isinstance(text, str) or not text.strip() or "\0" in text:
        raise RepalignError(f"a store is {EXPECTED}; got {text!r}")
    return _at(text)


def _at(text: str) -> Storage:
    scheme = SCHEME.fullmatch(text)
    if scheme is None:
        return _in_folder(text)
    protocol, slashes, rest = scheme[1].lower(), scheme[2], scheme[3]
    authority = rest.partition("/")[0]
    if "@" in authority or "?" in rest or "#" in rest:
        raise RepalignError(
            f"the address of a store holds no user, password, query or fragment, as it is shown and written down; give "
            f"credentials by the environment (AWS_PROFILE, GOOGLE_APPLICATION_CREDENTIALS, ...); got one for "
            f"{without_secrets(text) if slashes else protocol}"
        )
    if not slashes or "::" in text:
        raise RepalignError(f"a store is {EXPECTED}; got {text!r}")
    if protocol in ("http", "https"):
        raise RepalignError(
            f"{protocol}:// cannot be written; give s3://BUCKET/PREFIX, and the address of the server as AWS_ENDPOINT_URL"
        )
    if protocol in ("file", "local"):
        if not rest.startswith("/"):
            raise RepalignError(
                f"file:// is followed by an absolute path, as in file:///{rest}; got {text!r}"
            )
        return _in_folder(rest)
    if not authority and protocol != "memory":
        raise RepalignError(f"{text!r} names no bucket; a store is {EXPECTED}")
    return Storage(own_storage().folder, Remote(f"{protocol}://{rest.rstrip('/')}"))


def _in_folder(text: str) -> Storage:
    try:
        return Storage(Path(text).expanduser().absolute())
    except RuntimeError as error:
        raise RepalignError(f"the store is {text!r}, and there is no such user") from error
