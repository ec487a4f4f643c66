"""Where the files of a checkpoint are, before any of them is loaded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from typing_extensions import NotRequired, TypedDict

from repalign.checkpoints.checkpoint import Checkpoint
from repalign.checkpoints.digests import tokenizer_digest, weights_digest
from repalign.checkpoints.fetching import fetch
from repalign.checkpoints.folder import ADAPTER, check_entries, tokenizer_folder, weight_files
from repalign.errors import RepalignError
from repalign.files import read_json
from repalign.progress import Phase
from repalign.signature import digest


class AdapterConfig(TypedDict):
    """What is read of adapter_config.json here; PEFT reads the rest."""

    base_model_name_or_path: str
    revision: NotRequired[str | None]


@dataclass(frozen=True)
class Weights:
    """Where the files of a checkpoint are.

    Attributes:
        checkpoint: its name and origin.
        model: folder with the (base) model, or a GGUF file.
        adapter: folder with a PEFT adapter, or None.
        tokenizer: folder with the tokenizer, or a GGUF file.
        digest: of weights and adapter (and of the seed, for a random twin), as hex.
        tokenizer_digest: as hex.
    """

    checkpoint: Checkpoint
    model: Path
    adapter: Path | None
    tokenizer: Path
    digest: str
    tokenizer_digest: str

    @property
    def is_gguf(self) -> bool:
        return self.model.is_file()

    @property
    def size(self) -> int:
        """Bytes of the model's weights."""
        files = [self.model] if self.is_gguf else weight_files(self.model)
        return sum(path.stat().st_size for path in files)


def locate(checkpoint: Checkpoint) -> Weights:
    """Find and check all files of a checkpoint, without loading any.

    Raises:
        RepalignError: see `repalign.checkpoints.fetching.fetch`; or an adapter whose base is missing.
    """
    with Phase(f"{checkpoint.name}: fetching the files"):
        path = fetch(checkpoint)
    try:
        with Phase(f"{checkpoint.name}: computing the digest of the weights"):
            if (path / ADAPTER).is_file():
                return _locate_adapter(checkpoint, path)
            return _locate_model(checkpoint, path)
    except OSError as error:
        raise RepalignError(f"cannot read {error.filename or path}: {error.strerror}") from error


def _locate_model(checkpoint: Checkpoint, path: Path) -> Weights:
    weights = weights_digest(path)
    if path.is_file():
        if checkpoint.twin is not None:
            raise RepalignError(
                f"a GGUF file has no random twin ({path}); give the folder of the original model"
            )
        return Weights(checkpoint, path, None, path, weights, weights)
    if checkpoint.twin is not None:
        weights = digest(["random", str(checkpoint.twin), (path / "config.json").read_bytes()])
    tokenizer = tokenizer_folder(path)
    if tokenizer is None:
        raise RepalignError(
            f"{path} has no tokenizer (tokenizer.json, tokenizer.model, vocab.txt, ...); save the tokenizer there too"
        )
    if tokenizer != path:
        check_entries(tokenizer)
    return Weights(checkpoint, path, None, tokenizer, weights, tokenizer_digest(tokenizer))


def _locate_adapter(checkpoint: Checkpoint, folder: Path) -> Weights:
    config = read_json(folder / ADAPTER, AdapterConfig, "save the adapter again")
    name = config["base_model_name_or_path"]
    try:
        if not name:
            raise RepalignError(f"{folder / ADAPTER} names no base model")
        # An adapter may name its base by a path relative to its own folder.
        base = Checkpoint.named(str(folder / name) if (folder / name).is_dir() else name)
        if base.folder is None and base.revision is None:
            base = replace(base, revision=config.get("revision"))
        if base.is_shipped:  # it may not be the one that the adapter was trained on
            raise RepalignError(f"{name!r} is not trained yet; run `repalign-train {name}`")
        path = fetch(base)
        if (path / ADAPTER).is_file():
            raise RepalignError(f"{path} is itself an adapter; merge it into its own base first")
    except (RepalignError, OSError) as error:
        raise RepalignError(f"the base of adapter {folder} is missing: {error}") from error
    if checkpoint.twin is not None:
        # An adapter on random weights means nothing: the twin is that of the base.
        return _locate_model(checkpoint, path)
    located = _locate_model(replace(checkpoint, twin=None), path)
    own = tokenizer_folder(folder, needs_vocabulary=True)
    return replace(
        located,
        adapter=folder,
        tokenizer=own or located.tokenizer,
        digest=digest([located.digest, weights_digest(folder)]),
        tokenizer_digest=tokenizer_digest(own) if own else located.tokenizer_digest,
    )
