"""Tables with declared columns, checked whenever they are made or read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repalign.errors import RepalignError

if TYPE_CHECKING:
    import pandas as pd

INTEGERS = ("int32", "int64", "Int64")
FLOATS = ("float32", "float64")
TEXTS = ("string", "category")


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        name: as in the file.
        dtype: the pandas dtype: one of `INTEGERS`, `FLOATS` or `TEXTS`, or "bool". "Int64" is int64 that may be missing.
        meaning: of a cell.
        unit: of numbers that have one.
        nullable: whether a cell may be missing (NA, in floats NaN); `meaning` says what that means.
        least: the smallest allowed number.
        among: the allowed texts; empty for any.
        formerly: its name in files of schema 1.
        later: whether it was added to schema 2, so that files made before lack it.
    """

    name: str
    dtype: str
    meaning: str
    unit: str = ""
    nullable: bool = False
    least: float | None = None
    among: tuple[str, ...] = ()
    formerly: str = ""
    later: bool = False

    def checked(self, values: pd.Series, where: str) -> pd.Series:
        """The values in the declared dtype.

        Args:
            values: of any dtype that can hold them.
            where: how messages begin, e.g. "out/drift.parquet: table 'drift', ".

        Raises:
            RepalignError: values of another type, missing values where they are not allowed, or values out of range.
        """
        where = f"{where}column {self.name!r}"
        missing = int(values.isna().sum())
        if missing and not self.nullable:
            raise RepalignError(
                f"{where}: expected {self.dtype} without missing values, got {missing} of {len(values)}"
            )
        if missing < len(values) and not self._holds(values):
            raise RepalignError(f"{where}: expected {self.dtype}, got {values.dtype}{_example(values)}")
        if missing == len(values) and self.dtype in FLOATS:
            return values.astype(object).where(values.notna(), float("nan")).astype(self.dtype)
        typed = values.astype(self.dtype)
        if self.least is not None and (wrong := typed[typed < self.least]).size:
            raise RepalignError(f"{where}: expected numbers from {self.least:g}, got {wrong.iloc[0]}")
        if self.among and (wrong := typed[typed.notna() & ~typed.isin(self.among)]).size:
            raise RepalignError(
                f"{where}: expected one of {', '.join(self.among)}, got {str(wrong.iloc[0])[:40]!r}"
            )
        return typed

    def _holds(self, values: pd.Series) -> bool:
        """Whether values, not all of them missing, can be cast without loss of meaning."""
        from pandas.api import types

        if isinstance(values.dtype, types.CategoricalDtype):
            return self.dtype in TEXTS and _is_text(values.cat.categories)
        if self.dtype in TEXTS:
            return _is_text(values)
        if self.dtype == "bool":
            return types.is_bool_dtype(values)
        if types.is_bool_dtype(values) or not (
            types.is_integer_dtype(values) or types.is_float_dtype(values)
        ):
            return False
        return self.dtype in FLOATS or _fits(values, self.dtype)


@dataclass(frozen=True)
class Table:
    """The declaration of one table.

    Attributes:
        name: of the table and its file.
        about: its contents.
        one_row_per: what a row represents.
        columns: in order.
        further: meaning of float64 columns of any name that may follow; empty if none may.
        formerly: its name in folders of a version before 0.2, which have no manifest.
    """

    name: str
    about: str
    one_row_per: str
    columns: tuple[Column, ...]
    further: str = ""
    formerly: str = ""

    @property
    def names(self) -> list[str]:
        """Names of the declared columns, in order."""
        return [column.name for column in self.columns]

    def frame(self, rows: Sequence[Mapping[str, Any]] | pd.DataFrame) -> pd.DataFrame:
        """The table of these rows; cells that a row lacks are missing.

        Raises:
            RepalignError: see `checked`.
        """
        import pandas as pd

        if isinstance(rows, pd.DataFrame):
            return self.checked(rows)
        given = list(dict.fromkeys(name for row in rows for name in row))
        return self.checked(
            pd.DataFrame(rows, columns=[*self.names, *(n for n in given if n not in self.names)])
        )

    def checked(self, rows: pd.DataFrame, file: object = "") -> pd.DataFrame:
        """The same rows with the declared columns, in order and of the declared dtypes.

        Args:
            rows: with these columns, in any order.
            file: where they were read, for messages.

        Raises:
            RepalignError: a column is missing or unknown, or holds invalid values; names file, table and column.
        """
        import pandas as pd

        where = f"{file}: table {self.name!r}, " if file else f"table {self.name!r}, "
        given = [str(name) for name in rows.columns]
        if missing := [name for name in self.names if name not in given]:
            raise RepalignError(f"{where}column {missing[0]!r} is missing; expected {', '.join(self.names)}")
        more = [name for name in given if name not in self.names]
        if len(set(given)) < len(given) or (more and not self.further):
            wrong = next(name for name in given if name in more or given.count(name) > 1)
            raise RepalignError(
                f"{where}column {wrong!r} is unknown or occurs twice; expected {', '.join(self.names)}"
            )
        columns = (*self.columns, *(Column(name, "float64", self.further, nullable=True) for name in more))
        rows = rows.reset_index(drop=True)
        return pd.DataFrame(
            {one.name: one.checked(rows[one.name], where) for one in columns}, index=rows.index
        )

    def renamed(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The rows of a file of schema 1 under today's names."""
        return rows.rename(columns={one.formerly: one.name for one in self.columns if one.formerly})

    def completed(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The rows of an earlier file with the columns that were added later, empty."""
        return rows.assign(**{one.name: None for one in self.columns if one.later and one.name not in rows})


def _is_text(values: Any) -> bool:
    from pandas.api.types import infer_dtype

    return infer_dtype(values, skipna=True) in ("string", "empty")


def _fits(values: pd.Series, dtype: str) -> bool:
    """Whether numbers are whole and within the range of an integer dtype."""
    import numpy as np

    known = values.dropna()
    ends = np.iinfo(dtype.lower())
    whole = bool((known % 1 == 0).all())  # NaN of an infinite number is not 0 either
    # A float64 cannot hold the largest int64 and compares as if it were 2**63, so the end itself is excluded.
    return whole and ends.min <= known.min() and known.max() < ends.max


def _example(values: pd.Series) -> str:
    shown = repr(values.dropna().iloc[:1].tolist()[0])  # as Python has it, without numpy's name
    return f" such as {shown}" if len(shown) <= 40 else ""
