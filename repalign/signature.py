"""What decides a number, written beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone

from repalign.version import __version__


def digest(parts: Iterable[str | bytes]) -> str:
    """SHA-256 over length-prefixed parts, as hex: ["ab", "c"] and ["a", "bc"] differ."""
    sha = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        sha.update(len(data).to_bytes(8, "little"))
        sha.update(data)
    return sha.hexdigest()


def today() -> str:
    """The date in UTC, as ISO 8601: for the head of a page."""
    return datetime.now(timezone.utc).date().isoformat()


@dataclass(frozen=True)
class Signature:
    """Everything that decides the hidden states of one checkpoint on one corpus.

    `str()` gives one line, e.g. `m-llama@1f2e3d4c|ntrex#9c1e22aa|raw|mean|resid|float32|repalign:0.1.0`.
    """

    checkpoint: str  # the name as the user gave it
    weights: str  # digest of weights (and adapter)
    corpus: str
    text: str  # digest of the sentences
    template: str = "raw"
    pooling: str = "mean"
    site: str = "resid"
    dtype: str = "float32"
    repalign: str = __version__
    quantization: str = ""  # in which the weights were saved, e.g. "Q4_K_M"; computed in dtype
    languages: str = ""  # as the model calls them, e.g. "en=eng_Latn,zh=zho_Hans"; of one that expects them
    stored: str = ""  # the dtype in which states were stored, if they were rounded to it: "float16"

    def __str__(self) -> str:
        return "|".join(
            [
                f"{self.checkpoint}@{self.weights[:8]}",
                f"{self.corpus}#{self.text[:8]}",
                self.template,
                self.pooling,
                self.site,
                self.dtype,
                *([f"weights:{self.quantization}"] if self.quantization else []),
                *([f"languages:{self.languages}"] if self.languages else []),
                *([f"stored:{self.stored}"] if self.stored else []),
                f"repalign:{self.repalign}",
            ]
        )

    def with_(self, **changes: str) -> Signature:
        return replace(self, **changes)

    def as_dict(self) -> dict[str, str]:
        return asdict(self)
