"""Frames of templates."""

from __future__ import annotations

from repalign.models.templates import TEMPLATES


def test_a_frame_is_filled_in_its_own_order_and_only_once():
    prompt = TEMPLATES["input-first"].prompt("Say {input}.", "a {instruction}")
    assert prompt == "a {instruction}\nSay {input}.\n"
    assert TEMPLATES["brief"].prompt("do", "this") == "#do\nthis\n="
    assert TEMPLATES["brief"].prompt("do") == "#do\n="
