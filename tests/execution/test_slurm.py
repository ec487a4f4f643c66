"""The example for SLURM, with stand-ins for `sbatch` and, where it matters what is computed only, for `repalign`."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from repalign.commands.main import parsed

SCRIPT = Path(__file__).parents[2] / "docs" / "examples" / "extract.slurm"


@pytest.fixture
def run(tmp_path):
    """run("extract", SLURM_ARRAY_TASK_ID="3"): the command lines of sbatch and repalign that the script starts."""
    said = tmp_path / "said"
    for name in ("sbatch", "repalign"):
        stand_in = tmp_path / "bin" / name
        stand_in.parent.mkdir(exist_ok=True)
        stand_in.write_text(f'#!/bin/bash\nprintf "%q " {name} "$@" >> {said}; echo >> {said}; echo 4711\n')
        stand_in.chmod(0o755)

    def script(*argv: str, **variables: str) -> list[list[str]]:
        said.unlink(missing_ok=True)
        path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
        subprocess.run(["bash", str(SCRIPT), *argv], env={"PATH": path, **variables}, check=True)
        return [shlex.split(line) for line in said.read_text().splitlines()]

    return script


def test_it_submits_two_arrays_and_a_report_one_after_another(run):
    extract, score, report = run()
    assert extract == ["sbatch", "--parsable", "--array=1-64", str(SCRIPT), "extract"]
    assert [line[-1] for line in (extract, score, report)] == ["extract", "score", "report"]
    for later in (score, report):
        assert "--dependency=afterok:4711" in later
    assert "--array=1-64" in score


@pytest.mark.parametrize("stage", ["extract", "score"])
def test_its_jobs_do_all_shares(run, stage):
    lines = [run(stage, SLURM_ARRAY_TASK_ID=str(number))[0][1:] for number in (1, 3, 64)]
    assert [parsed(line).shard for line in lines] == [(1, 64), (3, 64), (64, 64)]


def test_it_scores_what_was_extracted_and_reports_what_was_scored(run):
    lines = [run(stage, SLURM_ARRAY_TASK_ID="1")[0][1:] for stage in ("extract", "score", "report")]
    extracted, scored, reported = map(parsed, lines)
    for option in ("ckpt", "corpus", "dtype", "pooling", "template", "layers", "site", "max_length"):
        assert getattr(extracted, option) == getattr(scored, option) == getattr(reported, option)
    for option in ("pairs", "metrics", "variants", "pivot", "draws", "seed", "clusters"):
        assert getattr(scored, option) == getattr(reported, option)


def test_its_head_is_read_by_sbatch():
    text = SCRIPT.read_text()
    head = re.match(r"#!/bin/bash\n(#.*\n)+", text)
    assert head
    assert len(re.findall(r"^#SBATCH --[a-z-]+=\S+$", head[0], re.M)) == text.count("#SBATCH") >= 5
