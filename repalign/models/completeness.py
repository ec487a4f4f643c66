"""Whether every weight that a model uses came from its files: transformers draws the missing ones at random."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from repalign.errors import RepalignError
from repalign.models.anatomy import body_of

logger = logging.getLogger(__name__)

UNUSED = re.compile(r"(^|\.)(pooler|mask_emb)(\.|$)")
"""Parts of a body that no hidden state depends on: BERT's pooler, and XLNet's mask, which only its pretraining uses."""

SCALES = re.compile(r"(scale|scale_inv|scales|zeros|qzeros|absmax|g_idx|quant_map|weight_packed)$")
"""Names of what quantised weights are multiplied by: without them the weights are other numbers."""


@dataclass(frozen=True)
class LoadReport:
    """What transformers says after loading a model.

    Attributes:
        missing: names of parameters that are not in the files.
        unexpected: names in the files that the model has no place for.
    """

    missing: frozenset[str]
    unexpected: frozenset[str]

    @classmethod
    def of(cls, info: Mapping[str, Any], model: nn.Module, folder: Path) -> LoadReport:
        """
        Raises:
            RepalignError: weights of other shapes than the configuration says, or that could not be converted.
        """
        name = type(model).__name__
        if mismatched := sorted(info.get("mismatched_keys", ())):
            key, in_file, in_model = mismatched[0]
            raise RepalignError(
                f"{folder} does not fit its config.json: {key} is {_shape(in_file)} in the file and {_shape(in_model)} in "
                f"{name}{_others(mismatched)}; the configuration is that of another model, or was edited"
            )
        if errors := info.get("error_msgs") or info.get("conversion_errors"):
            first = next(iter(errors.values() if isinstance(errors, Mapping) else errors))
            raise RepalignError(f"the weights in {folder} do not fit {name}: {' '.join(str(first).split())}")
        return cls(frozenset(info["missing_keys"]), frozenset(info["unexpected_keys"]))


def check_complete(
    model: nn.Module, report: LoadReport, folder: Path, stack: str, head: bool, given: Collection[str] = ()
) -> None:
    """Refuse a model that would use a weight which is not in its files.

    Args:
        model: without an adapter.
        report: of its loading.
        folder: its files.
        stack: the stack that is read; the decoder of an encoder-decoder uses its encoder too.
        head: whether the output layer is used.
        given: names of weights that an adapter brings.

    Raises:
        RepalignError: names the first such weight.
    """
    absent = [name for name in _used(model, stack, head) if name in report.missing and name not in given]
    if absent:
        raise RepalignError(
            f"{absent[0]} of {type(model).__name__} is not in {folder}{_others(absent)}, and would be random; "
            "the files belong to another architecture or are incomplete"
        )


def say_unused(report: LoadReport, model: nn.Module, folder: Path) -> None:
    """Report what the files hold and the model does not use.

    Raises:
        RepalignError: factors of quantised weights, without which the model's weights are other numbers.
    """
    unused = sorted(report.unexpected)
    if scales := [name for name in unused if SCALES.search(name)]:
        raise RepalignError(
            f"{folder} holds quantised weights ({scales[0]}{_others(scales)}), but its config.json has no "
            "quantization_config; restore it, or use the unquantised model"
        )
    if unused:
        shown = ", ".join(unused[:2]) + _others(unused, 2)
        logger.warning("%s: not used by %s: %s", folder.name, type(model).__name__, shown)


def _used(model: nn.Module, stack: str, head: bool) -> list[str]:
    """Names of the parameters and buffers that states, and logits if `head`, depend on, in the model's order."""
    whole: Any = model
    parts = [model if head else body_of(model, stack)]
    if stack == "decoder" and whole.config.is_encoder_decoder:
        parts.append(body_of(model, "encoder"))
    names = {id(module): name for name, module in model.named_modules()}
    used: list[str] = []
    for part in parts:
        prefix = names[id(part)]
        prefix += "." * bool(prefix)
        # Every name, also of a tensor that several names share.
        used += [prefix + name for name in _tensors(part) if not UNUSED.search(name)]
    return used


def _tensors(module: nn.Module) -> list[str]:
    kinds = (module.named_parameters, module.named_buffers)
    return [name for kind in kinds for name, _ in kind(remove_duplicate=False)]


def _shape(shape: Any) -> str:
    return " x ".join(map(str, shape))


def _others(names: Collection[Any], shown: int = 1) -> str:
    return f" (and {len(names) - shown} more)" if len(names) > shown else ""
