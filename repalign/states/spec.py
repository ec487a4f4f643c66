"""What is read (`ReadingSpec`) and where (`Machine`): validated on construction, before any model is loaded."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal, get_args

from repalign.errors import RepalignError, unknown
from repalign.models.pooling import POOLINGS, Pooling
from repalign.models.sites import SITES, STACKS, Site, Stack
from repalign.models.templates import TEMPLATES

if TYPE_CHECKING:
    from repalign.models.pooling import PoolingFunction

Dtype = Literal["auto", "float32", "bfloat16", "float16"]
DTYPES: tuple[str, ...] = get_args(Dtype)

StoreDtype = Literal["auto", "float32", "float16"]
STORE_DTYPES: tuple[str, ...] = get_args(StoreDtype)

STORE_DTYPE = "REPALIGN_STORE_DTYPE"
"""Environment variable: the dtype in which states are stored where none is named."""

LARGEST = 2**32 - 1
"""Of counts and seeds: what random generators take."""

DEVICE = re.compile(r"auto|all|cpu|mps|(cuda|xpu|npu|hpu)(:\d+)?")

MAX_LAYER = 10_000
"""A layer number above this is a mistake: no model has so many blocks."""


@dataclass(frozen=True)
class ReadingSpec:
    """Which hidden states are read: everything that decides their values except the model, its dtype and the text.

    Attributes:
        pooling: a name in `repalign.models.pooling.POOLINGS`, a `Pooling`, or a function of (hidden, content, real).
        template: the prompt around each sentence, by default none; a name in `repalign.models.templates.TEMPLATES`.
        site: see `repalign.models.sites`.
        layers: layer numbers, ascending, or a single number; None for all.
        stack: of an encoder-decoder: encoder or decoder; auto is the encoder.
        max_length: maximum tokens per sentence; longer sentences are dropped from every language. None for 2,048, or
            the model's limit if that is lower.
        exclude_shared_tokens: pool only tokens that occur in none of a sentence's translations: a control for names
            and digits.

    Raises:
        RepalignError: an unknown name, with the near miss, or a number out of range.
    """

    pooling: Pooling = POOLINGS["mean"]
    template: str = "raw"
    site: Site = "resid"
    layers: tuple[int, ...] | None = None
    stack: Stack = "auto"
    max_length: int | None = None
    exclude_shared_tokens: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "pooling", POOLINGS.resolve(self.pooling))
        object.__setattr__(self, "layers", as_layers(self.layers))
        object.__setattr__(self, "template", TEMPLATES[self.template].name)
        object.__setattr__(self, "site", chosen("site", self.site, SITES))
        check_choice("stack", self.stack, STACKS)
        check_count("max_length", self.max_length)
        if self.exclude_shared_tokens and self.pooling.sees_prompt:
            raise RepalignError(
                f"pooling {self.pooling.name!r} reads every token, so that shared tokens cannot be excluded; "
                "use mean, last or max, or declare sees_prompt=False if it reads content tokens only"
            )

    def with_pooling(self, pooling: str | Pooling | PoolingFunction) -> ReadingSpec:
        """The same spec with another pooling."""
        return replace(self, pooling=POOLINGS.resolve(pooling))

    @property
    def pooling_name(self) -> str:
        """The name in signatures and keys, which also says whether shared tokens are excluded."""
        return self.pooling.name + "-unshared" * self.exclude_shared_tokens


@dataclass(frozen=True)
class Machine:
    """Where and how a model runs: affects speed, and the numbers only by rounding.

    Attributes:
        dtype: float32, bfloat16 or float16; auto is bfloat16 (float16 on older GPUs) for models over 100 MB on a
            device that computes faster in it, else float32.
        device: auto, cpu, cuda, cuda:1, mps, ..., or all: spread over all GPUs.
        batch_tokens: padded tokens per batch; None for as many as free memory allows.
        progress: show bars on a terminal, and a line now and then in a log: see `repalign.progress`.
        store_dtype: in which states are stored, and rounded to if they are: float32, or float16 with a scale for each
            vector, in half the bytes (docs/store.md); auto is `$REPALIGN_STORE_DTYPE`, or else float32.

    Raises:
        RepalignError: an unknown dtype or device, with the near miss, or a number out of range.
    """

    dtype: Dtype = "auto"
    device: str = "auto"
    batch_tokens: int | None = None
    progress: bool = True
    store_dtype: StoreDtype = "auto"

    def __post_init__(self) -> None:
        check_choice("dtype", self.dtype, DTYPES)
        object.__setattr__(self, "store_dtype", as_store_dtype(self.store_dtype))
        check_count("batch_tokens", self.batch_tokens)
        if not isinstance(self.device, str) or not DEVICE.fullmatch(self.device):
            raise unknown("device", str(self.device), ("auto", "all", "cpu", "cuda", "cuda:1", "mps"))


def as_store_dtype(name: str) -> str:
    """The dtype in which states are stored: the one named, or that of the environment.

    Raises:
        RepalignError: an unknown dtype, with the near miss.
    """
    if name == "auto":
        name = os.environ.get(STORE_DTYPE, "").strip() or "float32"
    if name == "bfloat16":
        raise RepalignError(
            "states are not stored in bfloat16, which keeps 8 bits of each number: float16, with a scale for each vector, "
            "keeps 11 in the same bytes and does not overflow either; use float16"
        )
    check_choice("dtype of stored states", name, STORE_DTYPES[1:])
    return name


def as_layers(layers: int | Sequence[int] | None) -> tuple[int, ...] | None:
    """Layer numbers, ascending, each once.

    Raises:
        RepalignError: empty, a negative number, or something that is not a whole number.
    """
    if layers is None:
        return None
    numbers: list[Any] = list(layers) if isinstance(layers, Iterable) else [layers]
    wrong = [number for number in numbers if not _is_count(number, least=0) or number > MAX_LAYER]
    if wrong or not numbers:
        got = repr(wrong[0]) if wrong else "none"
        raise RepalignError(f"layers are whole numbers from 0, such as 2 or [0, 4, 8]; got {got}")
    return tuple(sorted({int(number) for number in numbers}))


def check_choice(what: str, value: object, choices: Sequence[str]) -> None:
    """
    Raises:
        RepalignError: `value` is none of the choices, with the near miss.
    """
    if value not in choices:
        raise unknown(what, str(value), choices)


def chosen(what: str, value: object, choices: Sequence[str]) -> str:
    """The choice that a text is in any case.

    Raises:
        RepalignError: it is none of the choices, with the near miss.
    """
    folded = str(value).casefold()
    check_choice(what, folded if folded in choices else value, choices)
    return folded


def check_count(what: str, value: object, least: int = 1) -> None:
    """
    Raises:
        RepalignError: `value` is neither None nor a whole number from `least` to `LARGEST`.
    """
    if value is not None and not _is_count(value, least):
        raise RepalignError(f"{what} is a whole number from {least} to {LARGEST}, not {repr(value)[:40]}")


def _is_count(value: object, least: int) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and least <= int(value) <= LARGEST
