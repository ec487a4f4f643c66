"""Data sets on the Hugging Face hub, stored as parquet."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from repalign.corpora.languages import is_code
from repalign.errors import RepalignError
from repalign.privacy import without_secrets

ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")

FILES = {
    ".arrow", ".bz2", ".csv", ".dev", ".devtest", ".docx", ".gz", ".json", ".jsonl", ".ndjson", ".parquet", ".pdf", ".sgm",
    ".tar", ".test", ".tgz", ".tmx", ".tsv", ".txt", ".xlsx", ".xml", ".xz", ".zip", ".zst",
}  # fmt: skip
"""Suffixes that no name on the hub has."""


def is_hub_id(name: str) -> bool:
    """Whether a name may be asked for on the hub: names of local files and folders must not leave the machine.

    It is `owner/name`, does not look like a file, and there is no folder `owner` here.
    """
    suffix = Path(name).suffix
    is_file = suffix.lower() in FILES or is_code(suffix[1:])
    return ID.fullmatch(name) is not None and not is_file and not Path(name).parent.exists()


def hub_rows(repo: str, config: str, split: str, named: str, remedy: str) -> Any:
    """The rows of a data set on the hub.

    Args:
        repo: owner/name.
        config: "" for the default configuration.
        split: e.g. "test".
        named: how an error message refers to the data set.
        remedy: what an error message advises.

    Raises:
        RepalignError: there is no such data set, or it cannot be loaded.
    """
    import datasets

    _check_exists(repo, named, remedy)
    try:
        return datasets.load_dataset(repo, config or None, split=split)
    except (ValueError, OSError, RuntimeError) as error:
        reason = without_secrets(str(error).partition("\n")[0])
        raise RepalignError(f"cannot load {named}: {reason}; {remedy}") from error


def _check_exists(repo: str, named: str, remedy: str) -> None:
    """One short question to the hub, because the loader asks six times within half a minute."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    try:
        HfApi().dataset_info(repo, timeout=10)
    except OfflineModeIsEnabled:
        return  # the loader reads what was downloaded before
    except HfHubHTTPError as error:
        raise RepalignError(
            f"there is no {repo} here, and the hub does not give {named} ({type(error).__name__}); {remedy}"
        ) from error
    except Exception as error:  # of whichever library makes the connection
        reason = without_secrets(str(error).partition("\n")[0])
        raise RepalignError(
            f"there is no {repo} here, and the hub cannot be reached for {named} ({reason}); {remedy}. With "
            "HF_HUB_OFFLINE=1 a data set that was downloaded before is read"
        ) from error
