"""Training runs: the score reached with a number of sentence pairs of a language."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from repalign.errors import RepalignError, unknown

if TYPE_CHECKING:
    import pandas as pd

Z95 = 1.959964
"""Half the width of a 95% interval, in standard errors."""


@dataclass(frozen=True)
class Runs:
    """Scores of training runs that differ in the number of pairs.

    Attributes:
        language: language code of each run, [run].
        pairs: sentence pairs, float64 [run].
        score: float64 [run].
        error: standard error of each score from its interval, 0 where it has none, float64 [run].
        top: the highest possible score.
        name: of the score.
        test: name of the test set that each run was scored on, [run]: the error of a test set is common to its runs.
            By default each language has one.

    Raises:
        RepalignError: no runs, or impossible values.
    """

    language: tuple[str, ...]
    pairs: np.ndarray
    score: np.ndarray
    error: np.ndarray
    top: float = 100.0
    name: str = "score"
    test: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "test", self.test or self.language)
        for name in ("pairs", "score", "error"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=float))
        if not len(self.language):
            raise RepalignError("no runs to fit; the table needs one row per run: language, pairs, score")
        for wrong, what, remedy in (
            (~np.isfinite(self.pairs) | (self.pairs <= 0), "no valid number of pairs", "give one above 0"),
            (np.isnan(self.score), "no score", "drop the run, or score it"),
            (self.score < 0, "a negative score", "scores range from 0 to the top of their scale"),
            (self.score > self.top, f"a score above {self.top:g}", "give --top"),
        ):
            if wrong.any():
                row = int(np.flatnonzero(wrong)[0])
                raise RepalignError(
                    f"run {row + 1} ({self.language[row]}, {self.pairs[row]:g} pairs, {self.name} {self.score[row]:g}) "
                    f"has {what}; {remedy}"
                )

    def __len__(self) -> int:
        return len(self.language)

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """Language codes, sorted."""
        return tuple(sorted(set(self.language)))

    @cached_property
    def index(self) -> np.ndarray:
        """Index of each run's language in `languages`, int64 [run]."""
        return np.array([self.languages.index(language) for language in self.language])

    @cached_property
    def sizes(self) -> np.ndarray:
        """The distinct numbers of pairs, ascending."""
        return np.unique(self.pairs)

    @cached_property
    def shared_error(self) -> np.ndarray:
        """Standard error that a test set gives each of its runs, float64 [run, test]; only of test sets that runs share.

        It is the same for all runs of a test set, the root mean square of their errors: errors that grow with the score
        could take the place of the curve.
        """
        of_test = np.array(self.test)[:, None] == np.unique(self.test)  # [run, test]
        variance = (of_test * self.error[:, None] ** 2).sum(0) / np.maximum(of_test[self.error > 0].sum(0), 1)
        return (of_test * np.sqrt(variance))[:, (of_test.sum(0) > 1) & (variance > 0)]

    @cached_property
    def own_error(self) -> np.ndarray:
        """Standard error of each score that no other run shares, float64 [run]."""
        return np.where(self.shared_error.any(1), 0.0, self.error)

    def where(self, kept: np.ndarray) -> Runs:
        """The runs for which `kept`, bool [run], is true."""
        language, test = (
            tuple(name for name, keep in zip(names, kept, strict=True) if keep)
            for names in (self.language, self.test)
        )
        return Runs(language, self.pairs[kept], self.score[kept], self.error[kept], self.top, self.name, test)


def read_runs(
    path: Path, score: str | None = None, top: float | None = None, independent: bool = False
) -> Runs:
    """Read runs from a table with one row per run.

    Args:
        path: .parquet or .csv with columns `language`, `pairs`, the score, and optionally `seed`, the ends of the
            score's 95% interval, `<score>_low` and `<score>_high`, and the name of the `test` set, whose error is common to
            all runs that were scored on it.
        score: column of the score; by default `score`, else `chrf`.
        top: the highest possible score; by default 1 if no score is above 1, else 100.
        independent: whether each run was scored on a test set of its own, so that errors are independent. By default runs
            share the test set named in the table or, without such a column, that of their language.

    Raises:
        RepalignError: no such file or column, impossible values, or the same run twice.
    """
    table = _read(path)
    score = score or ("score" if "score" in table.columns else "chrf")
    for column in ("language", "pairs", score):
        if column not in table.columns:
            raise unknown("column", column, list(table.columns), f"{path} needs language, pairs and a score")
    if table.empty:
        raise RepalignError(f"{path}: no runs to fit; give one row per run: language, pairs, {score}")
    ends = {f"{score}_low", f"{score}_high"} & set(table.columns)
    for column in ("pairs", score, *sorted(ends)):
        if table[column].dtype.kind not in "iuf":
            raise RepalignError(
                f"{path}: column {column!r} should hold numbers, not {table[column].iloc[0]!r}"
            )
    if not all(isinstance(language, str) for language in table["language"]):
        raise RepalignError(
            f"{path}: column 'language' should hold language codes, not {table['language'].iloc[0]!r}"
        )
    if "test" in table.columns and table["test"].isna().any():
        raise RepalignError(
            f"{path}: column 'test' should name the test set of every run; drop the column, or fill it"
        )
    _check_once(path, table, score)
    scores = table[score].to_numpy(float)
    if top is None:
        top = 1.0 if len(scores) and np.nanmax(scores, initial=0) <= 1 else 100.0
    error = np.zeros(len(table))
    if len(ends) == 2:
        width = (table[f"{score}_high"] - table[f"{score}_low"]).to_numpy(float)
        error = np.nan_to_num(np.maximum(width, 0) / (2 * Z95))
    test = range(len(table)) if independent else table["test" if "test" in table.columns else "language"]
    return Runs(
        language=tuple(table["language"]),
        pairs=table["pairs"].to_numpy(float),
        score=scores,
        error=error,
        top=top,
        name=score,
        test=tuple(map(str, test)),
    )


def _read(path: Path) -> pd.DataFrame:
    import pandas as pd

    readers: dict[str, Any] = {".parquet": pd.read_parquet, ".csv": pd.read_csv}
    if path.suffix not in readers:
        raise RepalignError(f"a table of runs is a .parquet or .csv file, not {path.name!r}")
    if not path.is_file():
        raise RepalignError(f"no file {path}; `python analyses/scaling_sweep.py` makes such a table")
    try:
        return readers[path.suffix](path)
    except Exception as error:  # on damaged bytes pandas and arrow raise anything
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise RepalignError(f"cannot read {path}: {reason}") from error


def _check_once(path: Path, table: pd.DataFrame, score: str) -> None:
    """Without a seed column, rows with equal language, pairs and score are duplicates of one run."""
    key = ["language", "pairs", "seed" if "seed" in table.columns else score]
    duplicated = table.duplicated(key)
    if duplicated.any():
        row = table[duplicated].iloc[0]
        run = ", ".join(f"{name} {row[name]}" for name in key)
        raise RepalignError(f"{path}: the same run occurs twice ({run}); drop one, or give each its seed")
