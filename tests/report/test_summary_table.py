"""The table of best layers in three forms."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from report.factories import NAMES, change, peak, results, rows

from repalign.commands import main as cli
from repalign.errors import RepalignError
from repalign.report.summary_table import summary_table

CLOSER = {"baseline": "base", "chance": np.nan}


def made(**changes):
    return results(
        rows(), rows("ar"), rows(metric="cka"), rows(variant="raw"), change(),
        peak(layers="1-2"), peak("ar", 0.4, p=0.2), peak(metric="cka"), peak(variant="raw", value=0.1),
        peak(value=0.19, **CLOSER), labels=NAMES, **changes,
    )  # fmt: skip


def test_markdown_has_a_row_per_language_and_a_column_per_metric():
    assert summary_table(made(), "md").splitlines() == [
        "| Checkpoint | Language | MEXA | CKA |",
        "| --- | --- | --- | --- |",
        "| tuned | Chinese | 0.29 \\[0.25, 0.33\\]\\* (1–2) | 0.29 \\[0.25, 0.33\\]\\* (1) |",
        "| tuned | Arabic | 0.40 \\[0.36, 0.44\\] (1) |  |",
        "| tuned over base | Chinese | +0.19 \\[+0.15, +0.23\\]\\* (1) |  |",
    ]


def test_latex_is_escaped_and_ruled():
    named = rows(checkpoint="50%_{$x$}"), peak(checkpoint="50%_{$x$}")
    lines = summary_table(results(*named), "latex").splitlines()
    assert lines[:4] == [
        "% \\usepackage{booktabs}",
        "\\begin{tabular}{lll}",
        "\\toprule",
        "Checkpoint & Language & mexa \\\\",
    ]
    assert lines[5] == "50\\%\\_\\{\\$x\\$\\} & Chinese & 0.29 [0.25, 0.33]* (1) \\\\"
    assert lines[-2:] == ["\\bottomrule", "\\end{tabular}"]


def test_csv_holds_the_numbers_as_they_are_saved():
    saved = made()
    table = pd.read_csv(io.StringIO(summary_table(saved, "csv")))
    own = saved.profile.peaks.query("variant == 'centred'")
    assert len(table) == len(own) == 4
    assert sorted(table["value"]) == sorted(own["value"])


def test_rows_are_selected_by_column():
    assert "0.10" in summary_table(made(), "md", variant="raw")
    assert summary_table(made(), "csv", metric="cka").count("\n") == 2
    assert summary_table(made(), "csv", baseline="base").count("\n") == 2


@pytest.mark.parametrize(
    ("chosen", "text"),
    [
        ({"metric": "mexxa"}, "did you mean 'mexa'"),
        ({"metric": "cka", "variant": "raw"}, "no best layer has metric 'cka', variant 'raw'"),
    ],
)
def test_what_selects_nothing_is_an_error(chosen, text):
    with pytest.raises(RepalignError, match=text):
        summary_table(made(), "md", **chosen)


def test_results_of_an_earlier_version_have_none():
    with pytest.raises(RepalignError, match="score them again"):
        summary_table(results(rows()), "md")


def test_the_command_prints_it_or_writes_it(tmp_path, capsys):
    folder = tmp_path / "results"
    made().save(folder)
    before = set(folder.iterdir())
    assert cli.main(["report", str(folder), "--format", "md", "--metric", "mexa"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("| Checkpoint | Language | MEXA |")
    assert set(folder.iterdir()) == before
    out = tmp_path / "table.md"
    assert cli.main(["report", str(folder), "--format", "md", "--metric", "mexa", "--out", str(out)]) == 0
    assert out.read_text(encoding="utf-8") == printed
    assert cli.main(["report", str(folder), "--format", "md", "--layer", "1"]) == 1
    assert "--layer does not select rows" in capsys.readouterr().err
