"""What the README says is so; its commands and links are tested with those of all pages."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from repalign.checkpoints import Checkpoint

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


def test_it_counts_the_families_as_their_table_does():
    (counts,) = re.findall(r"lists (\d+) of transformers' (\d+)", README)
    table = (ROOT / "docs" / "families.md").read_text(encoding="utf-8")
    assert [counts] == re.findall(r"\*\*(\d+) of (\d+) are supported", table)
