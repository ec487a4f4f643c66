"""An evaluation, in memory and as a folder: see `repalign.results.schema.EVALUATION` for its tables."""

from __future__ import annotations

from repalign.errors import RepalignError
from repalign.results.summary import as_html
from repalign.results.tables import TableSet


class Evaluation(TableSet):
    """All that one evaluation found; `settings` holds labels and signatures of scorers, seed, counts of what was cut."""

    kind, page, noun = "evaluation", "evaluation.html", "an evaluation"

    def __post_init__(self) -> None:
        super().__post_init__()
        if missing := set(self.tables["scores"]["checkpoint"]) - set(self.signatures):
            raise RepalignError(
                f"{self.noun}: 'signatures' should have {min(missing)!r}, as the table 'scores' has"
            )

    def label(self, scorer: str) -> str:
        """What figures call a scorer."""
        return self.settings["labels"].get(scorer, scorer)

    @property
    def resampled(self) -> str:
        """What intervals and p-values resample, in words; empty if it is single questions."""
        clusters = self.settings.get("clusters", {})
        return ", ".join(f"resampled by {unit} ({count:,})" for unit, count in clusters.items())

    def _repr_html_(self) -> str:
        """For notebooks: the scores, languages by checkpoints and scorers."""
        scores = self.tables["scores"]
        pairs = zip(scores["checkpoint"], scores["baseline"], strict=True)
        names = [f"{name} minus {other}" if isinstance(other, str) else name for name, other in pairs]
        shown = scores.assign(checkpoint=names, language=scores["language"].fillna("mean"))
        grid = shown.pivot_table("value", "language", ["checkpoint", "scorer"], sort=False, dropna=False)
        return super()._repr_html_() + as_html(grid, index=True)
