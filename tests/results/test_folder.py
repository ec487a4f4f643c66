"""Folders of results: kills, full disks, processes side by side, hostile manifests, folders of earlier versions."""

from __future__ import annotations

import errno
import json
import os
from itertools import count
from pathlib import Path

import pytest
from factories import sample_results
from outputs import foreign_files, snapshot
from sample_others import sample_evaluation

from repalign.errors import RepalignError
from repalign.report import Report
from repalign.results.evaluation import Evaluation
from repalign.results.folder import LOCK, Kind, Output, read_manifest
from repalign.results.paths import GENERATOR, created, is_page
from repalign.results.results import Results, Stored
from repalign.results.schema import KINDS
from repalign.writes import PARTIAL

NAMES = frozenset({"a.parquet", "b.parquet", "c.parquet", "meta.json", "page.html"})
KIND = Kind("made-up", NAMES)

BEFORE = {"a.parquet": b"a1", "b.parquet": b"b1", "meta.json": b"m1"}
AFTER = {"a.parquet": b"a2", "c.parquet": b"c2", "meta.json": b"m2"}


def output(folder: Path, title: str = "t", overwrite: bool = False) -> Output:
    return Output(folder, KIND, title, overwrite)


def contents(folder: Path) -> dict[str, bytes]:
    """Of the files in a folder, the manifest apart."""
    files = (path for path in folder.iterdir() if path.is_file() and path.name != KIND.manifest)
    return {path.name: path.read_bytes() for path in files}


def in_a_process(act) -> int:
    """Run a function in a copy of this process; its exit code."""
    if (pid := os.fork()) == 0:
        try:
            act()
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def killed_at(moment: int) -> None:
    """Make the next writes end this process at its nth rename or removal of a file."""
    steps = count()
    for name in ("replace", "unlink"):
        done = getattr(Path, name)

        def step(path, *args, done=done, **more):
            if next(steps) == moment:
                os._exit(9)
            return done(path, *args, **more)

        setattr(Path, name, step)


def test_a_kill_at_any_moment_leaves_nothing_unnamed_and_the_next_run_goes_on(tmp_path):
    for moment in count():
        folder = tmp_path / str(moment)
        foreign_files(folder)
        mine = snapshot(folder)
        output(folder).write(BEFORE)

        def act(folder=folder, moment=moment):
            killed_at(moment)
            output(folder).write(AFTER)

        code = in_a_process(act)
        manifest = read_manifest(folder, KIND)
        assert manifest
        left = {name: data for name, data in contents(folder).items() if name in NAMES}
        assert set(left) <= set(manifest["files"]), moment
        if manifest["complete"]:
            assert left in (BEFORE, AFTER), "never a mixture"
        output(folder).write(AFTER)
        assert {name: state for name, state in snapshot(folder).items() if name in mine} == mine
        assert set(snapshot(folder)) == {*mine, *AFTER, KIND.manifest}, "no partial file and no lock stays"
        if code == 0:
            break
    assert moment > 8, "three files, two manifests, a removal, the lock and what is left of partial files"


def complaint(act, *args) -> str | None:
    """What is said where something is refused."""
    try:
        act(*args)
    except RepalignError as error:
        return str(error)
    return None


@pytest.mark.parametrize("before", [{}, BEFORE])
def test_a_full_disk_at_any_moment_changes_nothing(before, tmp_path, monkeypatch):
    opened, left = Path.open, 0

    def full(path, *args, **more):
        nonlocal left
        left -= path.suffix == PARTIAL
        if left < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return opened(path, *args, **more)

    monkeypatch.setattr(Path, "open", full)
    for room in range(len(AFTER) + 2):  # three files and two manifests are written
        folder = tmp_path / str(room) / "a" / "b"
        left = 99
        if before:
            output(folder).write(before)
        paths, left = list(tmp_path.rglob("*")), room
        assert "No space left on device; choose another --out" in str(complaint(output(folder).write, AFTER))
        left = 99
        assert list(tmp_path.rglob("*")) == paths, "folders made for it are removed again"
        assert not before or contents(folder) == before
    left = len(AFTER) + 2
    output(tmp_path / "enough").write(AFTER)


