"""Compressed versions of a GGUF, all made from its weights: `python analyses/quantised_versions.py SOURCE.gguf FOLDER TYPE ...`.

Writes FOLDER/bf16.gguf, the weights in bfloat16 with the metadata of the source, and from that one FOLDER/TYPE.gguf for each:

- q8_0, q5_0, q4_0: every matrix in that type, by the quantiser of the package gguf;
- rtn4, rtn3, rtn2: every matrix rounded to 4, 3 or 2 bits in groups of 32 weights, to nearest, with one scale a group;
- q6_k, q5_k_m, q4_k_m, q3_k_m, q2_k: by llama.cpp's quantiser (package llama-cpp-python).

llama.cpp's k-quants need rows of a multiple of 256 weights. Other matrices fall back to 4.5 bits and more, whatever the name of the
file says; FOLDER/versions.json therefore counts the types and the bits per weight that each version really has.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gguf
import numpy as np

GROUP = 32
"""Weights that share a scale in a version `rtnN`, as in llama.cpp's Q4_0."""

PLAIN = ("q8_0", "q5_0", "q4_0")
"""Types that the package gguf writes, in blocks of 32 weights."""

BF16 = gguf.GGMLQuantizationType.BF16

Change = Callable[[np.ndarray], np.ndarray]
"""A matrix in float32 -> the weights that are written instead, of the same shape."""


def main() -> None:
    parser = argparse.ArgumentParser(description="compressed versions of a GGUF file")
    parser.add_argument("source", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("types", nargs="+", metavar="TYPE")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    base = args.folder / "bf16.gguf"
    if not base.exists():
        rewrite(args.source, base)
    for name in args.types:
        path = args.folder / f"{name}.gguf"
        if path.exists():
            continue
        if name.startswith("rtn"):
            rewrite(base, path, partial(rounded, bits=int(name.removeprefix("rtn"))))
        elif name in PLAIN:
            rewrite(base, path, kind=gguf.GGMLQuantizationType[name.upper()])
        else:
            by_llama_cpp(base, path, name.upper())
        print(path, flush=True)
    about = {path.stem: described(path) for path in sorted(args.folder.glob("*.gguf"))}
    (args.folder / "versions.json").write_text(json.dumps(about, indent=1) + "\n")


def rounded(weights: np.ndarray, bits: int) -> np.ndarray:
    """A matrix with each group of weights rounded to the nearest of 2^bits - 1 levels, symmetric about 0."""
    groups = weights.reshape(-1, GROUP)
    levels = 2 ** (bits - 1) - 1
    scale = np.abs(groups).max(1, keepdims=True) / levels
    steps = np.rint(np.divide(groups, scale, out=np.zeros_like(groups), where=scale > 0))
    return (steps * scale).reshape(weights.shape)


def rewrite(
    source: Path, target: Path, change: Change | None = None, kind: gguf.GGMLQuantizationType = BF16
) -> None:
    """A GGUF with the metadata of another, its matrices changed and of some type, all else in float32."""
    reader = gguf.GGUFReader(source)
    architecture = str(reader.get_field("general.architecture").contents())
    writer = gguf.GGUFWriter(target, architecture)
    for name, entry in reader.fields.items():
        if name.startswith("GGUF.") or name in ("general.architecture", "general.file_type"):
            continue
        kinds = entry.types
        of_items = kinds[-1] if kinds[0] == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(name, entry.contents(), kinds[0], of_items)
    writer.add_file_type(gguf.LlamaFileType[f"MOSTLY_{kind.name}"])
    for tensor in reader.tensors:
        weights = gguf.dequantize(tensor.data, tensor.tensor_type).reshape(tensor.shape[::-1])
        of_tensor = kind if weights.ndim == 2 else gguf.GGMLQuantizationType.F32
        if weights.ndim == 2 and change is not None:
            weights = change(weights)
        data = gguf.quantize(weights.astype(np.float32), of_tensor)
        writer.add_tensor(tensor.name, data, raw_dtype=of_tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def by_llama_cpp(source: Path, target: Path, kind: str) -> None:
    """A GGUF in a type of llama.cpp, by llama.cpp's own quantiser."""
    try:
        from llama_cpp import llama_cpp as api
    except ImportError:
        sys.exit(f"quantised_versions: {kind} needs llama.cpp's quantiser: pip install llama-cpp-python")
    params = api.llama_model_quantize_default_params()
    params.ftype = int(gguf.LlamaFileType[f"MOSTLY_{kind}"])
    params.nthread = 1
    partial_file = target.with_suffix(".partial")
    if api.llama_model_quantize(str(source).encode(), str(partial_file).encode(), params):
        sys.exit(f"quantised_versions: llama.cpp could not write {kind}")
    partial_file.rename(target)


def described(path: Path) -> dict[str, Any]:
    """Bits per weight with the scales, and the share of weights of each type in a file."""
    tensors = gguf.GGUFReader(path).tensors
    weights = Counter()
    for tensor in tensors:
        weights[tensor.tensor_type.name] += int(tensor.n_elements)
    total = sum(weights.values())
    shares = {kind: round(count / total, 4) for kind, count in weights.most_common()}
    if path.stem.startswith("rtn"):  # the file holds the rounded weights in bfloat16
        bits = float(path.stem.removeprefix("rtn")) + 16 / GROUP
    else:
        bits = 8 * sum(int(tensor.n_bytes) for tensor in tensors) / total
    return {"bits per weight": round(bits, 3), "share of weights by type": shares}


if __name__ == "__main__":
    main()
