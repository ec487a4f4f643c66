"""The exchange with any other engine: a folder with the prompts, to which the engine adds a file of states for each.

`prompts.json` holds the token ids. Per prompt the engine writes one file, numbered from 00:

- `00.safetensors` with `states` [layer, token, dim], or, as vLLM's hidden-states connectors write it, with
  `hidden_states` [token, layer, dim]; `token_ids` [token], if present, must be those of the prompt;
- or `00.npy`, [layer, token, dim].

Instead, one file for all prompts: `states.safetensors` with `states` [layer, prompt, token, dim] and `attention_mask`
[prompt, token] or `lengths` [prompt] (then padding is on the right), or `states.npy` beside `attention_mask.npy` or
`lengths.npy`.

`engine.json` says what the files do not: `engine`, `version`, `dtype` (default: that of the numbers), `layers` (default:
all, from 0) and `conventions`. Nothing is unpickled, and no file outside the folder is read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypedDict, TypeVar

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from repalign.errors import RepalignError, reason, unknown
from repalign.files import json_bytes, read_json
from repalign.models.engine import TOLERANCE
from repalign.results.folder import Output, kind_of_json
from repalign.verification.comparing import Claimed
from repalign.verification.faults import CONVENTIONS
from repalign.verification.prompts import digest_of

T = TypeVar("T")

PROMPTS, ENGINE = "prompts.json", "engine.json"

EXPECTED = (
    "For each prompt NN, in this order and without adding tokens: NN.safetensors with 'states' [layer, token, dim] or "
    "'hidden_states' [token, layer, dim], or NN.npy [layer, token, dim]. Layer 0 is the input of block 1, layer l the "
    "output of block l, before the final norm. Optional engine.json: engine, version, dtype, layers, conventions."
)


class About(TypedDict, total=False):
    """`engine.json`."""

    engine: str
    version: str
    dtype: Literal["float32", "bfloat16", "float16"]
    layers: list[int]
    conventions: list[str]


class Prompts(TypedDict):
    """What is read of `prompts.json`."""

    weights: str
    digest: str


LARGEST = 1 << 33
"""Numbers in one file, so that a damaged header cannot ask for all memory."""


KIND = kind_of_json("prompts", PROMPTS, Prompts)
"""What `repalign verify --write-prompts` leaves in a folder."""


def write_prompts(
    folder: Path,
    checkpoint: str,
    weights: str,
    prompts: Sequence[Tensor],
    layers: int,
    dim: int,
    overwrite: bool = False,
) -> Path:
    """Write `prompts.json` for an engine.

    Args:
        folder: those for the same checkpoint are replaced.
        checkpoint, weights: name and digest of the model that should read them.
        prompts: token ids.
        layers, dim: numbers of layers, the input of block 1 included, and of dims that are expected.
        overwrite: replace those for another checkpoint too, and those of a version before 0.2.

    Raises:
        RepalignError: the folder cannot be written.
    """
    value = {
        "format": 1,
        "checkpoint": checkpoint,
        "weights": weights,
        "digest": digest_of(prompts),
        "layers": list(range(layers)),
        "dim": dim,
        "expected": EXPECTED,
        "prompts": [ids.tolist() for ids in prompts],
    }
    return prompts_output(folder, checkpoint, overwrite).write({PROMPTS: json_bytes(value)})[0]


def prompts_output(folder: Path, checkpoint: str | None = None, overwrite: bool = False) -> Output:
    """The prompts for a checkpoint in a folder that need not exist."""
    return Output(folder, KIND, checkpoint, overwrite, "--write-prompts")


def read_folder(folder: Path, weights: str, prompts: Sequence[Tensor], n_layers: int) -> Claimed:
    """The states that an engine wrote into a folder.

    Args:
        folder: see the head of this module.
        weights: digest of the model that should have been read.
        prompts: its prompts.
        n_layers: number of its layers, the input of block 1 included.

    Raises:
        RepalignError: files that are missing, damaged, of other prompts, pooled, or of a shape that must be guessed.
    """
    return _Folder(folder, weights, prompts, n_layers).read()


@dataclass(frozen=True)
class Arrays:
    """The arrays in one or several files, read only when they are needed; `shapes` without reading any."""

    path: Path
    shapes: dict[str, tuple[int, ...]]
    load: Callable[[str], Tensor]

    def get(self, name: str) -> Tensor:
        """One array.

        Raises:
            RepalignError: there is none, or too many numbers.
        """
        if name not in self.shapes:
            raise RepalignError(
                f"{self.path} has no {name!r}, only {', '.join(sorted(self.shapes)) or 'nothing'}"
            )
        if np.prod(self.shapes[name], dtype=float) > LARGEST:
            raise RepalignError(
                f"{self.path}: {name!r} has shape {self.shapes[name]}, more than {LARGEST:,} numbers"
            )
        return self.load(name)


@dataclass(frozen=True, eq=False, repr=False)
class _Folder:
    folder: Path
    weights: str
    prompts: Sequence[Tensor]
    n_layers: int

    def read(self) -> Claimed:
        self._check_prompts()
        about = self._about()
        arrays = self._one_file() or self._file_per_prompt()
        dtypes = {str(one.dtype).removeprefix("torch.") for one in arrays}
        if unknown := dtypes - {"float64", *TOLERANCE}:
            raise RepalignError(
                f"{self.folder}: states are {sorted(unknown)[0]}; expected {', '.join(TOLERANCE)} or float64"
            )
        if len(counts := {len(one) for one in arrays}) > 1:
            raise RepalignError(f"{self.folder}: prompts have different numbers of layers: {sorted(counts)}")
        if len(dims := {one.shape[2] for one in arrays}) > 1:
            raise RepalignError(f"{self.folder}: prompts have different numbers of dims: {sorted(dims)}")
        stored = next(iter(dtypes)) if len(dtypes) == 1 else "float32"
        name = ":".join([about.get("engine", self.folder.name), *filter(None, [about.get("version")])])
        return Claimed(
            name,
            [one.float() for one in arrays],
            self._layers(about.get("layers"), len(arrays[0])),
            about.get("dtype", stored if stored in TOLERANCE else "float32"),
            frozenset(about.get("conventions", ())),
            counted="layers" not in about,
        )

    def _about(self) -> About:
        if not (self.folder / ENGINE).is_file():
            return {}
        about = self._json(ENGINE, About)
        for name in about.get("conventions", ()):
            if name not in (known := [fault.name for fault in CONVENTIONS]):
                raise unknown(f"convention of {self.folder / ENGINE}", name, known)
        return about

    def _layers(self, declared: list[int] | None, count: int) -> Sequence[int]:
        """The number of each layer: declared, or all of them; one less or more may be a fault and is judged."""
        if declared is None:
            if abs(count - self.n_layers) <= 1:
                return range(count)
            raise RepalignError(
                f"{self.folder} has {count} layers of {self.n_layers}; say which in {ENGINE}: "
                f'{{"layers": [...]}}, where 0 is the input of block 1 and {self.n_layers - 1} the output of the last block'
            )
        outside = [layer for layer in declared if not 0 <= layer < self.n_layers]
        if len(declared) != count or outside:
            raise RepalignError(
                f"{self.folder / ENGINE} declares {len(declared)} layers {_few(declared)} for {count} in the files; "
                f"expected {count} from 0 to {self.n_layers - 1}"
            )
        return declared

    def _check_prompts(self) -> None:
        if not (self.folder / PROMPTS).is_file():
            return  # states may lie elsewhere; their numbers of tokens and token ids are checked anyway
        written = self._json(PROMPTS, Prompts)
        if written["weights"] != self.weights:
            raise RepalignError(
                f"{self.folder / PROMPTS} is for other weights; write it anew with --write-prompts"
            )
        if written["digest"] != digest_of(self.prompts):
            raise RepalignError(
                f"{self.folder / PROMPTS} holds other prompts; write it anew with --write-prompts"
            )

    def _file_per_prompt(self) -> list[Tensor]:
        read: list[Tensor] = []
        for number, ids in enumerate(self.prompts):
            stem = f"{number:02d}"
            paths = [self.folder / f"{stem}{ending}" for ending in (".safetensors", ".npy")]
            present = [path for path in paths if path.is_file()]
            if len(present) != 1:
                have = "both" if present else "neither"
                raise RepalignError(
                    f"{self.folder}: expected {stem}.safetensors or {stem}.npy for prompt {number} of "
                    f"{len(self.prompts)}, found {have}"
                )
            read.append(_per_prompt(self._open(present[0]), ids))
        return read

    def _one_file(self) -> list[Tensor] | None:
        """All prompts from one padded array; None if there is none."""
        present = [
            path for ending in (".safetensors", ".npy") if (path := self.folder / f"states{ending}").is_file()
        ]
        if not present:
            return None
        arrays = self._open(present[0])
        states = arrays.get("states")
        if states.dim() != 4 or states.shape[1] != len(self.prompts):
            raise RepalignError(
                f"{arrays.path}: expected [layer, prompt, token, dim] for {len(self.prompts)} prompts, got shape {tuple(states.shape)}"
            )
        width = states.shape[2]
        mask = self._mask(arrays, width)
        if mask.shape != states.shape[1:3]:
            raise RepalignError(
                f"{arrays.path}: attention_mask has shape {tuple(mask.shape)}; expected {tuple(states.shape[1:3])}"
            )
        return [states[:, row, mask[row]] for row in range(len(self.prompts))]

    def _mask(self, arrays: Arrays, width: int) -> Tensor:
        """Which tokens are real, bool [prompt, token]."""
        for name in ("attention_mask", "lengths"):
            beside = self.folder / f"{name}.npy"
            if name in arrays.shapes:
                given = arrays.get(name)
            elif beside.is_file():
                given = self._open(beside).get("states")
            else:
                continue
            if name == "attention_mask":
                return given.bool()
            if given.dim() != 1 or len(given) != len(self.prompts):
                raise RepalignError(
                    f"{arrays.path}: expected {len(self.prompts)} lengths, got shape {tuple(given.shape)}"
                )
            return torch.arange(width) < given[:, None]
        raise RepalignError(
            f"{arrays.path} is padded; add attention_mask [prompt, token] or lengths [prompt], which say what is padding"
        )

    def _json(self, name: str, kind: type[T]) -> T:
        return read_json(self._inside(self.folder / name), kind, "correct it, or write it anew")

    def _open(self, path: Path) -> Arrays:
        path = self._inside(path)
        try:
            if path.suffix == ".npy":
                # Memory-mapped: the header is checked before the numbers are read. Pickles are refused.
                array = np.load(path, mmap_mode="r", allow_pickle=False)
                return Arrays(path, {"states": array.shape}, lambda _: torch.from_numpy(np.array(array)))
            with safe_open(path, "pt") as file:
                shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
        except (OSError, ValueError, TypeError, EOFError, SafetensorError) as error:
            raise RepalignError(
                f"{path} cannot be read ({reason(error)}); write it again, without pickle"
            ) from error
        return Arrays(path, shapes, lambda name: _from_safetensors(path, name))

    def _inside(self, path: Path) -> Path:
        if not path.resolve().is_relative_to(self.folder.resolve()):
            raise RepalignError(f"{path} leads out of {self.folder}; copy the file there")
        return path


def _from_safetensors(path: Path, name: str) -> Tensor:
    with safe_open(path, "pt") as file:
        return file.get_tensor(name)


def _per_prompt(arrays: Arrays, ids: Tensor) -> Tensor:
    """One prompt's states [layer, token, dim]; the name of the array says how its axes are ordered."""
    named = [name for name in ("states", "hidden_states") if name in arrays.shapes]
    if len(named) != 1:
        raise RepalignError(
            f"{arrays.path}: expected 'states' [layer, token, dim] or 'hidden_states' [token, layer, dim], "
            f"got {', '.join(sorted(arrays.shapes)) or 'nothing'}"
        )
    (name,) = named
    states = arrays.get(name)
    if states.dim() == 4 and states.shape[0 if name == "hidden_states" else 1] == 1:
        states = states.squeeze(0 if name == "hidden_states" else 1)
    axes = "token, layer, dim" if name == "hidden_states" else "layer, token, dim"
    shape = tuple(states.shape)
    if states.dim() in (1, 2):
        raise RepalignError(
            f"{arrays.path}: {name!r} has shape {shape}: pooled states cannot be verified; write every token: [{axes}]"
        )
    if states.dim() != 3 or 0 in shape:
        raise RepalignError(f"{arrays.path}: {name!r} has shape {shape}; expected [{axes}]")
    if name == "hidden_states":
        states = states.transpose(0, 1)
    if states.shape[1] == 1 < len(ids):
        raise RepalignError(
            f"{arrays.path}: {name!r} has one state for {len(ids)} tokens: pooled states cannot be verified; write every "
            f"token: [{axes}]"
        )
    if "token_ids" in arrays.shapes:
        given = arrays.get("token_ids").flatten().tolist()
        if given != ids.tolist():
            raise RepalignError(
                f"{arrays.path}: token_ids are {_few(given)}, those of the prompt {_few(ids.tolist())}; give the engine "
                "the token ids of prompts.json, not text"
            )
    return states


def _few(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:6])) + (", ..." if len(numbers) > 6 else "")
    return f"[{shown}] ({len(numbers)})"
