"""Identity of weights: checks on a folder before loading, and a digest of its contents."""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from repalign.checkpoints.checkpoint import Checkpoint
from repalign.checkpoints.home import home
from repalign.errors import RepalignError
from repalign.files import write_atomically
from repalign.signature import digest

ADAPTER = "adapter_config.json"
TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "vocab.json",
                   "vocab.txt")  # fmt: skip
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


def fetch(checkpoint: Checkpoint) -> Path:
    """The local folder with the weights; a hub id is downloaded (safetensors, tokenizer and configuration only).

    Raises:
        RepalignError: does not exist, or is not a folder that can be loaded safely.
    """
    folder = checkpoint.folder
    if folder is None:
        if checkpoint.recipe:
            raise RepalignError(
                f"checkpoint {checkpoint.name!r} is not trained yet; run `repalign-train {checkpoint.recipe}`"
            )
        if Path(checkpoint.location).is_absolute():
            raise RepalignError(
                f"checkpoint {checkpoint.name!r} has no folder {checkpoint.location} any more"
            )
        folder = _download(checkpoint)
    if (modules := folder / "modules.json").is_file():  # a sentence-transformers folder
        folder = folder / json.loads(modules.read_text())[0]["path"]
    check_folder(folder)
    return folder


def check_folder(folder: Path) -> None:
    """Check that a folder has a configuration, safetensors weights and a tokenizer.

    Raises:
        RepalignError: something is missing; says what, and what to do.
    """
    kind = "adapter" if (folder / ADAPTER).is_file() else "model"
    config = folder / (ADAPTER if kind == "adapter" else "config.json")
    if not config.is_file():
        raise RepalignError(f"{folder} is not a checkpoint: config.json (or {ADAPTER}) is missing")
    if not weight_files(folder):
        pickles = [path.name for pattern in PICKLES for path in sorted(folder.glob(pattern))]
        if pickles:
            raise RepalignError(
                f"{folder} has pickled weights only ({pickles[0]}), which can run code when loaded; "
                "convert them: save_pretrained() of the model writes safetensors"
            )
        raise RepalignError(
            f"{folder} has no weights (*.safetensors); save the model there, or give another folder"
        )
    if kind == "model" and not any((folder / name).is_file() for name in TOKENIZER_FILES):
        raise RepalignError(
            f"{folder} has no tokenizer (one of {', '.join(TOKENIZER_FILES[:3])}); save the tokenizer there too"
        )


def weight_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.safetensors"))


def weights_digest(folder: Path) -> str:
    """SHA-256 over the names and contents of the safetensors files and the configuration, as hex.

    Cached under `$REPALIGN_HOME` by path, size and time, because reading 13 GB takes ten seconds.
    """
    files = [*weight_files(folder), *(p for p in (folder / "config.json", folder / ADAPTER) if p.is_file())]
    return digest(part for path in files for part in (path.name, _file_digest(path)))


def tokenizer_digest(folder: Path) -> str:
    """SHA-256 over the tokenizer's files, as hex."""
    names = (*TOKENIZER_FILES, "merges.txt", "tokenizer_config.json", "special_tokens_map.json")
    return digest(
        part for name in names if (folder / name).is_file() for part in (name, (folder / name).read_bytes())
    )


def _file_digest(path: Path) -> str:
    stat = path.stat()
    memory = home() / "digests" / digest([str(path.resolve()), str(stat.st_size), str(stat.st_mtime_ns)])
    if (known := _remembered(memory)) is not None:
        return known
    with path.open("rb") as file:
        value = _sha256(file)
    with suppress(
        RepalignError
    ):  # a home that cannot be written remembers nothing; it is read again next time
        write_atomically(memory, value.encode())
    return value


def _remembered(memory: Path) -> str | None:
    """The digest in a file; None where it holds anything else, as after a full disk."""
    try:
        value = memory.read_bytes().decode("ascii", "replace")
    except OSError:
        return None
    return value if re.fullmatch("[0-9a-f]{64}", value) else None


def _sha256(file: BinaryIO) -> str:
    sha = hashlib.sha256()
    while block := file.read(1 << 20):
        sha.update(block)
    return sha.hexdigest()


def _download(checkpoint: Checkpoint) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(
            snapshot_download(
                checkpoint.location,
                revision=checkpoint.revision,
                allow_patterns=["*.safetensors", "*.json", "*.model", "*.txt", "*.jinja"],
            )
        )
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise RepalignError(
            f"cannot fetch {checkpoint.location!r} from the hub: {reason}; check the name and the network, or give a local folder"
        ) from error
