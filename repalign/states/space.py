"""Room for states: what they will take is compared with the disk and with `REPALIGN_CACHE_GB` before they are computed."""

from __future__ import annotations

import logging
import math
import os
import shutil
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from repalign.checkpoints import Checkpoint
from repalign.errors import RepalignError
from repalign.files import file_size
from repalign.states.cache import Entry, remove, survey
from repalign.states.storage import Storage, own_storage
from repalign.states.store import described_in
from repalign.writes import existing

logger = logging.getLogger(__name__)

LIMIT = "REPALIGN_CACHE_GB"
GB = 1e9

_protected: set[str] = set()
"""Digests of the weights whose states this process still needs."""


def cache_limit() -> float | None:
    """Bytes that stored states may take, by `$REPALIGN_CACHE_GB` in decimal gigabytes; None for no limit.

    Raises:
        RepalignError: it is not a number above 0.
    """
    text = os.environ.get(LIMIT, "").strip()
    if not text:
        return None
    try:
        gigabytes = float(text)
    except ValueError:
        gigabytes = math.nan
    if not 0 < gigabytes < math.inf:
        raise RepalignError(f"{LIMIT} is a number of gigabytes above 0, such as 50 or 0.5; got {text!r}")
    return gigabytes * GB


def free_space(folder: Path) -> int:
    """Bytes that are free where a folder is, or will be.

    Raises:
        RepalignError: that file system cannot be read.
    """
    try:
        return shutil.disk_usage(existing(folder)).free
    except OSError as error:
        raise RepalignError(f"cannot read how full the disk of {folder} is: {error.strerror}") from error


@contextmanager
def protecting(checkpoints: Iterable[object]) -> Iterator[None]:
    """Within it, `make_room` removes no states of these checkpoints, also of those that are not read yet."""
    from repalign.models.locating import locate

    limited = cache_limit() is not None  # else nothing is ever removed
    weights = {
        locate(one).digest for one in checkpoints if limited and isinstance(one, Checkpoint)
    } - _protected
    _protected.update(weights)
    try:
        yield
    finally:
        _protected.difference_update(weights)


def make_room(needed: int, keep: Collection[Path], name: str, storage: Storage | None = None) -> None:
    """Make sure that states fit on the disk and below the limit, before they are computed.

    With a limit, states that were not used for longest are removed, which is logged; but none that this run needs,
    nor any that a process has locked or reads. Without a limit, nothing is removed.

    Args:
        needed: bytes that will be written.
        keep: folders of the states that the run needs.
        name: whose states they are.
        storage: where they are written, by default below the home. The limit is for that; nothing is removed elsewhere.

    Raises:
        RepalignError: there is too little room; says how much is needed, how much there is, and the ways out.
    """
    storage = storage or own_storage()
    root, most = storage.folder, cache_limit() if storage.is_own else None
    if not needed:
        return
    free = free_space(root)
    shortage, reason = needed - free, f"{root} has {file_size(free)} free"
    if most is not None:
        entries = list(survey(["states"]))
        stored = sum(entry.bytes for entry in entries)
        if stored + needed - most > shortage:
            shortage = stored + needed - most
            reason = f"{LIMIT} allows {file_size(most)}, of which {file_size(stored)} are taken"
        if shortage > 0:
            shortage -= _evict(entries, shortage, keep)
    if shortage > 0:
        unused = " by states in use" if most is not None else ""
        raise RepalignError(
            f"the states of {name} need {file_size(needed)}, and {reason}{unused}; read fewer --sentences or --layers, store "
            f"nothing (--no-store, or --stream), set REPALIGN_HOME or --store to another disk, or make room: `repalign cache prune`"
            + f", a larger {LIMIT}"
            * (most is not None)
        )


def _evict(entries: Collection[Entry], shortage: float, keep: Collection[Path]) -> int:
    """Remove states, those that were not used for longest first, until `shortage` bytes are free; if all of them cannot
    give so much, none. Returns the bytes that became free."""
    removable = [
        entry
        for entry in sorted(entries, key=lambda one: one.used)
        if entry.status == "ours" and entry.path not in keep and _weights(entry) not in _protected
    ]
    if sum(entry.bytes for entry in removable) < shortage:
        return 0
    freed, removed = 0, 0
    for entry in removable:
        if freed >= shortage:
            break
        try:
            remove(entry)
        except RepalignError as error:
            logger.debug("%s is not removed: %s", entry.path, error)
        else:
            freed, removed = freed + entry.bytes, removed + 1
    if removed:
        logger.info(
            "%s: removed the %d least recently used of %d stored states, %s",
            LIMIT, removed, len(entries), file_size(freed),
        )  # fmt: skip
    return freed


def _weights(entry: Entry) -> str:
    try:
        return str(described_in(entry.path)["key"].get("weights"))  # type: ignore[arg-type]  # a folder of this machine
    except RepalignError:  # empty
        return ""
