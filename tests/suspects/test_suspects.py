"""Suspects on states and texts in which faults are planted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from planted_pairs import counted, moved, pairs

from repalign.errors import RepalignError
from repalign.states.layer_states import LayerStates
from repalign.suspects.scoring import suspects_of


def scored(states: LayerStates) -> pd.DataFrame:
    return suspects_of(states, "en", progress=False).table


def first(states: LayerStates, count: int) -> list[tuple[str, int, str]]:
    rows = scored(states).head(count)
    return list(zip(rows["language"], rows["sentence"], rows["kind"], strict=True))


def test_a_clean_corpus_has_few_suspects_and_none_by_its_states():
    table = scored(pairs())
    assert len(table) == 600
    assert table["suspected"].sum() <= 6
    assert table["meaning"].max() < 5


def test_the_text_of_a_neighbour_is_found_with_its_row():
    found = scored(moved(pairs(), "el", [50, 120], [51, 119])).head(2)
    assert set(zip(found["language"], found["sentence"], found["fits"], strict=True)) == {
        ("el", 50, 51),
        ("el", 120, 119),
    }
    assert list(found["kind"]) == ["neighbour", "neighbour"]
    assert list(found["together"]) == [0, 0]
    assert list(found["side"]) == ["translation", "translation"]


def test_rows_that_slipped_together_are_shifted_and_a_distant_partner_is_another_row():
    assert {kind for *_, kind in first(moved(pairs(), "zh", [60, 61, 62], [61, 62, 63]), 3)} == {"shifted"}
    assert first(moved(pairs(), "zh", [60], [150]), 1) == [("zh", 60, "another row")]


def test_a_row_suspected_in_all_languages_is_a_bad_source():
    found = scored(moved(pairs(), "en", [70], [130]))
    of_row = found[found["sentence"] == 70]
    assert set(of_row["side"]) == {"source"}
    assert set(of_row["suspected_in"]) == {3}
    assert set(found.head(3)["sentence"]) == {70}


def test_of_one_language_nobody_can_say_which_side_is_at_fault():
    found = scored(moved(pairs(languages=("en", "el")), "el", [50], [51]))
    assert (found.iloc[0]["sentence"], found.iloc[0]["side"]) == (50, "")


def test_a_text_in_another_language_is_named():
    assert first(moved(pairs(), "tr", [33], [33], of="el"), 1) == [("tr", 33, "wrong language")]
    assert first(moved(pairs(), "el", [34], [34], of="en"), 1) == [("el", 34, "wrong language")]


def test_half_a_text_is_truncated():
    states = pairs()
    texts = {language: list(rows) for language, rows in states.texts.items()}
    texts["el"][80] = texts["el"][80][: len(texts["el"][80]) // 8]
    assert first(replace(states, texts=texts, token_counts=counted(texts)), 1) == [("el", 80, "truncated")]


def test_another_number_is_found_although_the_states_are_the_same():
    states = pairs()
    row = next(place for place, text in enumerate(states.texts["el"]) if text.split()[-1].isdigit())
    texts = {language: list(rows) for language, rows in states.texts.items()}
    texts["el"][row] = " ".join([*texts["el"][row].split()[:-1], "77777"])
    assert first(replace(states, texts=texts), 1) == [("el", row, "number")]


def test_rows_with_one_text_in_the_pivot_are_no_rivals():
    states = pairs()
    texts = {language: list(rows) for language, rows in states.texts.items()}
    arrays = {language: np.array(array) for language, array in states.arrays.items()}
    for language in states.languages:  # sixty rows that say the same
        texts[language][:60] = [texts[language][0]] * 60
        arrays[language][:, :60] = arrays[language][:, :1]
    table = scored(replace(states, texts=texts, arrays=arrays, token_counts=counted(texts)))
    repeated = table[table["sentence"] < 60]
    assert not repeated["suspected"].any()
    assert repeated["fits"].isna().all()


def test_rows_that_are_all_alike_are_refused():
    states = pairs(60)
    texts = {language: [rows[0]] * 60 for language, rows in states.texts.items()}
    with pytest.raises(RepalignError, match="30 different sentences, not 1"):
        suspects_of(replace(states, texts=texts), "en")


def test_too_few_rows_and_one_language_are_refused():
    with pytest.raises(RepalignError, match="30 different sentences, not 20"):
        suspects_of(pairs(20), "en")
    with pytest.raises(RepalignError, match="two or more languages"):
        suspects_of(pairs(languages=("en",)), "en")


def test_languages_that_no_layer_brings_together_are_left_out_or_refused():
    good, noise = pairs(), pairs(seed=5)
    arrays = {**good.arrays, "zh": noise.arrays["zh"]}
    found = suspects_of(replace(good, arrays=arrays), "en", progress=False)
    assert set(found.readings) == {"el", "tr"}
    assert found.unread["zh"] < 0.1
    two = replace(good, arrays={"en": good.arrays["en"], "zh": noise.arrays["zh"]})
    with pytest.raises(RepalignError, match="no layer of arrays brings 10% of the pairs together"):
        suspects_of(two, "en", progress=False)


def test_the_layer_that_brings_nothing_together_does_not_count():
    for read in suspects_of(pairs(), "en", progress=False).readings.values():
        assert read.working.tolist() == [False, True, True]


def test_the_same_states_give_the_same_ranks_and_ties_stand_in_the_order_of_the_corpus():
    states = moved(pairs(), "el", [50], [51])
    pd.testing.assert_frame_equal(scored(states), scored(states))
    table = scored(states)
    assert list(table["rank"]) == list(range(1, len(table) + 1))
    assert table["score"].is_monotonic_decreasing
    both = table.groupby("score").filter(lambda rows: len(rows) > 1)
    assert all(rows["sentence"].is_monotonic_increasing for _, rows in both.groupby(["score", "language"]))
