"""Every table that repalign writes: `python analyses/tables.py` writes docs/tables.md from the schema."""

from __future__ import annotations

from pathlib import Path

from repalign.results.schema import KINDS, SCHEMA
from repalign.results.table import Table

ROOT = Path(__file__).parents[1]

INTRODUCTION = f"""\
# Tables

Written by `python analyses/tables.py` from `repalign/results/schema.py` (schema {SCHEMA}). Each command leaves a folder with
one JSON file and these tables as parquet; `pandas.read_parquet` reads them without repalign or torch. A table is
checked for its columns, dtypes and values when it is made and when it is read. No two commands share the name of a file,
so one folder can hold the results of all of them ([report.md](report.md#the-folder)). Folders of versions before 0.2 are
read too: then `separation` was called `identity`, `confusions` `neighbours`, `answer_languages` `languages`,
`wins.position_biased` `swayed`, and `interventions.baseline` `untouched`.
"""

COMMANDS = {
    "profile": "repalign layers, repalign compare",
    "evaluation": "repalign evaluate",
    "inside": "repalign inside",
    "suspects": "repalign data suspects",
    "quantisation": "repalign quantisation",
}


def page() -> str:
    parts = [INTRODUCTION]
    for kind, tables in KINDS.items():
        parts.append(f"## {COMMANDS[kind]} ({kind}.json)\n")
        parts += [described(table) for table in tables.values()]
    return "\n".join(parts)


def described(table: Table) -> str:
    """One table in Markdown."""
    rows = [
        f"| `{column.name}` | {column.dtype} | {'yes' if column.nullable else ''} | {column.meaning} | {column.unit} |"
        for column in table.columns
    ]
    if table.further:
        rows.append(f"| any other | float64 | yes | {table.further} | |")
    head = "| column | dtype | may be missing | meaning | unit |\n|---|---|---|---|---|"
    return (
        f"### {table.name}\n\n{table.about[0].upper()}{table.about[1:]}: one row per {table.one_row_per}.\n\n{head}\n"
        + "\n".join(rows)
        + "\n"
    )


if __name__ == "__main__":
    (ROOT / "docs" / "tables.md").write_text(page(), encoding="utf-8")
