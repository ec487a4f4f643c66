"""Problems in words: the most severe first, few lines, and every row in the data."""

from __future__ import annotations

import logging

import pytest
from parallel_text import made_text, without

from repalign.corpora import ParallelCorpus
from repalign.corpora.checks import check
from repalign.corpora.problems import MAX_LINES, problems, verdict, warn
from repalign.corpora.shifts import Misalignment


def of_shift(rows: range, offset: int, count: int = 100) -> str:
    (problem,) = problems({}, [Misalignment("shift", "zh", "en", tuple(rows), offset)], {}, count, "en")
    assert problem["rows"] == [*rows]
    return problem["message"]


def test_a_shift_is_said_with_its_rows_and_what_to_do():
    message = of_shift(range(51, 100), -1)
    assert message.startswith(
        "rows 51 to 99 translate rows 52 to 100 of en: zh lacks 1 line or en has 1 line too many"
    )
    assert message.endswith("near row 51; correct the file")
    assert "zh has 2 lines too many or en lacks 2 lines near row 3" in of_shift(range(3, 101), 2)


def test_the_verdict_on_clean_text_is_ok():
    assert verdict(check(ParallelCorpus(made_text(50)))["problems"]) == ["ok"]


def test_the_verdict_names_severe_problems_first_and_never_says_ok_of_them():
    text = made_text(100)
    text["zh"], text["de"] = without(text["zh"], 40), text["en"][:-1] + text["de"][-1:]
    lines = verdict(check(ParallelCorpus(text))["problems"])
    assert lines[0].startswith("misaligned: zh: rows ")
    assert lines[1].startswith("wrong text: de: 99 of 100 rows are those of en")
    assert "ok" not in lines
    assert all("\n" not in line for line in lines)


def test_notes_of_one_kind_are_one_line_and_do_not_spoil_the_verdict():
    text = {language: [*rows, *rows[:2]] for language, rows in made_text(40).items()}
    lines = verdict(check(ParallelCorpus(text))["problems"])
    assert lines[0] == "ok"
    (note,) = [line for line in lines if "repeat an earlier sentence" in line]
    assert note == (
        "note: rows that repeat an earlier sentence: en 2 (rows 41-42), de 2 (rows 41-42), el 2 (rows 41-42), "
        "and 2 more languages"
    )


def test_many_problems_do_not_drown_the_reader():
    found = [Misalignment("shift", f"l{number}", "en", (1, 2, 3), 1) for number in range(50)]
    lines = verdict(problems({}, found, {}, 100, "en"))
    assert len(lines) == MAX_LINES + 1
    assert lines[-1] == f"misaligned: {50 - MAX_LINES} more"


@pytest.mark.parametrize(
    ("kind", "said"), [("disorder", "rows 1-3, 7, 9, ..."), ("swaps", "1 with 2, 2 with 3, 3 with 4, ...")]
)
def test_only_some_rows_are_named(kind, said):
    (problem,) = problems({}, [Misalignment(kind, "zh", "en", (1, 2, 3, 7, 9, 12, 14))], {}, 100, "en")
    assert said in problem["message"]


def test_a_warning_is_one_line_with_the_worst_and_the_number_of_the_others(caplog):
    text = made_text(100)
    text["zh"], text["de"] = without(text["zh"], 40), text["en"]
    with caplog.at_level(logging.WARNING):
        warn("mine", check(ParallelCorpus(text))["problems"])
        warn("clean", check(ParallelCorpus(made_text(50)))["problems"])
    (record,) = caplog.records
    assert record.getMessage().startswith("corpus 'mine': misaligned: zh: rows ")
    assert record.getMessage().endswith("; 1 more by `repalign data check`")
