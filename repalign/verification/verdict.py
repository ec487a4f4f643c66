"""The signed verdict on an engine: in words, as JSON, on disk."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from repalign.files import finite, json_bytes
from repalign.results.folder import Output, kind_of_json
from repalign.verification.effect import Effect
from repalign.verification.judging import RIGHT, UNKNOWN, Judgement, Row

FILE = "verification.json"


class Written(TypedDict):
    """Some of what it holds, by which it is recognised."""

    format: int
    right: bool
    conclusion: str
    checkpoint: str
    engine: str


KIND = kind_of_json("verification", FILE, Written)
"""What `repalign verify` leaves in a folder."""


@dataclass(frozen=True)
class Verdict:
    """What `verify()` returns; `str()` gives it as the command prints it.

    Attributes:
        checkpoint: name of the model.
        engine: that was verified, with its version.
        judgement: layer by layer.
        effects: what each fault does to an alignment curve, by its name.
        probe: what the engine's last layer was compared with through the final norm (and the output layer):
            "log-probabilities" or "last hidden states".
        probe_gap: largest difference of log-probabilities in nats, or distance of last hidden states; None if the engine
            returned no last layer of the right shape.
        signature: one line with everything that decides the verdict.
    """

    checkpoint: str
    engine: str
    judgement: Judgement
    effects: Mapping[str, Effect]
    probe: str
    probe_gap: float | None
    signature: str

    @property
    def right(self) -> bool:
        """Whether no fault was found; conventions are none."""
        return self.judgement.right

    @property
    def conclusion(self) -> str:
        """The verdict in one line."""
        rows = self.judgement.rows
        if self.right:
            gap, most = max(row.gap for row in rows), max(row.tolerance for row in rows)
            return f"right: {len(rows)} layers are those of the model (largest difference {gap:.1e}, tolerance {most:.0e})"
        parts = [
            f"{finding.fault.name} ({_span(finding.layers)}): {finding.fault.explanation}"
            for finding in self.judgement.findings
        ]
        unknown = [row for row in rows if row.verdict == UNKNOWN]
        if unknown:
            worst = unknown[0]
            parts.append(
                f"{_span([row.layer for row in unknown])}: {UNKNOWN}; layer {worst.layer} differs from layer "
                f"{worst.nearest}, the nearest, by {worst.nearest_gap:.1e}"
            )
        return f"wrong: {'; '.join(parts)}"

    def as_dict(self) -> dict[str, Any]:
        """For JSON; what is infinite or not a number is null."""
        return {
            "format": 1,
            "right": self.right,
            "conclusion": self.conclusion,
            "signature": self.signature,
            "checkpoint": self.checkpoint,
            "engine": self.engine,
            "conventions": [fault.name for fault in self.judgement.conventions],
            "faults": [
                {
                    "name": finding.fault.name,
                    "explanation": finding.fault.explanation,
                    "layers": list(finding.layers),
                    "effect": _effect(self.effects.get(finding.fault.name)),
                }
                for finding in self.judgement.findings
            ],
            "probe": {"compares": self.probe, "difference": finite(self.probe_gap)},
            "layers": [
                {
                    "layer": row.layer,
                    "verdict": row.verdict,
                    "difference": finite(row.gap),
                    "tolerance": row.tolerance,
                    "nearest": row.nearest,
                    "nearest_difference": finite(row.nearest_gap),
                }
                for row in self.judgement.rows
            ],
        }

    def save(self, folder: str | Path, overwrite: bool = False) -> Path:
        """Write verification.json. A verdict on the same checkpoint is replaced.

        Args:
            overwrite: replace one on another checkpoint too, and that of a version before 0.2.

        Raises:
            RepalignError: see `repalign.results.folder.Output.write`.
        """
        output = Output(Path(folder), KIND, self.checkpoint, overwrite)
        return output.write({FILE: json_bytes(self.as_dict())})[0]

    def __str__(self) -> str:
        width = max(len("verdict"), *(len(row.verdict) for row in self.judgement.rows))
        lines = [f"layer  {'verdict':{width}}  difference  nearest layer"]
        lines += [_line(row, width) for row in self.judgement.rows]
        lines += [f"convention: {fault.name}; {fault.ours}" for fault in self.judgement.conventions]
        if self.probe_gap is not None:
            lines.append(f"probe: the last layer gives the model's {self.probe} within {self.probe_gap:.1e}")
        lines += [f"effect of {name}: {effect}" for name, effect in self.effects.items()]
        return "\n".join([*lines, self.conclusion, self.signature])


def _line(row: Row, width: int) -> str:
    gap = f"{row.gap:.1e}" if math.isfinite(row.gap) else "-"
    near = ""
    if row.verdict != RIGHT and row.nearest != row.layer and math.isfinite(row.nearest_gap):
        near = f"{row.nearest} ({row.nearest_gap:.1e})"
    return f"{row.layer:5}  {row.verdict:{width}}  {gap:10}  {near}".rstrip()


def _span(layers: Sequence[int]) -> str:
    if not layers:
        return "all layers"
    if len(layers) == 1:
        return f"layer {layers[0]}"
    consecutive = list(layers) == list(range(layers[0], layers[-1] + 1))
    return f"layers {layers[0]}-{layers[-1]}" if consecutive else f"layers {', '.join(map(str, layers))}"


def _effect(effect: Effect | None) -> dict[str, Any] | None:
    if effect is None:
        return None
    return {
        "metric": "p_at_1",
        "languages": list(effect.pair),
        "sentences": effect.sentences,
        "right": [finite(value) for value in effect.right],
        "faulty": [finite(value) for value in effect.faulty],
        "largest_change": finite(effect.change),
        "layer": effect.layer,
    }
