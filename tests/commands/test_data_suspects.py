"""`data suspects`: options, what is printed and written, and what is refused."""

from __future__ import annotations

import json

import pytest
from outputs import write_alike

from repalign.commands.main import build_parser, main
from repalign.results.suspects import Suspects


@pytest.fixture
def alike(tmp_path):
    """Forty rows in English and something like Turkish; the Turkish of row 11 is that of row 31."""
    folder = write_alike(tmp_path / "alike")
    rows = (folder / "tr.txt").read_text(encoding="utf-8").splitlines()
    rows[10] = rows[30]
    (folder / "tr.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def test_the_planted_row_is_first_in_text_json_and_tables(alike, llama, tmp_path, capsys):
    command = [
        "data",
        "suspects",
        str(alike),
        "--ckpt",
        str(llama),
        "--top",
        "3",
        "--out",
        str(tmp_path / "out"),
    ]
    assert main(command) == 0
    said = capsys.readouterr().out.splitlines()
    assert "pairs are suspected to be no translations" in said[0]
    assert said[2].split() == ["lang", "row", "score", "kind", "at", "fault", "fits", "text"]
    assert said[3].split()[:3] == ["1", "tr", "11"]
    assert "row 31" in said[3]
    assert main([*command, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    first = record["suspects"][0]
    assert (first["language"], first["sentence"], first["fits"], first["kind"]) == (
        "tr",
        10,
        30,
        "another row",
    )
    assert len(record["suspects"]) == 3
    assert record["page"].endswith("suspects.html")
    found = Suspects.load(tmp_path / "out")
    assert len(found.tables["suspects"]) == 40
    assert len(found.tables["listed"]) == 3
    assert main(["report", str(tmp_path / "out")]) == 0


def test_quiet_prints_the_page_and_no_report_the_tables(alike, llama, tmp_path, capsys):
    command = ["data", "suspects", str(alike), "--ckpt", str(llama), "-q", "--out", str(tmp_path / "out")]
    assert main(command) == 0
    assert capsys.readouterr().out.splitlines() == [str(tmp_path / "out" / "suspects.html")]
    assert main([*command, "--no-report"]) == 0
    assert not (tmp_path / "out" / "suspects.html").exists()


def test_a_missing_cell_is_refused_as_everywhere(alike, llama, capsys):
    rows = (alike / "tr.txt").read_text(encoding="utf-8").splitlines()
    (alike / "tr.txt").write_text("\n".join([*rows[:5], "", *rows[6:]]) + "\n", encoding="utf-8")
    assert main(["data", "suspects", str(alike), "--ckpt", str(llama)]) == 1
    assert "no text in tr.txt, line 6" in capsys.readouterr().err


def test_a_model_that_brings_nothing_together_is_refused(text, llama, tmp_path, capsys):
    command = ["data", "suspects", str(text), "--ckpt", str(llama), "--out", str(tmp_path / "new")]
    assert main(command) == 1
    assert "brings 10% of the pairs together" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["suspects", "everyday"], "expected a checkpoint whose states are read"),
        (
            ["suspects"],
            "expected one corpus, as in `repalign data suspects everyday --ckpt m-llama`, got none",
        ),
        (
            ["suspects", "everyday", "--ckpt", "m", "--strict"],
            "--strict is an option of `repalign data check`",
        ),
        (["everyday", "--top", "5"], "--top is an option of `repalign data suspects`"),
        (["check", "everyday", "--no-store"], "--no-store is an option of `repalign data suspects`"),
        (["everyday", "-q"], "--quiet is an option of `repalign data suspects`"),
    ],
)
def test_options_of_the_other_are_refused(argv, said, capsys):
    with pytest.raises(SystemExit):
        main(["data", *argv])
    assert said in capsys.readouterr().err


def test_a_folder_of_that_name_can_still_be_checked():
    assert build_parser("data").parse_args(["data", "check", "suspects"]).corpus == "suspects"
    assert build_parser("data").parse_args(["data", "./suspects"]).corpus == "./suspects"


def test_a_threshold_of_nothing_is_refused(alike, llama, capsys):
    assert main(["data", "suspects", str(alike), "--ckpt", str(llama), "--threshold", "0"]) == 1
    assert "threshold of suspects should be above 0" in capsys.readouterr().err