def test_processes_that_write_into_one_folder_do_not_mix_their_files(tmp_path):
    runs = [
        {name: f"{name} of {number}".encode() for name in sorted(NAMES)[: 2 + number % 3]}
        for number in range(6)
    ]

    def act(files):
        for _ in range(15):
            output(tmp_path / "a" / "b").write(files)
            assert contents(tmp_path / "a" / "b")

    children = []
    for files in runs:
        if (pid := os.fork()) == 0:
            try:
                act(files)
                os._exit(0)
            except BaseException:
                os._exit(1)
        children.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * len(runs)
    assert contents(tmp_path / "a" / "b") in runs
    manifest = read_manifest(tmp_path / "a" / "b", KIND)
    assert manifest
    assert manifest["complete"]
    assert set(manifest["files"]) == set(contents(tmp_path / "a" / "b"))


def manifest(folder: Path, **changes: object) -> None:
    folder.mkdir(exist_ok=True)
    described = {"schema": 1, "title": "t", "complete": True, "files": ["a.parquet"], **changes}
    (folder / KIND.manifest).write_text(json.dumps(described))


@pytest.mark.parametrize(
    "files",
    [["../mine.txt"], ["/etc/hostname"], ["thesis.tex"], ["."], [""], ["sub/a.parquet"], ["a.parquet", "x\x00"], [LOCK], [3], "a", None],
)  # fmt: skip
def test_a_manifest_that_names_what_the_kind_has_not_is_refused(files, tmp_path):
    folder = tmp_path / "out"
    foreign_files(folder)
    (tmp_path / "mine.txt").write_text("mine")
    manifest(folder, files=files)
    before = snapshot(tmp_path)
    for overwrite in (False, True):
        with pytest.raises(RepalignError, match=r"made-up\.manifest\.json.*choose another") as caught:
            output(folder, overwrite=overwrite).write(AFTER)
        assert len(str(caught.value).splitlines()) == 1
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize(
    "text", ["", "{}", "[" * 10_000, '{"name": "my app", "icons": []}', "\xff", '{"schema": 9}']
)
def test_a_manifest_of_another_program_is_refused(text, tmp_path):
    (tmp_path / KIND.manifest).write_text(text, encoding="latin-1")
    with pytest.raises(RepalignError, match=r"made-up\.manifest\.json"):
        output(tmp_path).check()
    manifest(tmp_path, schema=2)
    with pytest.raises(RepalignError, match="has schema 2, this repalign reads 1; upgrade it"):
        output(tmp_path).check()
    (tmp_path / KIND.manifest).unlink()
    (tmp_path / KIND.manifest).symlink_to("nowhere")
    with pytest.raises(RepalignError, match=r"cannot read .*made-up\.manifest\.json"):
        output(tmp_path).check()


def test_links_and_folders_under_our_names(tmp_path):
    folder, mine = tmp_path / "out", tmp_path / "mine.parquet"
    mine.write_text("mine")
    output(folder).write(BEFORE)
    for name in (
        "a.parquet",
        "b.parquet",
    ):  # a link in place of a file is replaced or removed, not what it points to
        (folder / name).unlink()
        (folder / name).symlink_to(mine)
    output(folder).write(AFTER)
    assert mine.read_text() == "mine"
    assert contents(folder) == AFTER
    (folder / "a.parquet").unlink()
    (folder / "a.parquet").mkdir()
    with pytest.raises(RepalignError, match=r"holds a\.parquet, which repalign has no record of"):
        output(folder).write(BEFORE)
    for name in ("b.parquet", LOCK):
        other = tmp_path / f"with {name}"
        other.mkdir()
        (other / name).symlink_to("nowhere")
        with pytest.raises(RepalignError, match=f"holds {name}"):
            output(other, overwrite=True).write(BEFORE)
        assert os.readlink(other / name) == "nowhere"


def test_what_a_killed_run_left_is_removed_and_what_looks_alike_is_not(tmp_path):
    mine = [
        ".a.parquet.12345678",
        ".a.parquet.xyz.partial",
        "a.parquet.12345678.partial",
        ".d.parquet.12345678.partial",
    ]
    for name in (*mine, ".a.parquet.12345678.partial", ".made-up.manifest.json.00000000.partial", LOCK):
        (tmp_path / name).touch()
    output(tmp_path).write(BEFORE)
    assert {path.name for path in tmp_path.iterdir()} == {*mine, *BEFORE, KIND.manifest}


