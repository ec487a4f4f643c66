"""`--out`: nothing of anybody else's is touched, commands share a folder, mistakes are refused before the work."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from outputs import KINDS, OTHERS, command_lines, foreign_files, snapshot, write_runs, write_text

from repalign.commands.main import main
from repalign.results.evaluation import Evaluation
from repalign.results.folder import read_manifest
from repalign.results.inside import Inside
from repalign.results.paths import is_page
from repalign.results.results import Results

TOGETHER = [name for name in KINDS if name != "compare"]
"""Commands whose results can be in one folder; `compare` writes what `layers` writes."""


@pytest.fixture(scope="module")
def commands(tmp_path_factory, llama, save_model) -> Mapping[str, list[str]]:
    root = tmp_path_factory.mktemp("inputs")
    second = save_model(root / "second", seed=1)
    runs = write_runs(root / "runs.csv")
    assert main(["scaling", "fit", str(runs), "--form", "power", "--draws", "3"]) == 0
    return command_lines(llama, second, write_text(root / "text"), runs, root / "fit.json")


@pytest.fixture(scope="module")
def shared(tmp_path_factory, commands) -> Path:
    """A folder of twenty foreign files into which every command has written."""
    root = tmp_path_factory.mktemp("shared")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REPALIGN_HOME", str(root / "home"))
        foreign_files(root / "out")
        before = snapshot(root / "out")
        assert len([name for name in before if "/" not in name]) == 20
        for name in TOGETHER:
            assert main([*commands[name], str(root / "out")]) == 0, name
    after = snapshot(root / "out")
    assert {name: after[name] for name in before} == before
    return root / "out"


@pytest.fixture
def idle(monkeypatch):
    """No model is opened, nothing is fitted, no checkpoint is resolved."""
    named = ["models.engine.Engine.open", "scaling.study.study", "scaling.plan"]
    commands = ("analysis", "verify", "evaluate", "inside", "suspects", "quantisation")
    named += [f"commands.{name}.resolve" for name in commands]
    for name in named:
        monkeypatch.setattr(f"repalign.{name}", lambda *args, **more: pytest.fail("refused too late"))


def refusal(capsys, argv: list[str]) -> str:
    """The line that says why a command is refused."""
    capsys.readouterr()
    assert main(argv) == 1
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    return line


def test_all_kinds_are_read_from_one_folder_and_every_file_is_named(shared):
    assert Results.load(shared).title == Inside.load(shared).title == "tiny-llama on text"
    assert "answers" in Evaluation.load(shared).tables
    manifests = [read_manifest(shared, KINDS[name]) for name in TOGETHER]
    named = {name for manifest in manifests if manifest for name in manifest["files"]}
    written = {path.name for path in shared.iterdir()} - {KINDS[name].manifest for name in TOGETHER}
    assert named == written - set(OTHERS) - {"steps", "dangling", "linked", "unreadable", "empty"}
    assert all(manifest and manifest["complete"] for manifest in manifests)


def test_no_two_kinds_share_the_name_of_a_file():
    kinds = {kind.name: kind for kind in KINDS.values()}.values()
    names = [name for kind in kinds for name in (*kind.files, kind.manifest)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", KINDS)
def test_files_that_look_like_results_are_refused_before_the_work(name, commands, tmp_path, capsys, idle):
    for alike in sorted(KINDS[name].files):
        folder = tmp_path / alike
        foreign_files(folder, alike)
        before = snapshot(folder)
        for more in ([], ["--overwrite"]):
            line = refusal(capsys, [*commands[name], str(folder), *more])
            assert (
                f"{folder} holds {alike}, which repalign has no record of writing there; choose another"
                in line
            )
            assert snapshot(folder) == before


@pytest.mark.parametrize("name", KINDS)
def test_folders_that_cannot_be_written_are_refused_before_the_work(name, commands, tmp_path, capsys, idle):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "to-file").symlink_to("file")
    (tmp_path / "to-nothing").symlink_to("nowhere")
    (tmp_path / "circle").symlink_to("circle")
    before = snapshot(tmp_path)
    for out, what in (
        ("file", "file is a file, expected a folder; choose another"),
        ("file/below", "file is a file, expected a folder; choose another"),
        ("to-file", "to-file is a file, expected a folder; choose another"),
        ("to-nothing", "to-nothing is a link to nothing, expected a folder; choose another"),
        ("to-nothing/below", "to-nothing is a link to nothing, expected a folder; choose another"),
        ("circle", "cannot write"),
        ("x" * 300, "File name too long; choose another"),
    ):
        assert what in refusal(capsys, [*commands[name], str(tmp_path / out)])
    assert "cannot write /proc/self/fd/new" in refusal(capsys, [*commands[name], "/proc/self/fd/new"])
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("name", KINDS)
def test_an_empty_text_is_not_the_current_folder(name, commands, capsys):
    with pytest.raises(SystemExit) as caught:
        main([*commands[name], ""])
    assert caught.value.code == 2
    assert "expected a path, got an empty text; is a shell variable unset?" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["layers", "compare", "evaluate", "inside", "quantisation", "verify"])
@pytest.mark.parametrize("end", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_what_fails_leaves_no_folder(name, end, commands, tmp_path, monkeypatch):
    def fail(*args, **more):
        raise end

    monkeypatch.setattr("repalign.models.engine.Engine.open", fail)
    reading = ("states.extraction.read_states", "quantisation.study.read_subject")
    for module in (*reading, "evaluation.run.evaluate", "inside.run.look_inside"):
        monkeypatch.setattr(f"repalign.{module}", fail)
    monkeypatch.setattr("repalign.verification.run.verify", fail)
    try:
        status = main([*commands[name], str(tmp_path / "a" / "b" / "c")])
    except OSError:
        status = 1
    assert status in (1, 130)
    assert list(tmp_path.iterdir()) == []


def test_a_link_to_a_folder_is_that_folder(commands, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert main([*commands["fit"], str(tmp_path / "link")]) == 0
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "fit.json").is_file()


def test_the_results_of_another_title_are_replaced_only_if_asked(shared, commands, tmp_path, capsys):
    folder = tmp_path / "out"
    shutil.copytree(shared, folder, symlinks=True)
    before = snapshot(folder)
    line = refusal(capsys, [*commands["compare"], str(folder)])
    assert (
        "holds 'tiny-llama on text', not 'tiny-llama against second on text'; choose another --out, or replace it with"
        in line
    )
    assert snapshot(folder) == before
    assert main([*commands["compare"], str(folder), "--overwrite"]) == 0
    assert Results.load(folder).title == "tiny-llama against second on text"
    ours = KINDS["compare"].files | {KINDS["compare"].manifest}
    after = snapshot(folder)
    assert {name: after[name] for name in before if name not in ours} == {
        name: before[name] for name in before if name not in ours
    }


def test_report_redraws_all_that_is_there(shared, tmp_path, capsys):
    folder = tmp_path / "out"
    shutil.copytree(shared, folder, symlinks=True)
    before = snapshot(folder)
    pages = [
        f"{name}.html" for name in ("report", "evaluation", "inside", "suspects", "quantisation", "scaling")
    ]
    for name in pages:
        (folder / name).unlink()
    capsys.readouterr()
    assert main(["report", str(folder)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said == [
        f"wrote {folder}: report.html, evaluation.html, ... (6 files)",
        *(f"open {folder / name}" for name in pages),
    ]
    assert all(is_page(folder / name) for name in pages)
    after = snapshot(folder)
    assert {name for name in before if after[name] != before[name]} == set(pages), "and nothing else"
    line = refusal(capsys, ["report", str(folder), "--title", "T"])
    assert (
        f"holds results of 6 kinds, --out and --title are of one page; choose one of {folder}/profile.json,"
        in line
    )
    assert (
        main(["report", str(folder / "inside.json"), "--title", "T", "--out", str(tmp_path / "t.html")]) == 0
    )
    assert "<bdi>T</bdi>" in (tmp_path / "t.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("out", "more", "message"),
    [
        ("thesis.tex", [], "a page is an .html file; for a figure add --figure"),
        ("index.html", [], "index.html exists and is no page of repalign"),
        ("linked.html", [], "linked.html exists and is no page of repalign"),
        ("dangling.html", [], "dangling.html exists and is no page of repalign"),
        (".", [], "is a folder; expected the name of a file"),
        ("steps", ["--figure", "curves"], "is a folder; expected the name of a file"),
        ("thesis.tex", ["--figure", "curves"], "thesis.tex exists and is no page of repalign"),
        ("new.tex", ["--figure", "curves"], "no figure format named 'tex'"),
        ("figure.svg", ["--figure", "curves"], "figure.svg exists and is no page of repalign"),
        ("curves.svg", ["--figure", "curves"], "curves.svg exists and is no page of repalign"),
        ("thesis.tex/x.html", [], "thesis.tex is a file, expected a folder"),
    ],
)
def test_report_replaces_no_file_but_its_own(out, more, message, shared, tmp_path, capsys):
    folder = tmp_path / "mine"
    foreign_files(folder, "figure.svg")
    (folder / "linked.html").symlink_to("index.html")
    (folder / "dangling.html").symlink_to("nowhere")
    before = snapshot(folder)
    source = str(shared / "profile.json")
    assert message in refusal(capsys, ["report", source, *more, "--out", str(folder / out)])
    assert snapshot(folder) == before


def test_report_draws_a_page_and_a_figure_again(shared, tmp_path, capsys):
    folder = tmp_path / "out"
    shutil.copytree(shared, folder, symlinks=True)
    source, page = str(folder / "profile.json"), str(tmp_path / "new" / "page.html")
    for _ in range(2):
        assert main(["report", source, "--out", page]) == 0
        assert main(["report", str(folder), "--figure", "heatmap", "--format", "json"]) == 0
    assert "curves.svg, which repalign has no record of" in refusal(
        capsys, ["report", source, "--figure", "curves"]
    )
    figure = ["report", source, "--figure", "curves", "--out", str(tmp_path / "c.json")]
    assert main(figure) == 0
    assert "c.json exists and is no page of repalign" in refusal(capsys, figure)
    assert main([*figure, "--overwrite"]) == 0
