"""A part of a profile as one file: parquet of the rows by layer, in whose metadata are those of the best layers."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from repalign.errors import RepalignError, reason
from repalign.files import parse_json, parse_parquet
from repalign.results.schema import RESULTS
from repalign.results.summary import few
from repalign.version import __version__

if TYPE_CHECKING:
    import pandas as pd

METADATA = b"repalign"
"""Under which the metadata of the file hold a `Described` as JSON."""


class Described(TypedDict):
    """What a file says beside its rows by layer."""

    repalign: str
    about: str
    peaks: list[dict[str, Any]]


@dataclass(frozen=True)
class ProfilePart:
    """Scores of some pairs of languages of one checkpoint, or of the difference of two, at all layers.

    Attributes:
        table: rows of the table "profile"; `p_adjusted` is missing, as it depends on the other pairs.
        peaks: likewise of the table "peaks".
    """

    table: pd.DataFrame
    peaks: pd.DataFrame

    def __str__(self) -> str:
        if not len(self.table):
            return "no scores"
        first = self.table.iloc[0]
        minus = "" if first.isna()["baseline"] else f" minus {first['baseline']}"
        pairs = few((self.table["source"] + "-" + self.table["target"]).unique())
        layers = f"layers {self.table['layer'].min()} to {self.table['layer'].max()}"
        return f"{first['checkpoint']}{minus}; {pairs}; {few(self.table['metric'].unique())}; {layers}"

    def encoded(self) -> bytes:
        """The contents of a file."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        peaks = self.peaks.astype(object).where(self.peaks.notna(), None).to_dict("records")
        described: Described = {"repalign": __version__, "about": str(self), "peaks": peaks}  # type: ignore[typeddict-item]
        rows = pa.Table.from_pandas(self.table, preserve_index=False)
        file = io.BytesIO()
        pq.write_table(
            rows.replace_schema_metadata({**rows.schema.metadata, METADATA: json.dumps(described)}), file
        )
        return file.getvalue()

    @classmethod
    def decoded(cls, data: bytes, where: object) -> ProfilePart:
        """The part that a file holds, bit for bit.

        Args:
            data: the contents.
            where: of the file, for messages.

        Raises:
            RepalignError: it is not such a file.
        """
        rows, metadata = parse_parquet(io.BytesIO(data), where)
        described = _described(metadata, where)
        return cls(RESULTS["profile"].checked(rows, where), RESULTS["peaks"].frame(described["peaks"]))


def about_part(path: Path) -> str:
    """What scores a file holds, in words, without reading them.

    Raises:
        RepalignError: it is not such a file.
    """
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_schema(path).metadata
    except Exception as error:  # see `repalign.files.parse_parquet`
        raise RepalignError(f"not a readable parquet file ({reason(error)})") from error
    return _described(metadata or {}, path)["about"]


def _described(metadata: Mapping[bytes, bytes], where: object) -> Described:
    if METADATA not in metadata:
        raise RepalignError(f"{where} holds no scores of repalign")
    return parse_json(metadata[METADATA], Described, where, keep_infinite=True)
