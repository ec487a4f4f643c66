"""Data for the page's scripts: compact, and inert whatever the text contains."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import numpy as np

from repalign.figures.security import inert
from repalign.files import finite

TYPES = {
    "float32": "f4",
    "float64": "f8",
    "int8": "i1",
    "uint8": "u1",
    "int16": "i2",
    "uint16": "u2",
    "int32": "i4",
}


def to_json(value: Any) -> str:
    """JSON that is safe inside a script element; arrays in Plotly's form: dtype, base64, shape. What is not finite is null."""
    return inert(
        json.dumps(finite(value), default=_typed, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    )


def compressed(text: str) -> str:
    """Gzip, then base64."""
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def _typed(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        array = np.ascontiguousarray(value, dtype=np.dtype(value.dtype).newbyteorder("<"))
        typed = {"dtype": TYPES[value.dtype.name], "bdata": base64.b64encode(array.tobytes()).decode()}
        return typed | ({"shape": ", ".join(map(str, array.shape))} if array.ndim > 1 else {})
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"no JSON form for {type(value).__name__}")
