"""Metric files are a user's code: whatever they do wrong is one line with file and line number, and they run once."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from repalign.commands.main import main
from repalign.errors import RepalignError
from repalign.metrics import METRICS, as_metrics, custom, find, metrics_of_file
from repalign.metrics.contract import related

HEAD = """import repalign
@repalign.metric(label="m", bounds=(0, 1), reference="-")
def mine(pair):
    """
GOOD = f"{HEAD}return 0.5"


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "my.py"


@pytest.mark.parametrize(
    ("source", "say"),
    [
        ("\n1/0", "my.py, line 2: ZeroDivisionError: division by zero"),
        ("import sys; sys.exit(0)", "my.py, line 1: it ends the program by sys.exit(0); remove that"),
        ("raise SystemExit", "my.py, line 1: it ends the program by sys.exit()"),
        ("class Mine(BaseException): ...\nraise Mine('a\\nb')", "my.py, line 2: Mine: a b"),
        ("raise GeneratorExit", "my.py, line 1: GeneratorExit"),
        ("x = 1\ndef (", "my.py, line 2: SyntaxError: invalid syntax"),
        ("x = 'caf\xe9'", "my.py, line 1: SyntaxError: (unicode error) 'utf-8' codec can't decode"),
        ("\0", "my.py: SyntaxError: source code string cannot contain null bytes"),
        ("import nowhere_at_all", "my.py, line 1: No module named 'nowhere_at_all'"),
        ("def f(): f()\nf()", "my.py, line 1: maximum recursion depth exceeded"),
        ("x = 1", "defines no new metric"),
        (GOOD.replace("def mine", "def cka"), "'cka' has the name of a built-in metric"),
        (f"{GOOD}\none = mine\n{GOOD}", "'mine' has the name of another metric in it"),
        (GOOD.replace("(0, 1)", "None"), "my.py, line 2: metric 'mine': bounds must be two numbers"),
        (GOOD.replace("(0, 1)", "(1, 0)"), "bounds must be two numbers (lowest, highest), got (1, 0)"),
        (GOOD.replace('"-"', '"-", chance=3'), "chance must be a function"),
        (GOOD.replace('"-"', '"-", minimum="2"'), "minimum must be a whole number, got '2'"),
        (GOOD.replace('"m"', "3"), "label must be text, got 3"),
        (GOOD.replace('"m"', '"m", name="a\\nb"'), "name must be text on one line"),
    ],
)
def test_a_file_that_defines_no_usable_metric(source, say, file, capsys):
    file.write_bytes(source.encode("latin-1"))
    assert main(["check-metric", str(file)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert say in line


@pytest.mark.parametrize(
    ("body", "say"),
    [
        (
            "1/0",
            "my.py, line 4: metric 'mine' fails on 40 sentences x 8 dims: ZeroDivisionError: division by zero",
        ),
        (
            "raise SystemExit(0)",
            "my.py, line 4: metric 'mine' fails on 40 sentences x 8 dims: it ends the program",
        ),
        ("return None", "metric 'mine' returned NoneType; expected Scores, a number"),
        ('return "0.5"', "metric 'mine' returned str"),
        ("return pair.x", "metric 'mine' returned Tensor"),
        ('return float("inf")', "metric 'mine' returned inf; expected a finite number, or NaN"),
        ("return pair.x[:3, 0]", "metric 'mine' returned (3,) for per_sentence of 40 sentences"),
        ("return repalign.Scores(0.5, influence=[1])", "metric 'mine' returned list for influence"),
        ('return repalign.Scores("x")', "metric 'mine' returned 'x'"),
        ("return repalign.Scores(0.5, null=3)", "metric 'mine' returned the null 3"),
        ('return repalign.Scores(0.5, kind="x")', "the kind 'x'"),
    ],
)
def test_a_metric_that_fails_or_returns_no_score(body, say, file):
    file.write_text(HEAD + body)
    with pytest.raises(RepalignError) as caught:
        find(str(file))(*related(40, 8, 1.0))
    assert say in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_chance_level_that_fails(file):
    file.write_text(GOOD.replace('"-"', '"-", chance=lambda n, d: 1 / 0'))
    with pytest.raises(
        RepalignError, match=r"my.py, line 2: metric 'mine' has no chance level for 40 sentences"
    ):
        find(str(file)).expected(40, 8)


def test_ctrl_c_in_a_metric_is_no_fault_of_its(file):
    file.write_text(f"{HEAD}raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        find(str(file))(*related(40, 8, 1.0))


def test_a_file_runs_once_and_again_when_it_changes(file, tmp_path):
    log = tmp_path / "runs"
    counted = f"open({str(log)!r}, 'a').write('x')\n"
    file.write_text(counted + GOOD)
    first = find(str(file))
    assert find(f"{file}:mine") is first
    assert metrics_of_file(file) == [first] == list(as_metrics([str(file), f"{file}:mine"]))
    assert log.read_text() == "x"
    file.write_text(counted + GOOD.replace("0.5", "0.7"))  # of the same size, within the same second
    assert find(str(file))(*related(40, 8, 1.0)).value == 0.7
    assert log.read_text() == "xx"


def test_a_file_changes_neither_the_program_nor_its_output(file, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    arguments = list(sys.argv)
    file.write_text(
        "import os, sys\nos.chdir('/')\nsys.argv[:] = ['x']\nprint('loaded')\n"
        + HEAD
        + "print('run'); return 0.5"
    )
    find(str(file))(*related(40, 8, 1.0))
    assert (Path.cwd(), sys.argv) == (tmp_path, arguments)
    out = capsys.readouterr()
    assert (out.out, out.err) == ("", "loaded\nrun\n")


def test_a_dataclass_in_a_metric_file(file):
    file.write_text(
        "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass A:\n    x: int\n"
        + GOOD
    )
    assert find(str(file)).name == "mine"


def test_two_metrics_of_one_name_in_two_files(file, tmp_path):
    other = tmp_path / "other.py"
    for path in (file, other):
        path.write_text(GOOD)
    with pytest.raises(RepalignError, match="two metrics are named 'mine'"):
        as_metrics([str(file), str(other)])
    assert [metric.name for metric in as_metrics(["cka", "cka"])] == ["cka"]


def test_check_metric_takes_one_of_several(file, capsys):
    file.write_text(GOOD + GOOD.removeprefix("import repalign").replace("def mine", "def other"))
    main(["check-metric", f"{file}:other"])
    assert "other (m)" in (said := capsys.readouterr().out)
    assert "mine (m)" not in said
    assert main(["check-metric", f"{file}:othr"]) == 1
    assert "did you mean 'other'" in capsys.readouterr().err
    assert main(["check-metric", "cka"]) == 1
    assert "'cka' is no metric file; expected FILE.py" in capsys.readouterr().err


@pytest.mark.parametrize(
    "change",
    [
        ("0.5", "0.4"),
        ("(0, 1)", "(0, 2)"),
        ('"-"', '"-", chance=lambda n, d: 0.1'),
        ("import", "import os; import"),
    ],
)
def test_a_changed_file_changes_the_key_of_saved_results(change, file):
    from repalign.scoring.parts import metric_source

    file.write_text(GOOD)
    before = metric_source(find(str(file)))
    assert before
    file.write_text(GOOD.replace(*change, 1))
    assert metric_source(find(str(file))) not in (before, None)


def test_a_changed_module_beside_changes_it_too(file, tmp_path, monkeypatch):
    from repalign.scoring.parts import metric_source

    monkeypatch.syspath_prepend(tmp_path)
    helper = tmp_path / "helper_of_mine.py"
    helper.write_text("half = 0.5")
    file.write_text("import helper_of_mine\n" + HEAD + "return helper_of_mine.half")
    before = metric_source(find(str(file)))
    helper.write_text("half = 0.7")
    assert metric_source(find(str(file))) != before


def test_a_package_offers_metrics_that_run_only_when_named(monkeypatch, capsys):
    import repalign

    theirs = repalign.metric(name="theirs", label="t", bounds=(0, 1), reference="-")(lambda pair: 0.5)
    loads = {
        "theirs": lambda: theirs,
        "function": lambda: print,
        "another": lambda: theirs,
        "broken": lambda: 1 / 0,
        "leaving": lambda: sys.exit(0),
    }
    points = [SimpleNamespace(name=name, value=f"package:{name}", load=load) for name, load in loads.items()]
    monkeypatch.setattr(custom, "entry_points", lambda group: points if group == "repalign.metrics" else [])
    monkeypatch.setattr(METRICS, "_items", dict(METRICS._items))
    assert main(["list", "metrics"]) == 0
    assert "package:broken" in capsys.readouterr().out
    assert find("theirs") is theirs is find("theirs")
    for name, say in {
        "function": "entry point 'function' (package:function) is builtin_function_or_method, not a metric",
        "another": "is the metric 'theirs'; give both one name",
        "broken": "entry point 'broken' (package:broken): ZeroDivisionError: division by zero",
        "leaving": "it ends the program by sys.exit(0)",
        "thirs": "did you mean 'theirs'",
    }.items():
        with pytest.raises(RepalignError) as caught:
            find(name)
        assert say in str(caught.value)
