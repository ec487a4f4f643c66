"""The command line, end to end: both spellings, the files it writes, one line for every mistake."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from repalign.commands.main import COMMANDS, main
from repalign.errors import RepalignError, exit_code
from repalign.results.profile import COLUMNS
from repalign.writes import PARTIAL

ROOT = Path(__file__).parents[2]


def python(*argv, **environment):
    return subprocess.run(
        [sys.executable, *argv],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )


def test_help_is_fast_and_needs_no_torch():
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        shown = python("-m", "repalign", "--help")
        seconds.append(time.perf_counter() - start)
    assert shown.returncode == 0
    assert all(command in shown.stdout for command in COMMANDS)
    assert min(seconds) < 0.6


@pytest.mark.parametrize(
    "argv",
    [
        ["--help"],
        ["layers", "--help"],
        *(["list", k] for k in ("checkpoints", "corpora", "metrics", "tasks")),
    ],
)
def test_help_and_list_import_no_torch(argv):
    code = (
        "import sys\nfrom repalign.commands.main import main\n"
        f"try: main({argv!r})\nexcept SystemExit: pass\n"
        "assert not {'torch', 'transformers', 'plotly', 'pandas'} & set(sys.modules)"
    )
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_both_spellings_give_the_same_results(llama, text, tmp_path, home):
    options = ["--ckpt", str(llama), "--corpus", str(text), "--draws", "50"]
    short = python("-m", "repalign.layers", *options, "--out", str(tmp_path / "a"), REPALIGN_HOME=str(home))
    long = python("-m", "repalign", "layers", *options, "--out", str(tmp_path / "b"), REPALIGN_HOME=str(home))
    for done, out in ((short, tmp_path / "a"), (long, tmp_path / "b")):
        assert done.returncode == 0, done.stderr
        written = set(os.listdir(out)) - {"profile.manifest.json"}
        *table, files, page = done.stdout.splitlines()
        assert any("MEXA" in line for line in table)
        assert files == f"wrote {out}: report.html, profile.parquet, ... ({len(written)} files)"
        assert page == f"open {out / 'report.html'}"
        assert {"report.html", "profile.parquet", "profile.json"} <= written
    a, b = (pd.read_parquet(tmp_path / out / "profile.parquet") for out in "ab")
    pd.testing.assert_frame_equal(a, b)
    assert list(a.columns) == list(COLUMNS)
    assert set(a["metric"]) >= {"p_at_1", "mexa", "cosine_gap", "cka"}
    assert set(a["variant"]) == {"raw", "centred"}
    assert set(a["layer"]) == {0, 1, 2, 3}
    assert ((a["low"] <= a["value"] + 1e-9) & (a["value"] <= a["high"] + 1e-9)).all()
    about = json.loads((tmp_path / "a" / "profile.json").read_text())
    assert "layers" in about["about"]["command"]
    assert str(llama.name) in next(iter(about["signatures"].values()))


def test_usage_errors_exit_with_two():
    for argv in (
        [],
        ["layers"],
        ["layers", "--ckpt", "x", "--layers", "a-b"],
        ["layers", "--ckpt", "x", "--layers", "4-2"],
        ["layers", "--ckpt", "x", "--variants", ","],
        ["layers", "--ckpt", "x", "--seed", "-1"],
        ["nonsense"],
        ["layers", "--ckpt", "x", "--draws", "0"],
    ):
        with pytest.raises(SystemExit) as caught:
            main(argv)
        assert caught.value.code == 2


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"--ckpt": "m-lama"}, "no checkpoint named 'm-lama'; did you mean 'm-llama'?"),
        ({"--corpus": "evryday"}, "did you mean 'everyday'"),
        ({"--langs": "en,xh"}, "no language named 'xh'; did you mean 'zh'?"),
        ({"--metrics": "mexxa"}, "no metric named 'mexxa'; did you mean 'mexa'?"),
        ({"--variants": "center"}, "did you mean 'centred'"),
        ({"--pooling": "mena"}, "did you mean 'mean'"),
        ({"--template": "alpca"}, "did you mean 'alpaca'"),
        ({"--reducer": "umapp"}, "did you mean 'umap'"),
        ({"--control": "radom"}, "did you mean 'random'"),
        ({"--pivot": "de"}, "no language named 'de'"),
        ({"--sentences": "2"}, "at least"),
        ({"--langs": "en"}, "give two or more in --langs"),
        ({"--ckpt": "/nowhere"}, "no folder /nowhere"),
    ],
)
def test_a_mistake_gets_one_line_and_leaves_nothing(llama, text, tmp_path, capsys, change, expected):
    out = tmp_path / "out"
    options = {"--ckpt": str(llama), "--corpus": str(text), "--out": str(out), "--draws": "20", **change}
    assert main(["layers", *(word for pair in options.items() for word in pair)]) == 1
    captured = capsys.readouterr()
    complaint = [line for line in captured.err.splitlines() if expected in line]
    assert len(complaint) == 1, captured.err
    assert captured.err.splitlines()[-1] == complaint[0]
    assert captured.out == ""
    assert not out.exists() or list(out.iterdir()) == []


def test_an_output_folder_that_cannot_be_written_is_told_before_the_work(
    llama, text, tmp_path, capsys, monkeypatch
):
    (tmp_path / "file").touch()
    monkeypatch.setattr(
        "repalign.models.engine.Engine.open", lambda *a, **k: pytest.fail("reported too late")
    )
    assert (
        main(["layers", "--ckpt", str(llama), "--corpus", str(text), "--out", str(tmp_path / "file" / "out")])
        == 1
    )
    assert "choose another --out" in capsys.readouterr().err


def test_a_full_disk_leaves_no_half_results(llama, text, tmp_path, capsys, monkeypatch):
    out = tmp_path / "out"
    opened = Path.open

    def full(path, *args, **kwargs):
        if out in path.parents and path.suffix == PARTIAL:
            raise OSError(errno.ENOSPC, "No space left on device")
        return opened(path, *args, **kwargs)

    monkeypatch.setattr(Path, "open", full)
    assert (
        main(["layers", "--ckpt", str(llama), "--corpus", str(text), "--out", str(out), "--draws", "20"]) == 1
    )
    assert "No space left" in capsys.readouterr().err
    assert not out.exists()


def test_a_demo_checkpoint_is_not_trained_when_that_is_refused(capsys):
    assert main(["layers", "--ckpt", "x-llama-hi", "--no-train"]) == 1
    assert "repalign-train x-llama-hi" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
@pytest.mark.parametrize("options", [[], ["--no-store"]])
def test_ctrl_c_and_sigterm_are_answered_in_one_line(
    number, code, word, options, llama, text, tmp_path, capsys, monkeypatch, request
):
    def stopped(*args, **kwargs):
        os.kill(os.getpid(), number)
        time.sleep(60)

    # A shell starts a job in the background with SIGINT ignored, and so would this test be.
    ignored = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, ignored))
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr("repalign.states.extraction.read_states", stopped)
    command = [
        "layers",
        "--ckpt",
        str(llama),
        "--corpus",
        str(text),
        "--out",
        str(tmp_path / "out"),
        *options,
    ]
    assert main(command) == code
    resumes = "" if options else " to resume from the stored states"
    assert capsys.readouterr().err.splitlines()[-1] == f"repalign: {word}; rerun the same command{resumes}"
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RepalignError("wrong"), "x: wrong"),
        (MemoryError(), "x: out of memory; read fewer"),
        (
            FileNotFoundError(36, "File name too long", "a\nb"),
            "x: a b: File name too long; give another path",
        ),
    ],
)
def test_what_a_user_can_remedy_is_one_line(error, said, capsys, monkeypatch):
    def fails():
        raise error

    assert exit_code("x", fails) == 1
    printed = capsys.readouterr().err
    assert printed.startswith(said)
    assert printed.count("\n") == 1
    monkeypatch.setenv("REPALIGN_DEBUG", "1")
    with pytest.raises(type(error)):
        exit_code("x", fails)


def test_an_error_of_the_program_is_not_hidden():
    for error in (OSError("no file"), KeyError("x")):

        def fails(error=error):
            raise error

        with pytest.raises(type(error)):
            exit_code("x", fails)
