"""What the README says is so."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from repalign.checkpoints import Checkpoint
from repalign.commands.main import COMMANDS, build_parser

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_its_python_runs(llama, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        Checkpoint,
        "named",
        classmethod(lambda cls, spec, named=Checkpoint.named: replace(named(str(llama)), name=spec)),
    )
    code = "\n".join(re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL))
    exec(compile(code, "README.md", "exec"), {})
    assert (tmp_path / "m-llama.html").stat().st_size > 4e6


def test_its_commands_and_options_exist():
    lines = re.findall(r"^\$ (?:python -m )?repalign[. ](\S+)(.*?)(?:#.*)?$", README, flags=re.MULTILINE)
    assert len(lines) >= 6
    for command, rest in lines:
        assert command in COMMANDS, command
        options = set(re.findall(r"--[a-z-]+", rest))
        known = " ".join(_options(command))
        assert all(option in known for option in options), (command, options)


def _options(command: str) -> list[str]:
    parser = build_parser(command)
    (commands,) = [action for action in parser._actions if action.choices and command in action.choices]
    return list(_all_options(commands.choices[command]))


def _all_options(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Its own and those of the commands below it."""
    for action in parser._actions:
        yield from action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from _all_options(below)


def test_its_links_and_recipes_are_there():
    for link in re.findall(r"\]\(((?!http)[^)#]+)\)", README):
        assert (ROOT / link).exists(), link
    from repalign_training.recipe import recipe_names

    for recipe in re.findall(r"-m training (?!list|data|alignment)(\S+)", README):
        assert recipe.strip("`") in recipe_names(), recipe


def test_it_counts_the_families_as_their_table_does():
    (counts,) = re.findall(r"lists (\d+) of transformers' (\d+)", README)
    table = (ROOT / "docs" / "families.md").read_text(encoding="utf-8")
    assert [counts] == re.findall(r"\*\*(\d+) of (\d+) are supported", table)
