"""plan(): what reading a corpus with checkpoints, and scoring it, would take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from repalign.errors import RepalignError
from repalign.files import file_size
from repalign.models.devices import CPU_TOKENS, GPU_TOKENS
from repalign.models.pooling import POOLINGS
from repalign.planning.hardware import CPU_CORE, UTILISATION, Hardware
from repalign.planning.measuring import seconds_of_batches, seconds_of_scoring
from repalign.planning.recommending import Way, recommended
from repalign.planning.sizes import ModelSize
from repalign.planning.text import TextSize
from repalign.states.spec import StoreDtype, as_store_dtype, check_choice, check_count
from repalign.states.store import Shape, Store

if TYPE_CHECKING:
    from transformers import PretrainedConfig

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}

HEADER = {"float32": 128, "float16": 192}
"""Bytes before the numbers of a shard."""

WIDENED = 12
"""Vectors of the model's dim that are held for each token of a batch while a block computes: an estimate."""

SCORE_SECONDS = 0.04, 0.5e-6
"""Of one pair at one layer on one core: at least, and for each pair of sentences; measured, see docs/scale.md."""


@dataclass(frozen=True)
class Figure:
    """One number of a plan, and what it is from."""

    value: float
    source: str


@dataclass(frozen=True)
class Plan:
    """What reading and scoring would take; see the figures' `source` for what each is from.

    Attributes:
        model, text, hardware: what it is for.
        checkpoints: their number.
        layers: their numbers.
        tokens: of one checkpoint, without padding.
        flops: of all checkpoints.
        hours: of reading all checkpoints, all hardware busy, without loading and writing.
        weights: bytes of one copy of the model.
        activations: bytes of one batch.
        store: bytes of the states of all checkpoints.
        scoring: hours of one core for the scores of all checkpoints.
        way: to run it.
    """

    model: ModelSize
    text: TextSize
    hardware: Hardware
    checkpoints: int
    layers: tuple[int, ...]
    tokens: Figure
    flops: Figure
    hours: Figure
    weights: Figure
    activations: Figure
    store: Figure
    scoring: Figure
    way: Way

    def record(self) -> dict[str, Any]:
        """In JSON types."""
        figures = {name: asdict(one) for name, one in vars(self).items() if isinstance(one, Figure)}
        languages = {
            name: {"sentences": one.sentences, "tokens": round(one.tokens)}
            for name, one in self.text.languages.items()
        }
        return {
            "model": asdict(self.model), "hardware": str(self.hardware), "checkpoints": self.checkpoints,
            "layers": list(self.layers), "languages": languages, **figures, "way": asdict(self.way),
        }  # fmt: skip

    def lines(self) -> Iterator[tuple[str, str, str]]:
        """Name, value and source of every figure, for people."""
        model, text = self.model, self.text
        shape = f"{model.blocks} blocks x {model.dim:,} dims, {model.read:,} parameters read per token"
        yield "model", shape, model.source
        per_sentence = text.tokens / max(text.rows, 1)
        corpus = (
            f"{len(text.languages)} languages x {text.sentences:,} sentences, {text.rows:,} distinct rows"
        )
        yield "text", corpus, text.source
        yield (
            "tokens",
            f"{self.tokens.value:,.0f} per checkpoint, {per_sentence:.1f} per sentence",
            self.tokens.source,
        )
        yield "FLOPs", f"{self.flops.value:.3g} for {_several(self.checkpoints)}", self.flops.source
        yield "reading", f"{duration(self.hours.value)} on {self.hardware}", self.hours.source
        yield (
            "memory",
            f"{file_size(self.weights.value)} weights + {file_size(self.activations.value)} per batch",
            f"{self.weights.source}; {self.activations.source}",
        )
        yield "store", file_size(self.store.value), self.store.source
        yield "scoring", f"{duration(self.scoring.value)} of one core", self.scoring.source
        yield "run", self.way.command, self.way.reason


