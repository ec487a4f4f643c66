"""Memory of this machine: how much there is, a refusal before work that it could never hold, and its reuse."""

from __future__ import annotations

import ctypes
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from repalign.errors import RepalignError

logger = logging.getLogger(__name__)

MEMINFO = Path("/proc/meminfo")
CGROUPS = (
    (Path("/sys/fs/cgroup"), "memory.max", "memory.current", "inactive_file"),
    (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)
"""Where both versions of Linux's control groups say how much memory a container may use."""

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's mallopt, from its malloc.h."""

LARGE = 32 << 20
"""Bytes of a block that glibc takes from the system, and gives back when it is freed; it comes to this number by itself."""

KEPT = 1 << 30
"""Bytes of freed smaller blocks that stay with the process, in place of twice `LARGE`: more than a step of training frees."""


class Memory(NamedTuple):
    """Bytes of a machine or device.

    Attributes:
        total: all that there is, swap included.
        free: what can be used now.
    """

    total: int
    free: int


def of_machine() -> Memory | None:
    """The memory of this machine or of the container that the program runs in; None where the system does not say."""
    try:
        kilobytes = dict(line.split()[:2] for line in MEMINFO.read_text().splitlines())
        swap = {name: int(kilobytes.get(f"Swap{name}:", 0)) for name in ("Total", "Free")}
        total = 1024 * (int(kilobytes["MemTotal:"]) + swap["Total"])
        free = 1024 * (int(kilobytes["MemAvailable:"]) + swap["Free"])
    except (OSError, ValueError, KeyError):  # no Linux
        return _by_sysconf()
    limit = _of_container()
    return Memory(min(total, limit.total), min(free, limit.free)) if limit else Memory(total, free)


def check_fits(need: int, memory: Memory | None, what: str, remedy: str) -> None:
    """Refuse what cannot fit; warn of what may not.

    Args:
        need: bytes that are needed at least.
        memory: of the machine or device; None if unknown.
        what: what needs it, for messages.
        remedy: what the user can do.

    Raises:
        RepalignError: more than there is in all.
    """
    if memory is None or need <= memory.free:
        return
    shown = f"{what} need {size(need)} of memory"
    if need > memory.total:
        raise RepalignError(f"{shown}, and there are {size(memory.total)} in all; {remedy}")
    logger.warning("%s, and %s are free: it may run out; %s", shown, size(memory.free), remedy)


@contextmanager
def reused() -> Iterator[None]:
    """Within it, freed memory stays with the process to be used again, up to `KEPT`, and goes back to the system at the end.

    glibc would give it back at once, and the system clear it page by page for the next tensors: for those of some
    megabytes that takes as long as their arithmetic. Where there is no glibc nothing changes.
    """
    try:
        glibc = ctypes.CDLL("libc.so.6")
        mallopt, trim = glibc.mallopt, glibc.malloc_trim
    except (OSError, AttributeError):  # musl, macOS, Windows
        yield
        return
    mallopt(M_MMAP_THRESHOLD, LARGE)
    mallopt(M_TRIM_THRESHOLD, KEPT)
    try:
        yield
    finally:
        mallopt(M_TRIM_THRESHOLD, 2 * LARGE)
        trim(0)


def size(count: int) -> str:
    """A number of bytes for people.

    >>> size(3 << 29)
    '1.5 GiB'
    """
    return f"{count / 2**30:,.1f} GiB" if count >= 1 << 30 else f"{count / 2**20:,.0f} MiB"


def _by_sysconf() -> Memory | None:
    """All memory, of which nothing is known to be in use: on macOS."""
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # Windows
        return None
    return Memory(total, total)


def _of_container() -> Memory | None:
    """The limit of a container, in which cached files do not count as used; None without one."""
    for folder, limit_name, used_name, cached in CGROUPS:
        try:
            limit, used = (int((folder / name).read_text()) for name in (limit_name, used_name))
            stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        except (OSError, ValueError):  # "max", or the other version
            continue
        return Memory(limit, limit - used + int(stat.get(cached, 0)))
    return None
