"""What is typed: names by position, lists, near misses, examples; and what is printed: text, JSON, or the page."""

from __future__ import annotations

import argparse
import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from repalign.checkpoints.fetching import OWNED
from repalign.commands.main import COMMANDS, build_parser, main
from repalign.commands.outcome import Outcome
from repalign.commands.parser import Parser
from repalign.errors import RepalignError, near_misses
from repalign.registry import Registry
from repalign.results.titles import default_folder, title_of
from repalign.scoring.spec import ScoringSpec
from repalign.states.spec import ReadingSpec

WITH_CHECKPOINTS = {
    "layers": [],
    "compare": [],
    "inside": [],
    "extract": [],
    "verify": [],
    "evaluate": ["--task", "phrasebook"],
}


def parsed(*argv):
    return build_parser(argv[0]).parse_args(argv)


def usage_error(capsys, *argv) -> str:
    """The one line with which a command line that cannot be read is refused."""
    with pytest.raises(SystemExit) as caught:
        main(list(argv))
    assert caught.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert re.search(r"\(see `repalign[\w -]* --help`\)$", line)
    return line


def parsers(parser: argparse.ArgumentParser):
    """A parser and those of its subcommands."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from parsers(below)


EVERY = [parser for parser in parsers(build_parser(*COMMANDS)) if isinstance(parser, Parser)]
EXAMPLES = sorted({example for parser in EVERY for example in parser.examples})


@pytest.mark.parametrize(("command", "more"), WITH_CHECKPOINTS.items())
def test_checkpoints_are_given_by_position_or_as_an_option(command, more, capsys):
    names = {"compare": ["a", "b"]}.get(command, ["a"])
    assert parsed(command, *names, *more).ckpt == parsed(command, "--ckpt", *names, *more).ckpt == names
    assert "not both; got a" in usage_error(capsys, command, *names, "--ckpt", "c", *more)
    assert ", got none" in usage_error(capsys, command, *more)


@pytest.mark.parametrize(
    ("command", "names"), [("compare", ["a"]), ("compare", ["a", "b", "c"]), ("verify", ["a", "b"])]
)
def test_the_number_of_checkpoints_is_checked(command, names, capsys):
    assert f"got {len(names)} ({' '.join(names)})" in usage_error(capsys, command, *names)


def test_lists_take_spaces_and_commas():
    for langs in (["en", "zh", "hi"], ["en,zh,hi"], ["en,", "zh", "hi"], ["en", "--langs", "zh,hi"]):
        assert parsed("layers", "m", "--langs", *langs).langs == ["en", "zh", "hi"]
    assert parsed("layers", "m", "--layers", "0-2,5", "8").layers == [0, 1, 2, 5, 8]
    assert parsed("layers", "m", "--variants", "raw").variants == ["raw"], "replaces the default"
    assert parsed("layers", "m").variants == ["raw", "centred"]
    assert parsed("evaluate", "m", "--task", "t", "--scorers", "f1", "exact").scorers == ["f1", "exact"]


def test_a_checkpoint_that_a_list_took_is_named(capsys):
    assert "`--langs en zh m-llama` takes all words after it" in usage_error(
        capsys, "layers", "--langs", "en", "zh", "m-llama"
    )
    for swallowed in ("m-llama", "meta-llama/Llama-3.2-1B"):
        said = usage_error(capsys, "layers", "base", "--langs", "en", "zh", swallowed)
        assert f"also {swallowed!r}, which is no language; put checkpoints before the options" in said


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["layer", "m-llama"], "no command named 'layer'; did you mean 'layers'?"),
        (["layers", "m-llama", "--langz", "en"], "no option '--langz'; did you mean '--langs'?"),
        (["layers", "m-llama", "--nothing-like-it"], "no option '--nothing-like-it' (see"),
        (["layers", "m-llama", "--pairs", "al"], "no choice of --pairs named 'al'; did you mean 'all'?"),
        (["layers", "m-llama", "--layers", "3:5"], "expected numbers and ranges such as 0-8,12; got '3:5'; did you mean 3-5?"),
        (["layers", "m-llama", "--draws", "5", "base"], "unexpected 'base'; names stand together, before the options"),
        (["list", "metric"], "no kind named 'metric'; did you mean 'metrics'?"),
        (["scaling", "fot"], "did you mean 'fit'?"),
        (["data", "check"], "expected one corpus, as in `repalign data check everyday`, got none"),
        (["data", "a", "b"], "expected one corpus"),
        (["evaluate", "m-llama"], "required: --task"),
    ],
)  # fmt: skip
def test_a_command_line_that_cannot_be_read_is_refused_in_one_line(argv, said, capsys):
    assert said in usage_error(capsys, *argv)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--langs", "el", "zh"], "the pivot 'en' is in corpus 'text' but not in --langs el zh; add it, as in --langs en el zh, "
         "or compare with another by --pivot el"),
        (["--langs", "el", "zh", "--source", "de"], "corpus 'text' has no 'de', the language to compare with; it has"),
        (["--layers", "0-20"], "no layer 20 in tiny-llama, which has 3 blocks; layers are 0..3"),
        (["--sentences", "3"], "needs at least 6 sentences, got 3"),
        (["--device", "xpu"], "no device 'xpu' on this machine"),
        (["--device", "gpu"], "no device named 'gpu'"),
        (["--metrics", "MEXXA"], "no metric named 'MEXXA'; did you mean 'mexa'?"),
    ],
)  # fmt: skip
def test_what_the_files_already_say_is_refused_before_the_model_is_opened(
    options, said, llama, text, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("repalign.models.engine.Engine.open", lambda *a, **k: pytest.fail("refused too late"))
    out = tmp_path / "new" / "out"
    assert main(["layers", str(llama), "--corpus", str(text), "--out", str(out), *options]) == 1
    assert said in capsys.readouterr().err
    assert not out.parent.exists()


@pytest.mark.parametrize("command", ["extract", "inside"])
def test_a_layer_beyond_the_last_is_refused_at_once(command, llama, text, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([command, str(llama), "--corpus", str(text), "--layers", "9"]) == 1
    assert "no layer 9 in tiny-llama" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_names_are_understood_as_labels_and_in_any_case():
    spec = ScoringSpec(
        metrics=["P@1", "Mexa", "CKA (debiased)"], variants=["Centred", "RAW"], controls=["Random"]
    )  # type: ignore[arg-type]
    assert [metric.name for metric in spec.metrics] == ["p_at_1", "mexa", "cka"]
    assert (spec.variants, spec.controls) == (("centred", "raw"), ("random",))
    reading = ReadingSpec(pooling="Mean-All", template="Alpaca", site="MLP")  # type: ignore[arg-type]
    assert (reading.pooling.name, reading.template, reading.site) == ("mean-all", "alpaca", "mlp")


def test_a_label_of_two_items_names_neither():
    items: Registry[argparse.Namespace] = Registry("item")
    for name in ("one", "two"):
        items.add(name, argparse.Namespace(label="Same"))
    assert items.name_of("same") is None
    with pytest.raises(RepalignError, match="no item named 'same'"):
        items["same"]


def test_near_misses_begin_alike_or_are_spelled_alike():
    assert near_misses("x-llama", ["m-llama", "x-llama-zh", "x-llama-zh-paper"]) == ["x-llama-zh"]
    assert near_misses("M-LLAMA", ["m-llama"]) == ["m-llama"]
    assert near_misses("everday", ["everyday", "phrasebook"]) == ["everyday"]
    assert near_misses("q", ["quadratic", "cka"]) == []


def test_an_early_hub_id_is_explained(monkeypatch, tmp_path, capsys):
    def offline(*args, **more):
        raise OSError("no network")

    monkeypatch.setattr("huggingface_hub.snapshot_download", offline)
    monkeypatch.chdir(tmp_path)
    assert main(["layers", "gpt2"]) == 1
    assert f"(it is now {OWNED['gpt2']!r} there): no network" in capsys.readouterr().err


@pytest.mark.parametrize("parser", EVERY, ids=lambda parser: parser.prog)
def test_every_option_is_explained_with_its_default(parser):
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            continue
        assert action.help, f"{action.option_strings} has no help"
        if action.default not in (None, False, [], argparse.SUPPRESS):
            assert "default" in action.help, f"{action.option_strings} does not say its default"


def test_every_command_has_examples():
    assert [parser.prog for parser in EVERY if not parser.examples] == []


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_can_be_typed(example):
    command = re.search(r"repalign ([^>)]*)", example)
    assert command, example
    argv = shlex.split(command[1])
    assert build_parser(argv[0]).parse_args(argv).run


def quick_layers(model: Path, corpus: Path, out: Path) -> list[str]:
    """A command that takes little time."""
    options = {"--corpus": corpus, "--metrics": "cka", "--draws": 20, "--out": out}
    return ["layers", str(model), *(str(word) for option in options.items() for word in option)]


def test_json_is_one_object_on_stdout(llama, text, tmp_path, capsys):
    out = tmp_path / "out"
    run = quick_layers(llama, text, out)
    assert main([*run, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["title"] == "tiny-llama on text"
    assert found["page"] == str(out / "report.html")
    assert set(found["files"]) == {
        str(path) for path in out.iterdir() if path.name != "profile.manifest.json"
    }
    assert {row["metric"] for row in found["peaks"]} == {"cka"}
    assert found["findings"]
    assert main([*run, "--quiet"]) == 0
    said = capsys.readouterr()
    assert (said.out, said.err) == (f"{out / 'report.html'}\n", "")
    assert main([*run, "--quiet", "--no-report"]) == 0
    assert str(out / "profile.parquet") in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    "argv",
    [["list"], ["list", "metrics"], ["doctor"], ["data", "everyday"], ["cache", "list"], ["scaling", "fit", "x", "--form", "list"]],
    ids=" ".join,
)  # fmt: skip
def test_what_only_prints_can_print_json(argv, capsys, home):
    assert main(argv) == 0
    assert capsys.readouterr().out.strip()
    assert main([*argv, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) is not None


@pytest.mark.parametrize(
    ("options", "printed"),
    [
        ((False, False), ["found", "wrote out: a b.html", "open 'out/a b.html'"]),
        ((False, True), ["out/a b.html"]),
        ((True, False), ['{\n "n": null,\n "files": [\n  "out/a b.html"\n ],\n "page": "out/a b.html"\n}']),
    ],
)
def test_what_was_found_is_printed_before_the_error(options, printed):
    outcome = Outcome(["found"], {"n": float("nan")}, [Path("out/a b.html")], RepalignError("but"))
    lines = outcome.printed(*options)
    assert [next(lines) for _ in printed] == printed
    with pytest.raises(RepalignError, match="but"):
        next(lines)


def test_titles_and_folders_follow_one_rule():
    assert title_of(["m"], "everyday") == "m on everyday"
    assert title_of(["a", "b"], "everyday", compare=True) == "a against b on everyday"
    assert title_of(["a", "b", "c"], "everyday") == "a to c on everyday"
    assert default_folder("a against b on text") == Path("out/a-against-b-on-text")
    assert default_folder("../../x on /etc:y") == Path("out/x-on-etc-y")
    assert len(default_folder("x" * 400).name) < 200


def test_report_names_the_folders_below_and_takes_a_page(llama, text, tmp_path, capsys):
    out = tmp_path / "one"
    assert main(quick_layers(llama, text, out)) == 0
    capsys.readouterr()
    assert main(["report", str(tmp_path)]) == 1
    assert f"give one of the folders in it: {out}" in capsys.readouterr().err
    assert main(["report", str(out / "report.html"), "--quiet"]) == 0
    assert capsys.readouterr().out == f"{out / 'report.html'}\n"
    assert main(["report", str(out), "--figure", "list", "--json"]) == 0
    assert "--metric" in json.loads(capsys.readouterr().out)["figures"]["curves"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_valid(shell, capsys, tmp_path, home):
    assert main(["completion", shell]) == 0
    script = tmp_path / "script"
    script.write_text(capsys.readouterr().out)
    assert "--langs" in script.read_text()
    if binary := shutil.which(shell):
        subprocess.run([binary, "-n", str(script)], check=True)


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("repalign lay", "layers"), ("repalign layers m-l", "m-llama"), ("repalign layers x --lan", "--langs"),
     ("repalign layers x --corpus phr", "phrasebook"), ("repalign scaling al", "allocate")],
)  # fmt: skip
def test_bash_completes(typed, offered, capsys, tmp_path, home):
    assert main(["completion", "bash"]) == 0
    script = tmp_path / "script"
    script.write_text(capsys.readouterr().out)
    words = typed.split()
    ask = (
        f"source {script}; COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; COMP_LINE={typed!r}; "
        f'COMP_POINT={len(typed)}; _shtab_repalign; echo "${{COMPREPLY[@]}}"'
    )
    done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, check=True)
    assert offered in done.stdout.split(), done.stderr