def plan(
    model: ModelSize,
    text: TextSize,
    hardware: Hardware,
    *,
    config: PretrainedConfig | None = None,
    name: str = "CKPT",
    options: str = "",
    checkpoints: int = 1,
    layers: Sequence[int] | None = None,
    poolings: Sequence[str] = ("mean",),
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto",
    store_dtype: StoreDtype = "auto",
    pairs: Literal["pivot", "all"] = "pivot",
    utilisation: float = UTILISATION,
    batch_tokens: int | None = None,
    measure: bool = False,
) -> Plan:
    """What reading a corpus with checkpoints, and scoring it, would take.

    Args:
        model: see `repalign.planning.sizes`.
        text: see `repalign.planning.text`.
        hardware: GPUs or cores.
        config: of the model, needed to measure.
        name: of the checkpoint, for the command.
        options: of the command.
        checkpoints: their number.
        layers: layer numbers; by default all.
        poolings: in one pass; each is stored.
        dtype: of the weights; auto is 16 bits on a GPU and float32 on a CPU.
        store_dtype: of the stored states, as for `repalign.extract`.
        pairs: that are scored: with a pivot, or all.
        utilisation: share of a GPU's peak that is reached, between 0 and 1.
        batch_tokens: padded tokens per batch.
        measure: time some batches and scores on this machine, in place of constants.

    Raises:
        RepalignError: numbers out of range, a layer that the model does not have, or a measurement of GPUs.
    """
    check_count("checkpoints", checkpoints)
    check_choice("kind of pairs", pairs, ("pivot", "all"))
    check_choice("dtype", dtype, ("auto", *BYTES))
    stored = as_store_dtype(store_dtype)
    if not 0 < utilisation <= 1:
        raise RepalignError(
            f"utilisation is a share of the peak between 0 and 1, such as 0.35; got {utilisation}"
        )
    chosen = tuple(range(model.blocks + 1)) if layers is None else tuple(layers)
    if not chosen or max(chosen) > model.blocks:
        raise RepalignError(
            f"no such layers in a model of {model.blocks} blocks: layers are 0..{model.blocks}"
        )
    resolved = [POOLINGS.resolve(pooling) for pooling in poolings]
    gpu = hardware.gpu
    dtype = dtype if dtype != "auto" else gpu.half_name if gpu else "float32"  # type: ignore[assignment]
    budget = batch_tokens or (GPU_TOKENS if gpu else CPU_TOKENS)
    batches = [batch for one in text.languages.values() for batch in one.batches(budget)]
    padded = sum(rows * width for rows, width in batches)
    context = sum(rows * width * width for rows, width in batches) / max(padded, 1)
    flops = checkpoints * model.flops(padded, context)
    weights = model.held * BYTES[dtype]
    widest = max((rows * width for rows, width in batches), default=0)
    activations = WIDENED * model.dim * BYTES[dtype] * widest
    way = recommended(hardware, weights, activations, checkpoints, name, options)
    if measure and gpu is None:
        hours = _measured_hours(config, batches, dtype, resolved, flops, checkpoints, hardware.count)
    else:
        hours = _assumed_hours(hardware, way, flops, dtype, utilisation)
    return Plan(
        model, text, hardware, checkpoints, chosen,
        tokens=Figure(text.tokens, text.source),
        flops=Figure(flops, f"2 per parameter read and 4 per attention dim and token in context, {padded:,} tokens with padding; no output layer"),
        hours=hours,
        weights=Figure(weights, f"{model.held:,} parameters in {dtype}"),
        activations=Figure(activations, f"estimate: {WIDENED} vectors for each of {widest:,} tokens"),
        store=_stored(model, text, chosen, len(resolved), stored, checkpoints),
        scoring=_scoring(model, text, chosen, checkpoints, pairs, measure),
        way=way,
    )  # fmt: skip


def _stored(
    model: ModelSize, text: TextSize, layers: tuple[int, ...], poolings: int, dtype: str, checkpoints: int
) -> Figure:
    """Bytes of the shards, by the store's own division into shards."""
    total = 0
    for one in text.languages.values():
        store = Store(Path(), Shape(layers, model.blocks, one.sentences, model.dim), {"stored": dtype})
        total += store.bytes_of(range(store.shards)) + HEADER[dtype] * store.shards
    source = (
        f"{text.rows:,} rows x {len(layers)} layers x {model.dim:,} dims in {dtype}, poolings: {poolings}"
    )
    return Figure(checkpoints * poolings * total, f"{source}; and about 1 kB for each language")


def _measured_hours(
    config: PretrainedConfig | None,
    batches: Sequence[tuple[int, int]],
    dtype: str,
    poolings: Sequence[Any],
    flops: float,
    checkpoints: int,
    cores: int,
) -> Figure:
    if config is None:
        raise RepalignError("--measure needs a config.json to make blocks of; give a folder, or leave it out")
    seconds = checkpoints * seconds_of_batches(config, batches, dtype, poolings)
    speed = f"{flops / seconds / 1e9:,.0f} GFLOP/s of a core"
    source = f"measured on this machine: {speed}, by blocks with random weights, in seconds of CPU time"
    return Figure(seconds / cores / 3600, source)


def _assumed_hours(hardware: Hardware, way: Way, flops: float, dtype: str, utilisation: float) -> Figure:
    gpu = hardware.gpu
    if gpu is None:
        source = f"{CPU_CORE / 1e9:.0f} GFLOP/s of a core, an assumption; --measure times this machine"
        return Figure(flops / (way.busy * CPU_CORE) / 3600, source)
    peak = gpu.single if dtype == "float32" else gpu.half
    source = f"{peak / 1e12:,.0f} TFLOP/s of the data sheet x {utilisation:g}, an assumption, x {way.busy} that compute at a time"
    return Figure(flops / (way.busy * peak * utilisation) / 3600, source)


def _scoring(
    model: ModelSize, text: TextSize, layers: Sequence[int], checkpoints: int, pairs: str, measure: bool
) -> Figure:
    languages = len(text.languages)
    count = languages * (languages - 1) // 2 if pairs == "all" else max(languages - 1, 0)
    steps = checkpoints * len(layers) * count
    if measure:
        each, source = seconds_of_scoring(text.sentences, model.dim), "measured on this machine"
    else:
        least, per_pair = SCORE_SECONDS
        each, source = least + per_pair * text.sentences**2, "by constants of docs/scale.md"
    about = f"{count:,} pairs x {len(layers)} layers x {checkpoints:,} checkpoints x {each:.3g} s, default metrics; {source}"
    return Figure(steps * each / 3600, about)


def duration(hours: float) -> str:
    """A time for people.

    >>> duration(0.5), duration(50)
    ('30 min', '2.1 days')
    """
    if hours >= 48:
        return f"{hours / 24:,.1f} days"
    if hours >= 1:
        return f"{hours:.1f} h"
    return f"{hours * 60:.0f} min" if hours * 60 >= 2 else f"{hours * 3600:.1f} s"


def _several(checkpoints: int) -> str:
    return "1 checkpoint" if checkpoints == 1 else f"{checkpoints:,} checkpoints"
