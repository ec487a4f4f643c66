"""A checkpoint's folder: which of its files are read, and what is checked before any of them is loaded."""

from __future__ import annotations

import re
import stat
from pathlib import Path, PurePosixPath
from typing import Any, Literal, TypedDict

from repalign.errors import RepalignError
from repalign.files import read_json, typed

ADAPTER = "adapter_config.json"
GGUF = ".gguf"
MODEL_WEIGHTS = "model.safetensors"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
TOKENIZER_FILES = (
    "tokenizer*", "special_tokens_map.json", "added_tokens.json", "vocab*", "*merges.txt", "*.model", "*.spm", "*.codes",
    "*.bpe", "*.tiktoken",
)  # fmt: skip
"""Patterns of the files that decide a tokenizer. Some tokenizers (ByT5, CANINE) have a configuration only."""

SETTINGS = {"tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"}
"""Those that hold no vocabulary."""

PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
POINTER = b"version https://git-lfs"
MAX_LAYERS = 10_000
"""No model has so many blocks: a configuration that says so would build modules for hours."""

SAVE_AGAIN = "save the model there again"


class Config(TypedDict, total=False):
    """What is required of config.json. Only some versions of transformers read weights by another name, which a digest would miss."""

    architectures: list[str] | None
    is_encoder_decoder: bool
    output_hidden_states: bool | None
    transformers_weights: Literal["model.safetensors"] | None


class Module(TypedDict):
    """An entry of modules.json."""

    path: str


class WeightsIndex(TypedDict):
    """model.safetensors.index.json: the file of each tensor."""

    metadata: object
    weight_map: dict[str, str]


def model_folder(folder: Path) -> Path:
    """The folder with the transformer: of a sentence-transformers folder, its first module's.

    Raises:
        RepalignError: `modules.json` is damaged, or names a folder outside.
    """
    modules = folder / "modules.json"
    if not modules.is_file():
        return folder
    listed = read_json(modules, list[Module], "it should list the modules of sentence-transformers")
    if not listed:
        raise RepalignError(f"{modules} lists no module; expected those of sentence-transformers")
    return folder / _inside(listed[0]["path"], modules)


def check_folder(folder: Path) -> None:
    """Check that a folder has a configuration and safetensors weights, and nothing that cannot be read safely.

    Raises:
        RepalignError: something is missing or unsafe; says what, and what to do.
    """
    check_entries(folder)
    config = folder / (ADAPTER if (folder / ADAPTER).is_file() else "config.json")
    if not config.is_file():
        if ggufs := sorted(folder.glob(f"*{GGUF}")):
            raise RepalignError(f"{folder} holds GGUF files; name one of them: --ckpt {ggufs[0]}")
        raise RepalignError(f"{folder} is not a checkpoint: config.json (or {ADAPTER}) is missing")
    for name in (config.name, "tokenizer_config.json", "special_tokens_map.json", "generation_config.json"):
        if (folder / name).is_file():
            remedy = "save the adapter there again" if name == ADAPTER else SAVE_AGAIN
            values = read_json(folder / name, dict[str, object], remedy, keep_infinite=True)
            if name == "config.json":
                typed(values, Config, folder / name, remedy)
            _check_layers(folder / name, values)
    weight_files(folder)


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files that are loaded: not every one in the folder, which may hold copies in other formats.

    Raises:
        RepalignError: there is none under the names that transformers and PEFT read, a shard is missing, or the index
            names a file outside the folder.
    """
    if (folder / ADAPTER).is_file():
        return [_weights_named(folder, ADAPTER_WEIGHTS)]
    index = folder / f"{MODEL_WEIGHTS}.index.json"
    if (folder / MODEL_WEIGHTS).is_file() or not index.is_file():
        return [_weights_named(folder, MODEL_WEIGHTS)]
    mapping = read_json(index, WeightsIndex, SAVE_AGAIN)["weight_map"]
    return [_weights_named(folder, _inside(shard, index)) for shard in sorted(set(mapping.values()))]


def tokenizer_files(folder: Path) -> list[Path]:
    """The files of a folder that decide its tokenizer; empty if it has none."""
    found = {path for pattern in TOKENIZER_FILES for path in folder.glob(pattern) if path.is_file()}
    return sorted(path for path in found if not path.name.endswith((".safetensors", GGUF)))


def tokenizer_folder(folder: Path, needs_vocabulary: bool = False) -> Path | None:
    """The folder with a checkpoint's tokenizer: its own, or that of the run for an intermediate `checkpoint-STEP`.

    Args:
        folder: of the checkpoint.
        needs_vocabulary: ignore a folder with a tokenizer's configuration alone. Without it, such a folder comes last.
    """
    folders = [folder, folder.resolve().parent] if folder.name.startswith("checkpoint-") else [folder]
    with_vocabulary = (one for one in folders if {p.name for p in tokenizer_files(one)} - SETTINGS)
    with_any = (one for one in folders if not needs_vocabulary and tokenizer_files(one))
    return next(with_vocabulary, next(with_any, None))


def _weights_named(folder: Path, name: str) -> Path:
    path = folder / name
    if path.is_file():
        return path
    pickles = [pickle.name for pattern in PICKLES for pickle in sorted(folder.glob(pattern))]
    if pickles:
        raise RepalignError(
            f"{folder} has no {name} but pickled weights ({pickles[0]}), which can run code when loaded; "
            "convert them: save_pretrained() of the model writes safetensors"
        )
    others = [other.name for other in sorted(folder.glob("*.safetensors"))]
    found = f" (found: {', '.join(others[:3])})" if others else ""
    raise RepalignError(
        f"{folder} has no weights: {name} is missing{found}; save the model there, or give another folder"
    )


def _inside(path: str, named_in: Path) -> str:
    """A path that a file names, which must stay within its folder."""
    parts = PurePosixPath(path.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or re.match("[A-Za-z]:", path):
        raise RepalignError(f"{named_in} names {path!r}, which is outside its folder; {SAVE_AGAIN}")
    return path


def check_entries(folder: Path) -> None:
    """
    Raises:
        RepalignError: an entry that would block a reader for ever, or a file whose contents were never downloaded.
    """
    for path in sorted(folder.iterdir()):
        try:
            entry = path.stat()
        except FileNotFoundError:  # a dangling link: missed only if it is needed
            continue
        except OSError as error:
            raise RepalignError(f"cannot read {path}: {error.strerror}") from error
        if not (stat.S_ISREG(entry.st_mode) or stat.S_ISDIR(entry.st_mode)):
            raise RepalignError(f"{path} is a pipe or a device, not a file; {SAVE_AGAIN}")
        if stat.S_ISREG(entry.st_mode) and entry.st_size < 1024 and _starts_with(path, POINTER):
            raise RepalignError(
                f"{path} is a Git LFS pointer, not the file itself; run `git lfs pull` in that folder"
            )


def _starts_with(path: Path, start: bytes) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(start)) == start
    except OSError:  # reported by whoever needs the file
        return False


def _check_layers(path: Path, value: Any) -> None:
    if not isinstance(value, dict):
        return
    for key, entry in value.items():
        if re.search("layers?$", key) and isinstance(entry, int) and abs(entry) > MAX_LAYERS:
            raise RepalignError(f"{path}: {key} is {entry:,}, and no model has so many; {SAVE_AGAIN}")
        _check_layers(path, entry)
