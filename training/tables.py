"""Tables of TOML files: filled, merged, overridden, and made into dataclasses whose keys and types are checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from repalign import RepalignError
from repalign.errors import unknown
from repalign.files import tomllib

KINDS: dict[str, tuple[type, str]] = {
    "bool": (bool, "true or false"),
    "int": (int, "a whole number"),
    "float": (float, "a number"),
    "str": (str, "text"),
    "str | None": (str, "text"),
    "tuple[str, ...]": (tuple, "a list of words"),
    "Mapping[str, Any]": (dict, "a table"),
    "Mapping[str, Mapping[str, Any]]": (dict, "a table of tables"),
}
"""Annotations of the fields that can be set from a file: the type, and its name in an error."""


def filled(value: Any, language: str) -> Any:
    """The value with `{language}` replaced in every text within it; unchanged if `language` is ""."""
    if isinstance(value, str):
        return value.replace("{language}", language) if language else value
    if isinstance(value, list):
        return [filled(item, language) for item in value]
    if isinstance(value, dict):
        return {key: filled(item, language) for key, item in value.items()}
    return value


def merged(table: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`table` with its entries overridden by those of `over`; nested tables are merged likewise."""
    result = dict(table)
    for key, value in over.items():
        nested = result.get(key)
        if isinstance(nested, Mapping) and isinstance(value, Mapping):
            value = merged(nested, value)
        result[key] = value
    return result


def override(text: str) -> Any:
    """The nested table that `train.epochs=2` denotes; the value as in TOML, or a bare word.

    Raises:
        RepalignError: not of the form `key=value`.
    """
    key, equals, written = text.partition("=")
    if not equals or not key.strip():
        raise RepalignError(f"--set takes key=value, e.g. train.epochs=2, not {text!r}")
    try:
        value = tomllib.loads(f"value = {written}")["value"]
    except (ValueError, RecursionError):
        value = written  # a bare word
    for part in reversed(key.strip().split(".")):
        value = {part: value}
    return value


def typed(cls: type, table: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The arguments of a dataclass from a table.

    Args:
        where: beginning of an error message.

    Raises:
        RepalignError: not a table, a key that the dataclass does not have, or a value of the wrong type.
    """
    if not isinstance(table, Mapping):
        raise RepalignError(f"{where.rstrip('.')} should be a table, not {table!r}")
    allowed = {f.name: str(f.type) for f in fields(cls) if str(f.type) in KINDS}
    values = {}
    for key, value in table.items():
        if key not in allowed:
            raise RepalignError(f"{where}{unknown('setting', key, allowed)}")
        kind, expected = KINDS[allowed[key]]
        if kind is float and type(value) is int:
            value = float(value)
        if kind is tuple and isinstance(value, list):
            value = tuple(map(str, value))
        if type(value) is not kind:
            raise RepalignError(f"{where}{key} should be {expected}, not {value!r}")
        values[key] = value
    return values
