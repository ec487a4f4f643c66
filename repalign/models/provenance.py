"""Provenance of code: digests that change when the code behind a function, or that of this package, changes."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Iterable, Iterator, Mapping, Set
from importlib.metadata import version
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from repalign.signature import digest

VERSIONED = ("torch", "transformers", "numpy", "scikit-learn")
"""Packages whose versions decide results beside the code of this one."""

PLAIN = (type(None), bool, int, float, complex, str, bytes, type(Ellipsis))


class _Unidentified(Exception):
    """A value whose contents cannot be part of a digest."""


def source_digest(function: Any) -> str | None:
    """SHA-256 over everything that decides what a function computes, as hex; None if that cannot be determined.

    It covers the bytecode, defaults, closure and the globals that the function names, recursively for functions among
    these, and the whole file of its module. A closure over an open file, a model or another object gives None.
    """
    try:
        return digest(_parts(function, set()))
    except _Unidentified:
        return None


@functools.cache
def package_digest() -> str:
    """SHA-256 over the code of this package and the versions of those that it computes with, as hex."""
    code = (path.read_bytes() for path in sorted(Path(__file__).parents[1].rglob("*.py")))
    return digest([*map(version, VERSIONED), *code])


def _parts(value: Any, seen: set[int]) -> Iterator[str | bytes]:
    if isinstance(value, PLAIN):
        yield f"{type(value).__name__} {value!r}"
    elif id(value) in seen:
        yield "seen"
    elif isinstance(value, (FunctionType, functools.partial)) or inspect.ismethod(value):
        seen.add(id(value))
        yield from _function(value, seen)
    elif isinstance(value, CodeType):
        yield from (value.co_code, " ".join(value.co_names), " ".join(value.co_varnames))
        yield from _all(value.co_consts, seen)
    elif isinstance(value, ModuleType):
        yield f"module {value.__name__} {getattr(value, '__version__', '')}"
        yield from _contents(value)
    elif inspect.isbuiltin(value) or isinstance(value, type):
        yield f"{value.__module__}.{value.__qualname__}"
        yield from _file(value)
    elif isinstance(value, (tuple, list)):
        yield from (type(value).__name__, *_all(value, seen))
    elif isinstance(value, Mapping):
        yield from ("mapping", *_all((part for item in value.items() for part in item), seen))
    elif isinstance(value, Set):
        yield from ("set", *sorted(map(repr, value)))
    elif hasattr(value, "__array__"):  # numpy and torch
        yield from _array(value)
    else:
        raise _Unidentified


def _all(values: Iterable[Any], seen: set[int]) -> Iterator[str | bytes]:
    for value in values:
        yield from _parts(value, seen)


def _function(function: Any, seen: set[int]) -> Iterator[str | bytes]:
    if isinstance(function, functools.partial):
        yield from _all((function.func, function.args, function.keywords), seen)
        return
    if inspect.ismethod(function):  # its result may depend on every attribute of its object
        yield from _all((function.__func__, vars(function.__self__)), seen)
        return
    closure = inspect.getclosurevars(function)
    yield from _parts(function.__code__, seen)
    yield from _file(function)
    yield from _all((function.__defaults__, function.__kwdefaults__), seen)
    yield from _all((closure.nonlocals, closure.globals), seen)


def _file(item: Any) -> Iterator[bytes]:
    """The contents of the file that defines a function or class; see `_contents`."""
    yield from _contents(sys.modules.get(item.__module__))


def _contents(module: ModuleType | None) -> Iterator[bytes]:
    """The contents of a module's file, unless it belongs to an installed package."""
    path = Path(getattr(module, "__file__", None) or "")
    if path.suffix == ".py" and path.is_file() and "site-packages" not in path.parts:
        yield path.read_bytes()


def _array(value: Any) -> Iterator[str | bytes]:
    import numpy as np

    try:
        array = np.asarray(value)
    except (TypeError, RuntimeError) as error:  # on another device, or with gradients
        raise _Unidentified from error
    if array.dtype == object:
        raise _Unidentified
    yield from (f"{array.dtype} {array.shape}", array.tobytes())
