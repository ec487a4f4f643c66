"""Filters of items."""

from __future__ import annotations

from repalign_training.data.filters import ItemFilter, length_ratio
from repalign_training.data.items import Item
from repalign_training.settings import Filters


def test_filters_count_letters_and_can_be_lifted():
    assert (
        length_ratio("a cat sleeps", "一只猫在睡觉")
        == length_ratio("一只猫在睡觉", "a cat sleeps")
        == 18 / 12
    )
    assert length_ratio("kelime", "") == 6
    copy = Item("t", "OK", "OK", ("en", "zh"))
    lifted = ItemFilter(Filters(identical=True, duplicates=True))
    assert [lifted.accepts(copy), lifted.accepts(copy)] == [True, True]
    assert not ItemFilter(Filters(duplicates=True)).accepts(copy)
    assert not ItemFilter(Filters()).accepts(Item("t", "ＯＫ", " OK", ("en", "zh")))  # as NFKC has it


def test_filters_say_what_they_dropped():
    item_filter = ItemFilter(Filters(length_ratio=3, script=0.5))
    items = [
        Item("t", "a cat sleeps", "一只猫在睡觉", ("en", "zh")),
        Item("t", "a cat sleeps", "一只猫在睡觉", ("en", "zh")),
        Item("t", "OK", "OK", ("en", "zh")),
        Item("t", "a cat", "一只猫在一张很大的床上睡觉,一只狗在看", ("en", "zh")),
        Item("t", "a cat sleeps", "a kitty sleeps", ("en", "zh")),
    ]
    assert [item_filter.accepts(item) for item in items] == [True, False, False, False, False]
    assert item_filter.dropped == {
        "duplicate": 1,
        "copy of its source": 1,
        "odd length": 1,
        "wrong script": 1,
    }
