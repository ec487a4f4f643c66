"""Parallel files of lines: what is said of empty lines and unequal counts must be right in each case."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from repalign.corpora import open_corpus
from repalign.errors import RepalignError

NTREX = Path(__file__).parents[3] / "shared" / "data" / "ntrex"


def texts(count=60, seed=0):
    """Sentences of two languages whose lengths agree, as those of translations do."""
    rng = random.Random(seed)
    words = [rng.randint(1, 40) for _ in range(count)]
    return {
        "en": [f"s{row} " + "word " * n for row, n in enumerate(words)],
        "zh": [f"句{row}" + "字" * (2 * n + rng.randint(0, 2)) for row, n in enumerate(words)],
    }


def write(folder, languages):
    for language, rows in languages.items():
        (folder / f"{language}.txt").write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    return str(folder)


def message(folder):
    with pytest.raises(RepalignError) as caught:
        open_corpus(str(folder))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_surplus_empty_lines_of_one_file_are_deleted_there(tmp_path):
    """NTREX's first release: 45 empty lines too many in one language."""
    languages = texts()
    languages["zh"][5:5], languages["zh"][20:20] = [""], ["\u200b"]
    said = message(write(tmp_path, languages))
    assert "zh.txt has 62 lines, 2 of them empty (6, 21)" in said
    assert "every file has 60: delete the empty lines from the files named" in said
    assert "every file," not in said


def test_a_row_without_translation_is_dropped_from_every_file(tmp_path):
    languages = texts()
    languages["zh"][6] = languages["zh"][8] = " "
    assert "zh.txt, line 7, 9; drop line 7, 9 from every file" in message(write(tmp_path, languages))


def test_the_same_row_without_text_in_all_files_is_dropped_from_all(tmp_path):
    languages = texts()
    languages["en"][6] = languages["zh"][6] = ""
    assert "drop line 7 from every file" in message(write(tmp_path, languages))


@pytest.mark.parametrize("seed", range(5))
def test_one_empty_line_in_each_of_two_files_is_judged_by_lengths(tmp_path, seed):
    """Dropping both everywhere would leave every row between them misaligned, or right, and only lengths know."""
    surplus, missing = texts(seed=seed), texts(seed=seed)
    surplus["en"].insert(10, "")
    surplus["zh"].insert(45, "")
    missing["en"][10] = missing["zh"][45] = ""
    for name, languages in (("a", surplus), ("b", missing)):
        (tmp_path / name).mkdir()
        write(tmp_path / name, languages)
    assert "these are surplus: delete each empty line from its own file only" in message(tmp_path / "a")
    assert "translations are missing there: drop line 11, 46 from every file" in message(tmp_path / "b")


def test_where_lengths_decide_nothing_both_cases_are_explained(tmp_path):
    languages = texts()
    languages["en"].insert(10, "")
    languages["zh"].insert(12, "")
    said = message(write(tmp_path, languages))
    assert "if translations are missing there, drop" in said
    assert "if the lines are surplus, delete" in said


@pytest.mark.parametrize("surplus", ["\n", "\n\n \n", "\u200e\n", "\r\n"])
def test_empty_lines_at_the_end_do_not_count(tmp_path, surplus):
    languages = texts(count=4)
    write(tmp_path, languages)
    with (tmp_path / "en.txt").open("a", newline="") as file:
        file.write(surplus)
    assert len(open_corpus(str(tmp_path))) == 4


def test_a_missing_last_translation_is_no_empty_end(tmp_path):
    languages = texts(count=4)
    languages["zh"][3] = ""
    assert "zh.txt, line 4; drop line 4 from every file" in message(write(tmp_path, languages))


def test_unequal_counts_are_named_before_anything_else(tmp_path):
    languages = texts(count=6)
    languages["zh"] = [*languages["zh"][:2], "", *languages["zh"][2:4]]
    said = message(write(tmp_path, languages))
    assert "en.txt has 6" in said
    assert "zh.txt has 5 (1 empty)" in said
    assert "drop" not in said


def test_a_file_without_text_is_named(tmp_path):
    for content in ("", "\n\n", " \u200b\n"):
        write(tmp_path, texts(count=3))
        (tmp_path / "zh.txt").write_text(content)
        assert "zh.txt holds no text" in message(tmp_path)


@pytest.mark.skipif(not NTREX.is_dir(), reason="needs NTREX beside the checkout")
@pytest.mark.parametrize("seed", range(8))
def test_obeying_the_advice_restores_ntrex(tmp_path, seed):
    """Whatever empty lines were added to or left in its files, doing what the message says gives parallel rows again."""
    rng = random.Random(seed)
    clean = {
        lang: (NTREX / f"{lang}.txt").read_text(encoding="utf-8").split("\n")[:200]
        for lang in ("en", "zh", "ar")
    }
    damaged = {language: list(rows) for language, rows in clean.items()}
    for language, row in zip(("en", "zh", "ar"), rng.sample(range(20, 180), 3), strict=True):
        damaged[language].insert(row, "")
    if seed % 2:
        damaged["ar"] = list(clean["ar"])  # then counts differ
    write(tmp_path, damaged)
    said = message(tmp_path)
    if "delete" not in said:
        assert seed % 2 == 0
        pytest.fail(said)
    for language in clean:
        path = tmp_path / f"{language}.txt"
        lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        named = re.search(rf"{language}\.txt(?:, line| has \d+ lines, \d+ of them empty \()", said)
        path.write_text("\n".join(line for line in lines if line or not named), encoding="utf-8")
    assert {k: list(v) for k, v in open_corpus(str(tmp_path)).sentences.items()} == {
        language: [row.strip() for row in rows] for language, rows in clean.items()
    }
