"""Rows that are no translations of each other: found where they were planted, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parallel_text import SHARED, doubled, made_text, ntrex, shared_pairs, without

from repalign.corpora import EMBEDDED, open_corpus
from repalign.corpora.row_evidence import OFFSETS, REACH, evidence, features, moved
from repalign.corpora.shifts import NO_OFFSET, Misalignment, best_states, misalignments

with_ntrex = pytest.mark.skipif(not (SHARED / "ntrex").is_dir(), reason="NTREX is not in ../shared")
with_pairs = pytest.mark.skipif(not (SHARED / "pairs").is_dir(), reason="no sentence pairs in ../shared")


def only(found: list[Misalignment]) -> Misalignment:
    assert len(found) == 1, [(one.kind, one.language, one.rows[0], one.rows[-1], one.offset) for one in found]
    return found[0]


@settings(max_examples=60, derandomize=True)  # a statistical claim: other texts may fail it, rarely
@given(
    seed=st.integers(0, 10**6),
    rows=st.integers(1, 400),
    pivot=st.sampled_from(["en", "zh"]),
    two=st.booleans(),
)
def test_aligned_text_has_no_findings(seed, rows, pivot, two):
    assert misalignments(made_text(rows, "en zh" if two else "en de el ru zh", seed), pivot) == []


@settings(max_examples=40, derandomize=True)  # a statistical claim: other texts may fail it, rarely
@given(
    seed=st.integers(0, 10**6), row=st.integers(0, 260), plant=st.sampled_from([without, doubled]), two=st.booleans(),
    language=st.sampled_from(["en", "zh"]),
)  # fmt: skip
def test_a_lost_or_doubled_line_is_found_where_it_is(seed, row, plant, two, language):
    text = made_text(300, "en zh" if two else "en de el ru zh", seed)
    text[language] = plant(text[language], row)
    one = only(misalignments(text, "en"))
    lost = plant is without
    if two:
        language = "zh"  # of two languages none is the right one: the other is compared with the pivot
        lost ^= text["en"] != made_text(300, "en zh", seed)["en"]
    assert (one.kind, one.language, one.offset) == ("shift", language, -1 if lost else 1)
    assert abs(one.rows[0] - 1 - row) <= 8  # nearly always at most 5
    assert one.rows[-1] >= 299


@pytest.mark.parametrize("offset", [-10, -3, -1, 1, 2, 10])
def test_a_shift_of_the_whole_file_is_found(offset):
    text = made_text(200)
    text["el"] = [text["el"][(row - offset) % 200] for row in range(200)]
    one = only(misalignments(text, "en"))
    assert (one.kind, one.language, one.reference, one.offset) == ("shift", "el", "en", offset)
    assert one.rows[0] <= max(1, offset + 1) + 5


def test_lines_lost_in_two_files_misalign_the_rows_between():
    text = made_text(300, "en zh")
    text = {"en": without(text["en"], 50), "zh": without(text["zh"], 120)}
    one = only(misalignments(text, "en"))
    assert (one.language, one.offset) == ("zh", 1)
    assert abs(one.rows[0] - 51) <= 5
    assert abs(one.rows[-1] - 120) <= 5


def test_the_pivot_is_named_where_most_languages_disagree_with_it():
    text = made_text(200)
    text["en"] = without(text["en"], 80)
    one = only(misalignments(text, "en"))
    assert one.language == "en"
    assert one.reference != "en"
    assert one == only(misalignments(text, "de")), "the verdict does not depend on the pivot"


def test_two_shifts_of_a_language_are_both_found():
    text = made_text(400)
    text["ru"] = doubled(without(without(text["ru"], 100), 200), 350)
    found = misalignments(text, "en")
    assert [(one.language, one.offset) for one in found] == [("ru", -1), ("ru", -2), ("ru", -1)]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_shuffled_rows_fit_nowhere(language):
    text = made_text(300)
    np.random.default_rng(0).shuffle(text[language])
    one = only(misalignments(text, "en"))
    assert (one.kind, one.language, one.rows) == ("disorder", language, tuple(range(1, 301)))


def test_rows_shuffled_among_others_are_found():
    text = made_text(500, "en zh")
    part = text["zh"][200:260]
    np.random.default_rng(0).shuffle(part)
    text["zh"][200:260] = part
    one = only(misalignments(text, "en"))
    assert one.kind == "disorder"
    assert len({*one.rows} & {*range(201, 261)}) > 40
    assert len({*one.rows} - {*range(201, 261)}) < 10


def test_swapped_neighbours_are_found_among_aligned_rows():
    text = made_text(800, "en zh")
    swapped = np.random.default_rng(0).choice(400, 30, replace=False) * 2
    for row in swapped:
        text["zh"][row], text["zh"][row + 1] = text["zh"][row + 1], text["zh"][row]
    one = only(misalignments(text, "en"))
    assert one.kind == "swaps"
    assert len({*one.rows} & {*(swapped + 1).tolist()}) >= 10
    assert len({*one.rows} - {*(swapped + 1).tolist()}) <= 1


def test_too_few_rows_say_nothing():
    text = made_text(29, "en zh")
    text["zh"].reverse()
    assert misalignments(text, "en") == []


def test_lengths_that_are_all_equal_say_nothing():
    assert misalignments({"en": ["dog"] * 200, "zh": ["狗"] * 200}, "en") == []


@pytest.mark.parametrize("rows", [30, 60, 200, 1000])
@pytest.mark.parametrize("numbered", [True, False])
def test_sentences_by_few_templates_say_nothing_by_their_lengths(rows, numbered):
    """The longest template of one language may be the shortest of another."""
    frames = {"en": ["a" * 30, "b" * 50, "c" * 20], "zh": ["的" * 20, "一" * 8, "是" * 12]}
    text = {
        language: [f"{of_language[row % 3]}{f' ({row})' * numbered}" for row in range(rows)]
        for language, of_language in frames.items()
    }
    assert misalignments(text, "en") == []


def test_weakly_related_lengths_say_nothing():
    draw = np.random.default_rng(0)
    content, noise = draw.normal(size=(2, 1000))
    text = {
        "en": ["a" * int(max(1, 6 + 2 * length)) for length in content],
        "zh": [
            "的" * int(max(1, 3 + 0.3 * length + noise)) for length, noise in zip(content, noise, strict=True)
        ],
    }
    assert misalignments(text, "en") == []


def test_numbers_count_alike_in_all_digits():
    rows = features({"en": ["in 1984", "no"], "ar": ["في ١٩٨٤", "لا"], "hi": ["१९८४ में", "नहीं"]}).numbers
    assert rows[0, 0] == rows[0, 1] == rows[0, 2] != 0
    assert not rows[1].any()


def test_evidence_of_translations_is_positive_and_of_other_rows_negative():
    fit, unrelated = evidence(features(made_text(300, "en zh")), 0, [1])
    means = fit[REACH:-REACH, 0].mean(axis=0)
    assert means[REACH] > 0.5
    assert np.delete(means, REACH).max() < -0.5
    assert not unrelated.any()


@given(st.lists(st.integers(1, 9), min_size=1, max_size=30), st.sampled_from(OFFSETS))
def test_moved_brings_a_row_to_its_offset(values, offset):
    expected = [values[i + offset] if 0 <= i + offset < len(values) else 0 for i in range(len(values))]
    assert moved(np.array(values), offset).tolist() == expected


def test_best_states_change_only_for_enough_evidence():
    fit = np.full((60, 2, len(OFFSETS)), -3.0)
    fit[..., REACH] = 3
    fit[20:40, 0, REACH] = -3
    fit[20:40, 0, REACH + 2] = 3
    fit[30, 1] = -3
    states = best_states(fit)
    assert states[:, 0].tolist() == [REACH] * 20 + [REACH + 2] * 20 + [REACH] * 20
    assert set(states[:, 1]) == {REACH}, "one row is an exception, no finding"
    fit[20:40, 1] = -3
    assert set(best_states(fit)[20:40, 1]) == {NO_OFFSET}


@pytest.mark.parametrize("name", EMBEDDED)
def test_embedded_corpora_are_aligned_whatever_the_pivot(name):
    text = open_corpus(name).sentences
    assert all(misalignments(text, pivot) == [] for pivot in text)


@with_ntrex
def test_ntrex_is_aligned_whatever_the_pivot():
    text = ntrex()
    assert all(misalignments(text, pivot) == [] for pivot in text)


@with_ntrex
@pytest.mark.parametrize("first", range(0, 1800, 200))
def test_parts_of_ntrex_are_aligned(first):
    part = {language: rows[first : first + 200] for language, rows in ntrex().items()}
    assert misalignments(part, "en") == []


@with_ntrex
@pytest.mark.parametrize("plant", [without, doubled])
@pytest.mark.parametrize("language", ["ar", "de", "el", "es", "fr", "hi", "ru", "tr", "vi", "zh"])
def test_a_lost_or_doubled_line_of_ntrex_is_found_within_five_rows(language, plant):
    text = ntrex()
    for row in np.random.default_rng([*language.encode()]).integers(0, 1970, size=3):
        for others in ({"en": text["en"]}, text):
            one = only(misalignments({**others, language: plant(text[language], row)}, "en"))
            assert (one.kind, one.language, one.offset) == ("shift", language, -1 if plant is without else 1)
            assert abs(one.rows[0] - 1 - row) <= 5


@with_pairs
@pytest.mark.parametrize("rows", [500, 5000])
@pytest.mark.parametrize("language", ["ar", "de", "el", "es", "fr", "hi", "ru", "tr", "vi", "zh"])
def test_sentence_pairs_in_any_order_are_aligned(language, rows):
    for first in range(0, 15_000, 5000):
        assert misalignments(shared_pairs(language, first, rows), "en") == []
