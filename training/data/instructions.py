"""Requests for a translation, in English and in the six other languages."""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from repalign import RepalignError
from repalign.corpora.languages import canonical, language_name
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
        source, target: language codes, in any spelling.
        index: which paraphrase, modulo their number; 0 is the one that evaluation uses.
        asked_in: language of the instruction, or "source" or "target".
        brief: the shortest wording, for models so small that longer ones would be most of the training text.

    Raises:
        RepalignError: no instructions in that language, or no name for one of the languages in it.
    """
    requests = _requests(source, target, {"source": source, "target": target}.get(asked_in, asked_in), brief)
    return requests[index % len(requests)]


@lru_cache(maxsize=4096)
def _requests(source: str, target: str, asked_in: str, brief: bool) -> list[str]:
    table = _table().get(canonical(asked_in))
    if table is None:
        raise unknown("language of instructions", asked_in, _table())
    into = _named(target, table["into"], asked_in)
    out_of = _named(source, table.get("from", table["into"]), asked_in)
    asks = [table["brief"]] if brief else table["asks"]
    return [ask.replace("{target}", into).replace("{source}", out_of) for ask in asks]


def _named(language: str, names: dict[str, str], asked_in: str) -> str:
    """The name of a language; that of a script or region that is not the usual one is known in English only."""
    if name := names.get(canonical(language)):
        return name
    if canonical(asked_in) == "en" and language_name(language) != language:
        return language_name(language)
    raise RepalignError(
        f"no name for language {language!r} in {asked_in}; ask in English, or add it to instructions.toml"
    )