def test_a_page_stays_with_its_results(tmp_path):
    """Drawn when the tables are in place; a page of earlier results does not stay beside new ones."""
    page = ("page.html", lambda: GENERATOR + str(sorted(contents(tmp_path))))
    paths = output(tmp_path).write(BEFORE, page)
    assert [path.name for path in paths] == [*BEFORE, "page.html"]
    assert "'meta.json'" in (tmp_path / "page.html").read_text()
    output(tmp_path).write(AFTER)
    assert contents(tmp_path) == AFTER

    def fails() -> str:
        raise RepalignError("nothing to draw")

    with pytest.raises(RepalignError, match="nothing to draw"):
        output(tmp_path).write(BEFORE, ("page.html", fails))
    assert contents(tmp_path) == BEFORE, "the tables are kept"
    (tmp_path / "page.html").write_text(GENERATOR)  # drawn later, in Python
    output(tmp_path).write(AFTER)
    assert contents(tmp_path) == AFTER
    (tmp_path / "alone").mkdir()
    (tmp_path / "alone" / "page.html").write_text(GENERATOR)  # of other results
    with pytest.raises(RepalignError, match=r"holds page\.html"):
        output(tmp_path / "alone").write(AFTER)
    output(tmp_path / "alone", overwrite=True).write(AFTER)


@pytest.mark.parametrize("used", [False, True])
def test_folders_made_for_what_fails_are_removed_unless_somebody_uses_them(used, tmp_path):
    def fails() -> None:
        with created(tmp_path / "a" / "b" / "c"):
            assert (tmp_path / "a" / "b" / "c").is_dir()
            if used:
                (tmp_path / "a" / "mine.txt").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fails()
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] == ["a", "a/mine.txt"][
        : 2 * used
    ]


SMALL = {"languages": ("en", "el", "zh"), "layers": 3, "sentences": 24}


def test_interrupted_results_are_not_read(tmp_path):
    sample_results("m-llama", **SMALL).save(tmp_path)
    path = tmp_path / "profile.manifest.json"
    path.write_text(path.read_text().replace('"complete": true', '"complete": false'))
    with pytest.raises(
        RepalignError, match="interrupted while it wrote there, or is still writing; run the command"
    ):
        Results.load(tmp_path)


@pytest.mark.parametrize("made", [lambda: sample_results("base", "m-llama", **SMALL), sample_evaluation])
def test_a_folder_of_an_earlier_version_is_adopted_only_if_asked(made, tmp_path):
    """Its own files only, under their former names too; a foreign one among them stays and stops it."""
    results, kind = made(), "evaluation" if made is sample_evaluation else "profile"
    folder = tmp_path / "out"
    foreign_files(folder)
    mine = snapshot(folder)
    results.save(folder)
    (folder / f"{kind}.manifest.json").unlink()
    for table in KINDS[kind].values():
        if table.formerly:
            (folder / f"{table.name}.parquet").rename(folder / f"{table.formerly}.parquet")
    before = snapshot(folder)
    type(results).load(folder)
    with pytest.raises(
        RepalignError, match="no record of writing there; choose another --out, or give --overwrite"
    ):
        results.save(folder)
    page = folder / ("evaluation.html" if kind == "evaluation" else "report.html")
    page.write_text("<title>my own</title>")
    with pytest.raises(RepalignError, match=f"holds {page.name}"):
        results.save(folder, overwrite=True)
    page.unlink()
    first = folder / f"{next(iter(results.tables))}.parquet"
    data = first.read_bytes()
    first.write_bytes(b"PAR1 mine")
    with pytest.raises(RepalignError, match="no record of writing there"):
        results.save(folder, overwrite=True)
    assert first.read_bytes() == b"PAR1 mine"
    first.write_bytes(data)
    results.save(folder, overwrite=True)
    after = snapshot(folder)
    assert {name: after[name] for name in mine} == mine
    former = {f"{table.formerly}.parquet" for table in KINDS[kind].values() if table.formerly}
    assert not former & set(after)
    assert set(after) == {name for name in before if name not in former} | {
        *(f"{name}.parquet" for name in (results.tables if kind == "evaluation" else [])),
        *(
            name
            for name in after
            if name in (Evaluation if kind == "evaluation" else Stored).output("").kind.files
        ),
        f"{kind}.manifest.json",
    }


def test_python_replaces_its_own_pages_and_asks_before_others(tmp_path):
    report = Report(sample_results("m-llama", **SMALL))
    page = tmp_path / "new" / "report.html"
    assert report.write(page) == report.write(page) == page
    assert is_page(page)
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(RepalignError, match=r"thesis\.tex exists and is no page of repalign"):
        report.write(tmp_path / "thesis.tex")
    assert (tmp_path / "thesis.tex").read_text() == "mine"
    page.write_text("<!doctype html><title>m-llama · repalign</title>")
    report.write(page)  # of a version before pages had a generator
    page.write_text("<title>mine</title>")
    report.write(page, overwrite=True)
    assert is_page(page)
