"""Requests for a translation, in English and in the six other languages."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from repalign import RepalignError
from repalign.corpora.languages import language_name
from repalign.errors import unknown
from repalign.files import read_toml


@cache
def _table() -> dict[str, Any]:
    return read_toml(Path(__file__).with_name("instructions.toml"))


def translation_request(
    source: str, target: str, index: int = 0, asked_in: str = "en", brief: bool = False
) -> str:
    """An instruction to translate.

    Args:
        source, target: language codes.
        index: which paraphrase, modulo their number; 0 is the one that evaluation uses.
        asked_in: language of the instruction.
        brief: the shortest wording, for models so small that longer ones would be most of the training text.

    Raises:
        RepalignError: no instructions in that language, or no name for one of the languages in it.
    """
    if asked_in not in _table():
        raise unknown("language of instructions", asked_in, _table())
    table = _table()[asked_in]
    ask = table["brief"] if brief else table["asks"][index % len(table["asks"])]
    into, out_of = table["into"], table.get("from", table["into"])
    return ask.replace("{target}", _named(target, into, asked_in)).replace(
        "{source}", _named(source, out_of, asked_in)
    )


def _named(language: str, names: dict[str, str], asked_in: str) -> str:
    if language in names:
        return names[language]
    if asked_in == "en" and language_name(language) != language:
        return language_name(language)
    raise RepalignError(
        f"no name for language {language!r} in {asked_in}; ask in English, or add it to instructions.toml"
    )
