"""Every command and every piece of Python in the documentation works; what only runs elsewhere is checked for names and options."""

from __future__ import annotations

import argparse
import importlib.util
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from types import ModuleType

import pytest
from factories import sample_results
from repalign_training.__main__ import _parser as training_parser
from repalign_training.recipe import recipe_names

from repalign.checkpoints import Checkpoint
from repalign.commands.main import COMMANDS, build_parser, main
from repalign.corpora import ParallelCorpus

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]


def _load(name: str) -> ModuleType:
    """A script of `analyses` as a module; the folder is not on the path, where its names would hide those of tests."""
    spec = importlib.util.spec_from_file_location(f"analyses_{name}", ROOT / "analyses" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


snippets = _load("snippets")
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
}
BLOCKS = {page: list(snippets.blocks(text)) for page, text in PAGES.items()}
LINES = [
    (page, command)
    for page, blocks in BLOCKS.items()
    for block in blocks
    if block.language == "console"
    for command in block.commands()
]

XQUAD = r"(\./|data/)xquad"

NOT_RUN = {
    r"^(make|pip|git|cp|export|sbatch|bash|ray|docker|apptainer|accelerate|python analyses/|pytest|\.venv)": "sets up, or is a program of the system",
    r"^(python -m training|repalign-train) ": "trains, or shows what is trained on: tests/training",
    r"meta-llama/|--device cuda": "downloads, or needs a GPU",
    XQUAD: "reads XQuAD, which is not repalign's to ship",
    r"^repalign inside ": "takes minutes: tests/inside",
    r"^repalign quantisation ": "needs GGUF files: tests/quantisation",
    r" \| ": "names alternatives",
    r"--against (states|nnsight|vllm|transformer-lens)": "needs another engine: tests/verification",
    r"^repalign (demo|init)": "tests/commands",
}
"""Commands that are checked for their names and options only -> the reason, and what tests them instead."""

FAST = {"docs/metrics.md", "docs/report.md", "docs/data.md", "docs/tutorials/own-corpus.md"}
"""Pages that run within the quick tests; all others are heavy."""

OTHER_OPTIONS = {
    "--vocab-type": "llama.cpp", "--foo": "an example", "--no-deps": "pip", "--strict": "repalign data check; zensical",
}  # fmt: skip
"""Options of other programs that a text names."""


def test_a_page_has_commands():
    assert len(LINES) > 40
    assert {page for page, _ in LINES} >= {"README.md", "docs/tutorials/own-model.md"}


@pytest.mark.parametrize(("page", "command"), LINES, ids=[f"{page}: {c.line[:50]}" for page, c in LINES])
def test_a_command_exists_with_its_options(page, command):
    for argv in _argvs(command.line):
        _check(argv)


def _argvs(line: str) -> Iterator[list[str]]:
    """The words of a line; of `a b | c` only the first alternative. Empty if the line is a comment."""
    line = re.sub(r"^open \$\((.*?)\)", r"\1", line.split(" | ")[0])
    words = list(takewhile(lambda word: word != ">", shlex.split(line, comments=True)))
    while words and re.match(r"[A-Z_]+=", words[0]):
        words.pop(0)
    if words:
        yield words


