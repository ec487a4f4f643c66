"""What is not written down: secrets in URLs and in the environment, and the name of the user's home folder."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

JUDGE_KEY = "REPALIGN_JUDGE_KEY"
SECRET_VARIABLES = (
    JUDGE_KEY, "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN",
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
    "FSSPEC_S3_KEY", "FSSPEC_S3_SECRET", "FSSPEC_S3_TOKEN", "FSSPEC_GS_TOKEN", "FSSPEC_GCS_TOKEN",
    "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_SAS_TOKEN",
)  # fmt: skip
"""Environment variables whose values are secrets."""

KEEP_PATHS = "REPALIGN_KEEP_PATHS"
"""Environment variable; if set, paths below the home folder are written down as they are."""

HIDDEN = "***"

URL = re.compile(r"\b([a-z][a-z0-9+.-]*://)(?:[^\s/?#]*@)?([^\s?#]*)(?:([?#])\S*)?", re.IGNORECASE)
"""An address: up to its host, without a user; host and path; and the start of a query or fragment."""

SHORT = 8
"""Characters below which a secret is hidden as a word only: a key such as `x` occurs in any text."""


def without_secrets(text: str) -> str:
    """A text in which URLs have no user, query or fragment, and values of `SECRET_VARIABLES` are hidden.

    >>> without_secrets("no answer from https://me:pw@api.example/v1?key=1")
    'no answer from https://api.example/v1?***'
    """
    for secret in filter(None, (os.environ.get(name, "").strip() for name in SECRET_VARIABLES)):
        found = re.escape(secret)
        text = re.sub(rf"(?<!\w){found}(?!\w)" if len(secret) < SHORT else found, HIDDEN, text)
    return URL.sub(lambda url: f"{url[1]}{url[2]}{url[3] + HIDDEN if url[3] else ''}", text)


def without_home(value: Any) -> Any:
    """The same text, or lists and mappings of JSON types, with the user's home folder as `~`, unless `KEEP_PATHS` is set."""
    if isinstance(value, Mapping):
        return {key: without_home(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_home(entry) for entry in value]
    if not isinstance(value, str) or os.environ.get(KEEP_PATHS):
        return value
    for home in _homes():
        value = re.sub(rf"{re.escape(home)}(?![\w.-])", "~", value)
    return value


def folder_name(folder: Path) -> str:
    """The name of a folder; `home` for the user's home folder."""
    return "home" if without_home(str(folder)) == "~" else folder.name


def _homes() -> list[str]:
    """The home folder as it is called and as links lead to it, the longer first; none if it is the root of the disk."""
    try:
        home = Path.home()
        homes = {str(home), str(home.resolve())}
    except (RuntimeError, OSError):  # a user without a home, a circle of links
        return []
    return sorted(homes - {home.anchor}, key=len, reverse=True)
