"""LayerProfile: the tidy table of scores, one row a (checkpoint, metric, variant, pair, layer)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from repalign.errors import RepalignError

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 1
"""Version of the table's columns; a reader refuses a newer one."""

COLUMNS = {
    "checkpoint": "string",
    "baseline": "string",  # NA, or the checkpoint whose value was subtracted (a paired difference)
    "metric": "string",
    "variant": "string",  # raw, centred, ...
    "source": "string",
    "target": "string",
    "layer": "int64",  # 0 = input of block 1, l = output of block l, before the final norm
    "depth": "float64",  # layer / number of blocks
    "value": "float64",
    "low": "float64",  # interval at 95%; NaN where the metric has none
    "high": "float64",
    "chance": "float64",  # analytic, or the mean under permuted translations
    "calibrated": "float64",  # (value - chance) / (best - chance): 0 = shuffled pairs, 1 = identical
    "p": "float64",  # against chance, or against no difference where there is a baseline
    "p_adjusted": "float64",  # Holm over layers and languages
    "sentences": "int64",  # number of sentence groups scored
}


@dataclass(frozen=True)
class LayerProfile:
    """Scores by layer, as a pandas table with exactly the columns of `COLUMNS`. NaN means "none".

    Attributes:
        table: the rows.
        signatures: checkpoint name -> signature of the states it was computed from.
        settings: what else decided the numbers (seed, draws, resamples, interval method, ...).
    """

    table: pd.DataFrame
    signatures: dict[str, str]
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if list(self.table.columns) != list(COLUMNS):
            missing = [c for c in COLUMNS if c not in self.table.columns]
            extra = [c for c in self.table.columns if c not in COLUMNS]
            raise RepalignError(
                f"a profile's table has exactly the columns {', '.join(COLUMNS)}; missing {missing}, extra {extra}"
            )
        object.__setattr__(self, "table", self.table.astype(COLUMNS).reset_index(drop=True))

    def __len__(self) -> int:
        return len(self.table)

    def _repr_html_(self) -> str:
        """For notebooks: the best layer of every score, or the largest difference."""
        table = self.table
        sign = table["metric"].map(self.settings.get("closer", {})).map({"lower": -1}).fillna(1)
        worth = (table["value"] * sign).where(table["baseline"].isna(), table["value"].abs()).fillna(-1e9)
        keys = ["checkpoint", "baseline", "metric", "variant", "source", "target"]
        best = worth.groupby([table[key] for key in keys], sort=False, dropna=False).idxmax()
        columns = [*keys, "layer", "value", "low", "high", "chance", "p_adjusted", "sentences"]
        shown = table.loc[best, columns].to_html(
            index=False, float_format="{:.3f}".format, max_rows=40, na_rep=""
        )
        return f"<p>{len(table):,} scores; the best layer of each:</p>{shown}"

    def joined(self, other: LayerProfile) -> LayerProfile:
        """The rows of both, e.g. of two checkpoints and of their difference."""
        import pandas as pd

        table = pd.concat([self.table, other.table], ignore_index=True)
        return LayerProfile(
            table, {**self.signatures, **other.signatures}, {**self.settings, **other.settings}
        )

    def where(self, **equal: object) -> LayerProfile:
        """The rows whose columns equal the given values, e.g. `where(metric="mexa", target="zh")`."""
        table = self.table
        for column, value in equal.items():
            if column not in COLUMNS:
                raise RepalignError(f"a profile has no column {column!r}; it has {', '.join(COLUMNS)}")
            table = table[table[column].isna()] if value is None else table[table[column] == value]
        return LayerProfile(table, self.signatures, self.settings)
