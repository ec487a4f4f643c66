"""Damaged input: bytes of real files, changed at random the way that broken tools, transfers and attackers do."""

from __future__ import annotations

import random
from collections.abc import Callable

from repalign.errors import RepalignError

TOKENS = (
    b"\n", b"\r", b"\r\n", b"\t", b",", b";", b'"', b'""', b"'", b"\\", b"{", b"}", b"[", b"]", b":", b"null", b"NaN", b"true",
    b"1e999", b"-0", b"\0", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\\ud800", b"\xe2\x80\xa8", b"\xe2\x80\x8b", b"en", b"zh",
    b"id", b"text", b"translation", b"language", b"0" * 5000, b"9" * 5000, b"[" * 3000, b"<seg>", b"</tu>", b"&x;", b"PAR1",
    b"", b" ", "\u0627".encode(), "\U0001f600".encode(),
)  # fmt: skip


def mutated(data: bytes, rng: random.Random) -> bytes:
    """One to four changes: a byte, a piece doubled, moved or cut, a token put in or in place of others, the end lost."""
    for _ in range(rng.randint(1, 4)):
        data = rng.choice(CHANGES)(data, rng)
    return data


def _span(data: bytes, rng: random.Random) -> tuple[int, int]:
    start = rng.randint(0, len(data))
    return start, min(len(data), start + rng.choice((1, 2, 8, 64, 512)))


def _flipped(data: bytes, rng: random.Random) -> bytes:
    place = rng.randint(0, max(len(data) - 1, 0))
    return data[:place] + bytes([rng.randint(0, 255)]) + data[place + 1 :]


def _cut(data: bytes, rng: random.Random) -> bytes:
    start, end = _span(data, rng)
    return data[:start] + data[end:]


def _doubled(data: bytes, rng: random.Random) -> bytes:
    start, end = _span(data, rng)
    return data[:end] + data[start:end] + data[end:]


def _moved(data: bytes, rng: random.Random) -> bytes:
    start, end = _span(data, rng)
    rest, place = data[:start] + data[end:], rng.randint(0, len(data) - (end - start))
    return rest[:place] + data[start:end] + rest[place:]


def _inserted(data: bytes, rng: random.Random) -> bytes:
    start, end = _span(data, rng)
    return data[:start] + rng.choice(TOKENS) + data[rng.choice((start, end)) :]


def _ended(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randint(0, len(data))]


CHANGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _flipped, _cut, _doubled, _moved, _inserted, _inserted, _inserted, _ended,
)  # fmt: skip


def refusal(read: Callable[[], object]) -> str | None:
    """The one line that says why something cannot be read; None if it was read. Any other exception is a fault."""
    try:
        read()
    except RepalignError as error:
        said = str(error)
    else:
        return None
    assert len(said.splitlines()) == 1, said
    return said
