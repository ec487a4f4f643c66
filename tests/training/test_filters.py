"""Filters of items."""

from __future__ import annotations

from itertools import islice

import pytest
import regex
from flores import FLORES
from repalign_training.data import dropped
from repalign_training.data.dropped import COPY, DUPLICATE, ODD_LENGTH, WRONG_SCRIPT
from repalign_training.data.filters import ItemFilter, check_losses, length_ratio
from repalign_training.data.items import Item, Items
from repalign_training.data.mixture import Term, draw
from repalign_training.settings import Filters

from repalign.corpora.languages import script_of
from repalign.corpora.scripts import scripts_of
from repalign.errors import RepalignError


def test_filters_count_letters_and_can_be_lifted():
    assert (
        length_ratio("a cat sleeps", "一只猫在睡觉")
        == length_ratio("一只猫在睡觉", "a cat sleeps")
        == 18 / 12
    )
    assert length_ratio("kelime", "") == 6
    copy = Item("t", "OK", "OK", ("en", "zh"))
    lifted = ItemFilter(Filters(identical=True, duplicates=True))
    assert [lifted.reason_to_drop(copy), lifted.reason_to_drop(copy)] == [None, None]
    assert ItemFilter(Filters(duplicates=True)).reason_to_drop(copy) == COPY
    assert (
        ItemFilter(Filters()).reason_to_drop(Item("t", "ＯＫ", " OK", ("en", "zh"))) == COPY
    )  # as NFKC has it


def test_filters_name_the_reason_to_drop_an_item():
    item_filter = ItemFilter(Filters(length_ratio=3, script=0.5))
    items = [
        Item("t", "a cat sleeps", "一只猫在睡觉", ("en", "zh")),
        Item("t", "a cat sleeps", "一只猫在睡觉", ("eng", "cmn")),
        Item("t", "OK", "OK", ("en", "zh")),
        Item("t", "a cat", "一只猫在一张很大的床上睡觉,一只狗在看", ("en", "zh")),
        Item("t", "a cat sleeps", "a kitty sleeps", ("en", "zh")),
    ]
    assert [item_filter.reason_to_drop(item) for item in items] == [
        None,
        DUPLICATE,
        COPY,
        ODD_LENGTH,
        WRONG_SCRIPT,
    ]


def letters(script: str, count: int) -> str:
    """Letters of a script of Unicode, none of which is common to several."""
    matching = regex.compile(rf"(?=\p{{Script={script}}})\p{{L}}")
    found = (char for char in map(chr, range(0x41, 0x20000)) if char.isalpha() and matching.match(char))
    return "".join(islice(found, count))


@pytest.mark.parametrize("system", sorted(set(map(script_of, FLORES))))
def test_text_in_the_script_of_a_flores_language_is_never_dropped(system):
    text = " ".join(letters(script, 8) for script in scripts_of(system))
    assert len(text) >= 8
    for code in FLORES:
        if script_of(code) == system:
            for row in range(8):
                item = Item(f"Question {row}?", "", text[row:] + text[:row], (code,))
                assert ItemFilter(Filters(script=1.0)).reason_to_drop(item) is None, code


@pytest.mark.parametrize("code", ["xx", "elvish", "qaa", "x-klingon", "zz_Zzzz"])
def test_text_of_a_language_of_unknown_script_is_never_dropped(code):
    for text in ("latin", "кириллица", "汉字"):
        assert ItemFilter(Filters(script=1.0)).reason_to_drop(Item("t", "", text, (code,))) is None


def test_a_part_that_loses_too_much_is_refused_with_the_reason_an_example_and_a_remedy():
    source = Items(
        8, lambda index: Item("Ask", "", "კატა", ("en",)), lambda index: f"a.json, object {index + 1}"
    )
    limits = Filters(script=0.5, duplicates=True)
    part = draw(Term("a", ("en",)), source, 8, 0, ItemFilter(limits).reason_to_drop)
    assert (part.read, part.items, part.dropped.counts) == (8, (), {WRONG_SCRIPT: 8})
    with pytest.raises(RepalignError) as error:
        check_losses([part], limits.drop_limit)
    assert str(error.value) == (
        "a_en loses 8 of 8 items: 8 wrong script (e.g. a.json, object 1: 'Ask' -> 'კატა'); correct the data, or lower "
        "filters.script (0: no limit), or accept the loss with a filters.drop_limit above 0.5"
    )
    check_losses([part], 1.0)


def test_every_reason_has_a_remedy():
    reasons = {value for name, value in vars(dropped).items() if name.isupper() and isinstance(value, str)}
    assert reasons == set(dropped.REMEDIES)


@pytest.mark.parametrize(
    ("limits", "complaint"),
    [({"script": 50}, "script is a share, 0 to 1, not 50"), ({"drop_limit": -1}, "drop_limit is a share"),
     ({"leakage": 2}, "leakage is a share"), ({"length_ratio": 0.5}, "length_ratio should be at least 1")],
)  # fmt: skip
def test_a_limit_that_means_nothing_is_refused(limits, complaint):
    with pytest.raises(RepalignError, match=complaint):
        Filters(**limits)
