"""Versions of a model compared by language, in memory and as a folder: see `repalign.results.schema.QUANTISATION`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repalign.errors import RepalignError
from repalign.results.summary import as_html
from repalign.results.tables import TableSet

if TYPE_CHECKING:
    import pandas as pd


class Quantisation(TableSet):
    """The results of `repalign quantisation`.

    `settings` holds the base, the versions in order from the mildest compression to the harshest, the pivot, the languages,
    and in what each version was saved.
    """

    kind, page, noun = "quantisation", "quantisation.html", "a quantisation"

    def __post_init__(self) -> None:
        super().__post_init__()
        named = [self.settings["base"], *self.settings["order"]]
        if missing := [name for name in named if name not in self.signatures]:
            raise RepalignError(f"{self.noun}: {missing[0]!r} is named in 'settings' and has no signature")

    @property
    def base(self) -> str:
        """Name of the version that the others are compared with."""
        return self.settings["base"]

    @property
    def order(self) -> list[str]:
        """Names of the others, from the mildest compression to the harshest."""
        return self.settings["order"]

    def changes(self, measure: str) -> pd.DataFrame:
        """The rows of the table `losses` that are differences from the base in one measure."""
        losses = self.tables["losses"]
        return losses[losses["baseline"].notna() & (losses["measure"] == measure)]

    def of_base(self, measure: str) -> pd.DataFrame:
        """The rows of the table `losses` that are losses of the base in one measure."""
        losses = self.tables["losses"]
        return losses[(losses["checkpoint"] == self.base) & (losses["measure"] == measure)]

    def _repr_html_(self) -> str:
        """For notebooks: increase of the loss, languages by versions."""
        grid = self.changes("nats_per_token").pivot_table(
            "value", "language", "checkpoint", sort=False, dropna=False
        )
        return super()._repr_html_() + as_html(grid.reindex(columns=self.order), index=True)
