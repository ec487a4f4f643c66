"""GGUF files: their quantisation, and their tokenizer, converted once and kept.

transformers loads the weights itself, and converts them from their quantised form to floating point.
"""

from __future__ import annotations

import logging
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repalign.checkpoints.home import home
from repalign.errors import RepalignError
from repalign.files import partial_file, writing
from repalign.signature import digest

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

logger = logging.getLogger(__name__)


def quantization_of(path: Path) -> str:
    """The quantisation that a GGUF file says it has, as llama.cpp names it, e.g. "Q4_K_M" or "F16".

    Raises:
        RepalignError: the package gguf is not installed.
    """
    check_installed()
    from gguf import GGUFReader, LlamaFileType

    field = GGUFReader(path).get_field("general.file_type")
    if field is None:
        return "GGUF"
    number = int(field.contents())
    name = LlamaFileType(number).name if number in set(LlamaFileType) else f"GGUF type {number}"
    return name.removeprefix("MOSTLY_").removeprefix("ALL_")


def options() -> dict[str, Any]:
    """What makes transformers convert all weights: since 5.24 it keeps some in blocks where a kernel for these is installed."""
    import transformers

    configuration = getattr(transformers, "GgufConfig", None)
    return {"quantization_config": configuration(dequantize=True)} if configuration else {}


def check_installed() -> None:
    """
    Raises:
        RepalignError: the package gguf is not installed.
    """
    if find_spec("gguf") is None:
        raise RepalignError("GGUF files need the package gguf: pip install 'repalign[gguf]'")


def read_tokenizer(path: Path, file_digest: str) -> PreTrainedTokenizerBase:
    """The tokenizer of a GGUF file.

    Its conversion takes many seconds for a vocabulary of 262,144 tokens, so that the result is kept under
    `$REPALIGN_HOME/tokenizers`.
    """
    import transformers

    check_installed()
    kept = home() / "tokenizers" / digest([file_digest, transformers.__version__])[:32]
    if kept.is_dir():
        return transformers.AutoTokenizer.from_pretrained(kept, trust_remote_code=False)
    tokenizer = transformers.AutoTokenizer.from_pretrained(
        path.parent, gguf_file=path.name, trust_remote_code=False
    )
    try:
        with writing(kept, "set REPALIGN_HOME to a folder that can be written"):
            kept.parent.mkdir(parents=True, exist_ok=True)
            with partial_file(kept) as partial:
                tokenizer.save_pretrained(partial)
                try:
                    partial.rename(kept)
                except OSError:  # another process has just kept it
                    shutil.rmtree(partial)
    except RepalignError as error:
        logger.warning("the converted tokenizer is not kept: %s", error)
    return tokenizer
