"""LayerProfile: the tidy table of scores, one row per checkpoint, metric, variant, language pair and layer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from repalign.errors import unknown
from repalign.results.schema import RESULTS
from repalign.results.sparkline import sparkline
from repalign.results.summary import ROOM, as_html, few, shortened

if TYPE_CHECKING:
    import pandas as pd

TABLE = RESULTS["profile"]
COLUMNS = tuple(TABLE.names)
"""Names of the columns, in order; `repalign.results.schema` says what they mean."""

IDENTITY = ("checkpoint", "baseline", "metric", "variant", "source", "target")
"""Columns that say which curve a row belongs to."""

LEADING_VARIANTS = ("centred", "raw")


def leading_variant(variants: Iterable[str]) -> str:
    """The variant that is drawn, reported and controlled first: centred, else raw, else the first one."""
    present = list(dict.fromkeys(variants))
    return next((name for name in LEADING_VARIANTS if name in present), next(iter(present), ""))


@dataclass(frozen=True, repr=False)
class LayerProfile:
    """Scores by layer, as a pandas table with exactly the columns of `COLUMNS`.

    Attributes:
        table: the rows.
        signatures: checkpoint name -> signature of the states it was computed from.
        settings: what else decided the numbers (seed, draws, permutations, interval method, ...).
        peaks: the best layers, the table "peaks" (see `repalign.results.schema.RESULTS`); None in results of an earlier
            version.

    Raises:
        RepalignError: columns are missing or unknown, or hold invalid values.
    """

    table: pd.DataFrame
    signatures: dict[str, str]
    settings: dict[str, Any] = field(default_factory=dict)
    peaks: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "table", TABLE.checked(self.table))
        if self.peaks is not None:
            object.__setattr__(self, "peaks", RESULTS["peaks"].checked(self.peaks))

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        table = self.table
        pairs = few((table["source"] + "-" + table["target"]).unique())
        named = (few(table[column].unique()) for column in ("checkpoint", "metric", "variant"))
        layers = f"layers {table['layer'].min()} to {table['layer'].max()}" if len(table) else ""
        parts = "; ".join([f"{len(table):,} scores", *filter(None, [*named, pairs, layers])])
        return f"LayerProfile({shortened(parts, ROOM)})"

    def _repr_html_(self) -> str:
        """For notebooks: the best layer of every score, or the largest difference; the scores if these are unknown."""
        columns = ["value", "low", "high", "chance", "p_adjusted", "sentences"]
        if self.peaks is None:
            shown = as_html(self.table[[*IDENTITY, "layer", *columns]].dropna(axis=1, how="all"))
            return f"<p>{len(self):,} scores:</p>{shown}"
        about = "cross-fitted: chosen on some sentences, scored on the others; layers: any of these may be the best"
        marks = [f"curve-{row}" for row in range(len(self.peaks))]
        shown = self.peaks[[*IDENTITY, "layers", *columns]].dropna(axis=1, how="all").fillna({"baseline": ""})
        html = as_html(shown.assign(**{"by layer": marks}))
        for mark, curve in zip(marks, self._sparklines(self.peaks), strict=True):
            html = html.replace(f"<td>{mark}</td>", f"<td>{curve}</td>")
        return f"<p>{len(self):,} scores; the best layer of each ({about}):</p>{html}"

    def _sparklines(self, of: pd.DataFrame) -> list[str]:
        """The curve of each row of a table with the columns of `IDENTITY`, on one scale, with 0 in it, for each metric."""
        by_layer = self.table.sort_values("layer", kind="stable")
        curves: dict[tuple[str, ...], list[float]] = {}
        for key, value in zip(_keys(by_layer), by_layer["value"], strict=True):
            curves.setdefault(key, []).append(value)
        ends = {
            name: (min(0.0, scores.min()), max(0.0, scores.max()))
            for name, scores in self.table.groupby("metric")["value"]
        }
        metric = IDENTITY.index("metric")
        return [sparkline(curves[key], *ends[key[metric]]) if key in curves else "" for key in _keys(of)]

    @property
    def pivot(self) -> str:
        """The language that the others are compared with: from the settings, else the first source."""
        return str(self.settings.get("pivot") or next(iter(self.table["source"]), ""))

    def sign(self, metric: str) -> int:
        """+1 if a higher value means that languages are more alike, -1 if a lower one does."""
        return 1 if self.settings.get("higher_is_better", {}).get(metric, True) else -1

    def joined(self, other: LayerProfile) -> LayerProfile:
        """The rows of both, e.g. of two checkpoints and of their difference."""
        import pandas as pd

        table = pd.concat([self.table, other.table], ignore_index=True)
        known = [one.peaks for one in (self, other) if one.peaks is not None]
        return LayerProfile(
            table,
            {**self.signatures, **other.signatures},
            {**self.settings, **other.settings},
            pd.concat(known, ignore_index=True) if known else None,
        )

    def where(self, **equal: object) -> LayerProfile:
        """The rows whose columns equal the given values, e.g. `where(metric="mexa", target="zh")`."""
        table, peaks = self.table, self.peaks
        for column, value in equal.items():
            if column not in COLUMNS:
                raise unknown("column of a profile", column, COLUMNS)
            table = _equal(table, column, value)
            if peaks is not None and column in IDENTITY:
                peaks = _equal(peaks, column, value)
        return LayerProfile(table, self.signatures, self.settings, peaks)


def _equal(table: pd.DataFrame, column: str, value: object) -> pd.DataFrame:
    return table[table[column].isna()] if value is None else table[table[column] == value]


def _keys(table: pd.DataFrame) -> list[tuple[str, ...]]:
    """Which curve each row belongs to, as text, in which missing names are equal."""
    return list(table[list(IDENTITY)].astype(str).itertuples(index=False, name=None))