def _check(argv: list[str]) -> None:
    if argv[:2] in (["docker", "run"], ["apptainer", "exec"]):  # the command within
        argv = argv[len(argv) - 1 - argv[::-1].index("repalign") :]
    program, *rest = argv
    if argv[:2] == ["python", "-m"]:
        module = argv[2]
        if module.startswith("repalign."):
            program, rest = "repalign", [module.removeprefix("repalign."), *argv[3:]]
        elif module == "training":
            program, rest = "repalign-train", argv[3:]
    if program == "repalign":
        assert rest[0] in COMMANDS or rest[0].startswith("--"), rest[0]
        if rest[0] in COMMANDS:
            build_parser(rest[0]).parse_args(rest)
    elif program == "repalign-train":
        recipes = training_parser().parse_args(rest).recipes
        named = recipes if recipes[0] not in ("list", "data", "alignment") else recipes[1:]
        assert recipes[0] == "alignment" or all(
            name in recipe_names() or name.endswith(".toml") for name in named
        )
    elif program == "make":
        assert re.search(rf"^{rest[0]}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    elif program == "pip":
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        extras = re.findall(r"repalign\[([\w,]+)\]", " ".join(rest))
        assert all(extra in project["optional-dependencies"] for e in extras for extra in e.split(","))
    elif program == "python" and rest[0].startswith("analyses/"):
        assert (ROOT / rest[0]).exists()
    else:
        line = " ".join(argv)
        assert any(re.search(known, line) for known in NOT_RUN), f"unknown program in {line!r}"


def _options() -> set[str]:
    parsers = [*(build_parser(command) for command in COMMANDS), training_parser()]
    return {option for parser in parsers for option in _all_options(parser)} | set(OTHER_OPTIONS)


def _all_options(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Its own and those of the commands below it."""
    for action in parser._actions:
        yield from action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from _all_options(below)


def test_options_named_in_a_text_exist():
    known = _options()
    unknown = {
        (page, option)
        for page, text in PAGES.items()
        for code in re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))
        if not re.match(
            r"(pytest|python -m pytest|llama|pip|cmake|uv|zensical|accelerate|ray |--build-arg)", code
        )
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", code)
        if option not in known
    }
    assert not unknown


RUN = [page for page, blocks in BLOCKS.items() if any(b.language in ("console", "python") for b in blocks)]


@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=[] if page in FAST else [pytest.mark.heavy]) for page in RUN]
)
def test_a_page_runs_from_top_to_bottom(page, workspace, capsys):
    if not page.startswith("docs/tutorials/"):  # tutorials make what they need
        _make_given(workspace)
    names: dict[str, object] = {"__name__": "__main__"}
    for block in BLOCKS[page]:
        if block.title:
            Path(block.title).write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            code = compile(block.text, page, "exec")
            if not re.search(XQUAD, block.text):
                exec(code, names)
        elif block.language == "console":
            for command in block.commands():
                _run(command, capsys)


def _run(command, capsys) -> None:
    marks = {**snippets.ELSEWHERE, **snippets.SLOW}
    if command.is_marked(marks) or any(re.search(known, command.line) for known in NOT_RUN):
        return
    for words in _argvs(command.line):
        argv = words[1:] if words[0] == "repalign" else [words[2].removeprefix("repalign."), *words[3:]]
        argv = [
            path for word in argv for path in (sorted(map(str, Path().glob(word))) if "*" in word else [word])
        ]
        code = main(argv)
        said = capsys.readouterr()
        assert code == 0, (command.line, said.err)


@pytest.fixture
def workspace(tmp_path, monkeypatch, llama):
    """An empty folder, and tiny stand-ins for the demo checkpoints."""

    def stand_in(cls, spec, named=Checkpoint.named):
        if Path(spec.partition("~")[0]).exists() or spec.startswith(("./", "/")):
            return named(spec)
        _, tilde, twin = spec.partition("~")
        return replace(named(f"{llama}{tilde}{twin}"), name=spec, corpus="phrasebook")

    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(Checkpoint, "named", classmethod(stand_in))
    yield llama
    sys.modules.pop("my_metric", None)


def _make_given(model: Path) -> None:
    """What reference pages take as given: a model, parallel text, results, the figures of the project."""
    Path("figures").symlink_to(ROOT / "figures")
    for folder in ("my-model", "runs/m-llama/checkpoint-1", "runs/m-llama/checkpoint-2"):
        shutil.copytree(model, folder)
    Path("my-text").mkdir()
    corpus = ParallelCorpus.named("everyday").select(languages=["en", "zh", "hi"], limit=30)
    for language, sentences in corpus.sentences.items():
        Path("my-text", f"{language}.txt").write_text("\n".join(sentences) + "\n", encoding="utf-8")
    Path("documents.txt").write_text("\n".join(str(row // 3) for row in range(30)) + "\n")
    sample_results("m-llama").save("out/m-llama")
