"""The training package as it is installed, and as other commands start it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from repalign_training import family

from repalign.checkpoints import Checkpoint, making
from repalign.errors import RepalignError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def hostile(tmp_path) -> Path:
    """A folder whose packages `training` and `repalign_training` leave a trace when they are run."""
    for name in ("training", "repalign_training"):
        package = tmp_path / name
        package.mkdir()
        trace = f"import pathlib; pathlib.Path({str(tmp_path / 'trace')!r}).touch()\n"
        (package / "__init__.py").write_text(trace)
        (package / "__main__.py").write_text(trace)
    return tmp_path


def run_in(folder: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_layers_trains_with_the_installed_package_and_never_with_one_in_the_current_folder(hostile):
    # What stands in the folder of its parent makes the real training refuse at once.
    (hostile / "home" / "checkpoints" / "base").mkdir(parents=True)
    (hostile / "home" / "checkpoints" / "base" / "thesis.tex").touch()
    done = run_in(hostile, "-m", "repalign", "layers", "--ckpt", "x-llama-hi", REPALIGN_HOME="home")
    assert done.returncode == 1
    said = done.stderr.splitlines()
    assert said[0] == "repalign: training x-llama-hi first (once; `repalign-train x-llama-hi`)"
    assert said[1].startswith("training: home/checkpoints/base is not empty (thesis.tex)")
    assert said[2] == "repalign: `repalign-train x-llama-hi` failed with exit code 1; see its message above"
    assert len(said) == 3
    assert not (hostile / "trace").exists()


def test_recipes_side_by_side_run_the_package_that_started_them(hostile, tmp_path):
    for name in ("base", "m-llama"):
        (tmp_path / "home" / "checkpoints" / name).mkdir(parents=True)
        (tmp_path / "home" / "checkpoints" / name / "thesis.tex").touch()
    path = [entry for entry in sys.path if entry]  # as for the console script: without the current folder
    start = (
        f"import sys; sys.path[:] = {path!r}; from repalign_training.__main__ import main; sys.exit(main())"
    )
    done = run_in(hostile, "-c", start, "base", "m-llama", REPALIGN_HOME="home")
    assert done.returncode == 1
    assert "training: home/checkpoints/base is not empty" in done.stderr
    assert "training: base failed (see above)" in done.stderr
    assert not (hostile / "trace").exists()


def test_both_names_are_the_same_program_in_a_checkout(tmp_path):
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    short = run_in(tmp_path, "-m", "training", "list", PYTHONPATH=path)
    installed = run_in(tmp_path, "-c", making.START, "list")
    assert short.returncode == installed.returncode == 0, short.stderr + installed.stderr
    assert short.stdout == installed.stdout
    assert "m-llama" in short.stdout


def test_without_the_training_package_one_line_says_so(monkeypatch):
    monkeypatch.setattr(making, "START", making.START.replace("repalign_training", "repalign_absent"))
    with pytest.raises(
        RepalignError, match=r"^cannot train x-llama-hi: .* not installed; reinstall repalign"
    ):
        making.make([Checkpoint.named("x-llama-hi")])


def test_jobs_below_one_are_refused():
    with pytest.raises(RepalignError, match="jobs should be at least 1, not 0"):
        family.train_family([], jobs=0)


def test_a_wheel_has_no_package_called_training(tmp_path):
    pytest.importorskip("setuptools", minversion="77")
    source = tmp_path / "source"  # a copy: building leaves files beside the sources
    source.mkdir()
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("repalign", "training"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    built = run_in(tmp_path, "-m", "pip", "wheel", str(source), "--no-deps", "--no-build-isolation", "-q")
    if "No module named pip" in built.stderr:
        pytest.skip("pip is not installed")
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    files = zipfile.ZipFile(wheel).namelist()
    packages = {file.split("/")[0] for file in files if ".dist-info" not in file}
    assert packages == {"repalign", "repalign_training"}
    for folder, name in (("repalign", "repalign"), ("training", "repalign_training")):
        expected = {
            f"{name}/{path.relative_to(ROOT / folder).as_posix()}"
            for path in (ROOT / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        assert expected <= set(files)
    (entries,) = [file for file in files if file.endswith("entry_points.txt")]
    assert "repalign-train = repalign_training.__main__:main" in zipfile.ZipFile(wheel).read(entries).decode()
