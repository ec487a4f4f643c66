"""From a checkpoint to its files on this machine, downloaded from the hub if necessary."""

from __future__ import annotations

from pathlib import Path

from repalign.checkpoints.checkpoint import Checkpoint
from repalign.checkpoints.folder import check_folder, model_folder
from repalign.errors import RepalignError
from repalign.privacy import without_secrets

DOWNLOADED = (
    "*.safetensors", "*.json", "*.model", "*.txt", "*.jinja", "*.spm", "*.codes", "*.bpe", "*.tiktoken",
)  # fmt: skip
"""Weights, configuration and tokenizer; no pickle, no code."""


OWNED = {
    "bert-base-multilingual-cased": "google-bert/bert-base-multilingual-cased",
    "bert-base-uncased": "google-bert/bert-base-uncased",
    "distilgpt2": "distilbert/distilgpt2",
    "gpt2": "openai-community/gpt2",
    "gpt2-large": "openai-community/gpt2-large",
    "gpt2-medium": "openai-community/gpt2-medium",
    "gpt2-xl": "openai-community/gpt2-xl",
    "roberta-base": "FacebookAI/roberta-base",
    "t5-small": "google-t5/t5-small",
    "xlm-roberta-base": "FacebookAI/xlm-roberta-base",
}
"""Hub ids of the hub's first years that are typed most, and what they are called now: a mirror may not redirect them."""


def fetch(checkpoint: Checkpoint) -> Path:
    """The local folder with the weights, or a GGUF file; a hub id is downloaded (safetensors, tokenizer and configuration).

    Raises:
        RepalignError: it does not exist, or is not a folder that can be loaded safely.
    """
    path = checkpoint.path
    if path is None:
        if checkpoint.recipe:
            raise RepalignError(
                f"checkpoint {checkpoint.name!r} is not trained yet; run `repalign-train {checkpoint.recipe}`"
            )
        if Path(checkpoint.location).is_absolute():
            raise RepalignError(
                f"checkpoint {checkpoint.name!r} has no folder {checkpoint.location} any more"
            )
        path = _download(checkpoint)
    if path.is_dir():
        try:
            path = model_folder(path)
            check_folder(path)
        except OSError as error:
            raise RepalignError(f"cannot read {path}: {error.strerror}") from error
    return path


def _download(checkpoint: Checkpoint) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    wanted: list[str] = [checkpoint.file] if checkpoint.file else list(DOWNLOADED)
    try:
        folder = Path(
            snapshot_download(checkpoint.location, revision=checkpoint.revision, allow_patterns=wanted)
        )
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        reason = without_secrets(str(error).partition("\n")[0])
        moved = OWNED.get(checkpoint.location)
        also = f" (it is now {moved!r} there)" if moved else ""
        raise RepalignError(
            f"cannot fetch {checkpoint.location!r} from the hub{also}: {reason}; check the name and the network, or give a "
            "local folder"
        ) from error
    if not checkpoint.file:
        return folder
    if not (folder / checkpoint.file).is_file():
        raise RepalignError(f"{checkpoint.location} on the hub has no file {checkpoint.file}")
    return folder / checkpoint.file
