"""GGUF files: their configuration, tokenizer and quantisation, converted once and kept.

transformers loads the weights itself, and converts them from their quantised form to floating point.
"""

from __future__ import annotations

import logging
import re
import shutil
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from repalign.checkpoints.home import home
from repalign.errors import RepalignError
from repalign.signature import digest
from repalign.writes import partial_folder, writing

logger = logging.getLogger(__name__)

QUANTIZATION = "quantization.txt"


def converted(path: Path, file_digest: str) -> Path:
    """A folder with the configuration, the tokenizer and the name of the quantisation of a GGUF file, as transformers saves them.

    Their conversion takes half a minute for a vocabulary of 262,144 tokens, so that they are kept under
    `$REPALIGN_HOME/gguf`; where that cannot be written, for as long as the process runs.

    Raises:
        RepalignError: the package gguf is not installed.
    """
    import transformers

    kept = home() / "gguf" / digest([file_digest, transformers.__version__])[:32]
    if kept.is_dir():
        return kept
    made = _convert(path, file_digest)
    try:
        with writing(kept, "set REPALIGN_HOME to a folder that can be written"):
            kept.parent.mkdir(parents=True, exist_ok=True)
            with partial_folder(kept) as partial:
                shutil.copytree(made, partial, dirs_exist_ok=True)
                try:
                    partial.rename(kept)
                except OSError:
                    if not kept.is_dir():  # else another process has just kept it
                        raise
    except RepalignError as error:
        logger.warning("the converted tokenizer is not kept: %s", error)
        return made
    return kept


def quantization_of(folder: Path) -> str:
    """The quantisation in a folder that `converted` made, as llama.cpp names it, e.g. "Q4_K_M" or "F16"."""
    return (folder / QUANTIZATION).read_text(encoding="utf-8")


def options() -> dict[str, Any]:
    """What makes transformers convert all weights: since 5.24 it keeps some in blocks where a kernel for these is installed."""
    import transformers

    configuration = getattr(transformers, "GgufConfig", None)
    return {"quantization_config": configuration(dequantize=True)} if configuration else {}


@cache
def _convert(path: Path, file_digest: str) -> Path:
    import transformers

    if find_spec("gguf") is None:
        raise RepalignError("GGUF files need the package gguf: pip install 'repalign[gguf]'")
    from gguf import GGUFReader, LlamaFileType

    folder = Path(_temporary().name) / file_digest[:32]
    where = {"pretrained_model_name_or_path": path.parent, "gguf_file": path.name}
    config = transformers.AutoConfig.from_pretrained(**where, trust_remote_code=False)
    reader = GGUFReader(path)
    _check_blocks(path, getattr(config.get_text_config(), "num_hidden_layers", 0), reader)
    config.save_pretrained(folder)
    transformers.AutoTokenizer.from_pretrained(**where, trust_remote_code=False).save_pretrained(folder)
    field = reader.get_field("general.file_type")
    number = None if field is None else int(field.contents())
    name = LlamaFileType(number).name if number in set(LlamaFileType) else "GGUF"
    (folder / QUANTIZATION).write_text(name.removeprefix("MOSTLY_").removeprefix("ALL_"), encoding="utf-8")
    return folder


def _check_blocks(path: Path, described: int, reader: Any) -> None:
    """Refuse fewer blocks than the configuration has: transformers would look for the others for minutes, and draw them at random.

    Raises:
        RepalignError: says how many there are.
    """
    blocks = {match[1] for tensor in reader.tensors if (match := re.match(r"blk\.(\d+)\.", tensor.name))}
    if blocks and described > len(blocks):
        raise RepalignError(
            f"{path} holds {len(blocks)} blocks, and its configuration {described:,}; convert the model again"
        )


@cache
def _temporary() -> tempfile.TemporaryDirectory[str]:
    """Removed when the process ends."""
    return tempfile.TemporaryDirectory(prefix="repalign-gguf-")
