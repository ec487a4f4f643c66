"""Files that are read back: their types are checked, and errors name the file and the remedy."""

from __future__ import annotations

import errno
import json
import math
import stat
import sys
import zlib
from collections.abc import Mapping
from numbers import Integral, Real
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypedDict, TypeVar

from repalign.errors import RepalignError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")

DEEPEST = 40
"""Maximum nesting of a JSON or TOML file, so that recursive readers need no limit themselves."""

LARGEST = 1 << 28
"""Bytes of a JSON or TOML file at most."""


class Versioned(TypedDict):
    """What every versioned JSON file says of itself; read before anything else of it."""

    schema: int


def read_toml(path: Path) -> dict[str, Any]:
    """The contents of a TOML file.

    Raises:
        RepalignError: it cannot be read, is not TOML, or is nested deeper than `DEEPEST`; names the file and the line.
    """
    try:
        value = tomllib.loads(_text(path))
    except OSError as error:
        raise RepalignError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise RepalignError(f"{path} is not valid TOML: {error}") from error
    if _deeper(value, DEEPEST):
        raise RepalignError(f"{path} is nested more than {DEEPEST} levels deep")
    return value


def read_json(
    path: Path, kind: type[T], remedy: str = "delete it and make it again", keep_infinite: bool = False
) -> T:
    """The contents of a JSON file; a number that is not finite is null, as `json_bytes` writes it.

    Args:
        path: the file.
        kind: the type of the contents; see `typed`.
        remedy: advice for a file that is damaged or of another kind.
        keep_infinite: keep numbers that are not finite: in a file that other libraries read too, which keep them.

    Raises:
        RepalignError: it cannot be read, is not JSON in UTF-8, is nested deeper than `DEEPEST`, or is of another type.
    """
    try:
        data = _text(path)
    except OSError as error:
        raise RepalignError(f"cannot read {path}: {error.strerror}; {remedy}") from error
    except ValueError as error:
        raise RepalignError(f"{path} is not valid JSON ({error}); {remedy}") from error
    return parse_json(data, kind, path, remedy, keep_infinite)


def parse_json(
    data: str | bytes, kind: type[T], where: object, remedy: str = "", keep_infinite: bool = False
) -> T:
    """Likewise, of text that was read from `where`, as an error names it.

    Raises:
        RepalignError: it is not JSON in UTF-8, is nested deeper than `DEEPEST`, or is of another type.
    """
    so = f"; {remedy}" if remedy else ""
    try:
        text = data.decode() if isinstance(data, bytes) else data
        number = float if keep_infinite else _finite
        value = json.loads(text, parse_float=number, parse_constant=number)
        if (
            "\\ud" in text.lower()
        ):  # half a surrogate pair is valid JSON but not valid text: it could not be written
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        reason = str(error).partition("\n")[0]
        raise RepalignError(f"{where} is not valid JSON ({reason}){so}") from error
    if _deeper(value, DEEPEST):
        raise RepalignError(f"{where} is nested more than {DEEPEST} levels deep{so}")
    return typed(value, kind, where, remedy)


def typed(value: Any, kind: type[T], where: object, remedy: str = "") -> T:
    """A value read from JSON, converted to a type: a dataclass, a `TypedDict`, `dict[str, int]`, ...

    Nothing is coerced: text is no number, true is not 1. Of a dataclass or `TypedDict` only the declared fields are kept.

    Args:
        value: lists, dicts, texts, numbers, booleans and None.
        kind: the type.
        where: how the message begins, e.g. the path of the file.
        remedy: how it ends.

    Raises:
        RepalignError: it is of another type; names the place.
    """
    import msgspec

    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, OverflowError) as error:
        wrong, _, place = str(error).replace("`", "'").partition(" - at ")
        place = f"{place.replace('$.', '', 1).replace('$[', '[', 1)}: " if place else ""
        raise RepalignError(
            f"{where}: {place}{wrong[:1].lower()}{wrong[1:]}{remedy and f'; {remedy}'}"
        ) from error


def json_bytes(value: Any) -> bytes:
    """A value as JSON in UTF-8 with a final line feed.

    Numbers that are not finite become null, characters that cannot be encoded, e.g. of a broken file name, "?".

    Raises:
        TypeError, ValueError: something else than a type of JSON.
    """
    text = json.dumps(finite(value), ensure_ascii=False, indent=1, allow_nan=False)
    return f"{text}\n".encode("utf-8", "replace")


def finite(value: Any) -> Any:
    """The same value with None for every number that is not finite: JSON has none of them."""
    if isinstance(value, Mapping):
        return {str(key): finite(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(entry) for entry in value]
    if isinstance(value, Real) and not isinstance(value, Integral):  # also numpy's numbers
        return float(value) if math.isfinite(value) else None
    return value


def read_parquet(path: Path, remedy: str = "delete it and make it again") -> pd.DataFrame:
    """The rows of a parquet file.

    Raises:
        RepalignError: it cannot be read, or is damaged.
    """
    return parse_parquet(path, path, remedy)[0]


def parse_parquet(
    file: Path | IO[bytes], where: object, remedy: str = "delete it and make it again"
) -> tuple[pd.DataFrame, dict[bytes, bytes]]:
    """Likewise, with the metadata of its schema.

    Args:
        file: the file, or its contents.
        where: of the file, for messages.
        remedy: advice for a file that is damaged.

    Raises:
        RepalignError: it cannot be read, or is damaged.
    """
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(file)
        table.validate(full=True)  # or text that is not UTF-8 ends whatever reads that cell first
        return table.to_pandas(), dict(table.schema.metadata or {})
    except (
        Exception
    ) as error:  # on damaged bytes arrow and pandas raise anything from KeyError to MemoryError
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise RepalignError(f"{where} is not a readable parquet file ({reason}); {remedy}") from error


def checksum(path: Path) -> str:
    """CRC-32 of a file as eight hexadecimal digits: detects damage, not forgery."""
    value = 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            value = zlib.crc32(block, value)
    return f"{value:08x}"


def checksum_of(data: bytes) -> str:
    """Likewise of the contents of a file."""
    return f"{zlib.crc32(data):08x}"


def _text(path: Path) -> str:
    """
    Raises:
        OSError: it cannot be read; it is a pipe or a device, which might have no end; or it is larger than `LARGEST`.
        ValueError: it is not UTF-8.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        what = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe or a device"
        raise OSError(errno.EINVAL, f"it is {what}, not a file")
    if status.st_size > LARGEST:
        raise OSError(errno.EFBIG, f"it has more than {LARGEST:,} bytes")
    return path.read_text(encoding="utf-8")


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _deeper(value: Any, levels: int) -> bool:
    """Whether lists and objects are nested deeper; without recursion, which a hostile file could exhaust."""
    level = [value] if isinstance(value, (dict, list)) else []
    while level and levels:
        entries = (entry for one in level for entry in (one.values() if isinstance(one, dict) else one))
        level, levels = [entry for entry in entries if isinstance(entry, (dict, list))], levels - 1
    return bool(level)


def file_size(count: float) -> str:
    """A number of bytes for people, to three digits, in decimal units as disks are sold.

    >>> file_size(0), file_size(999_999), file_size(7_120_000), file_size(2.5e12)
    ('0 kB', '1 MB', '7.12 MB', '2.5 TB')
    """
    rounded = float(f"{count:.3g}")
    power = 1 + sum(rounded >= 1000**larger for larger in range(2, 7))
    return f"{rounded / 1000**power:g} {('kB', 'MB', 'GB', 'TB', 'PB', 'EB')[power - 1]}"
