"""What the README says is so; its commands and links are tested with those of all pages."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

from repalign.checkpoints import Checkpoint
from repalign.commands.main import main

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


def test_its_numbers_of_the_demo_family_are_those_of_the_command_above_them(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REPALIGN_HOME", str(tmp_path / "home"))
    ((command, shown),) = re.findall(
        r"```console\n\$ repalign (compare [^\n]*)\n(.*?)```", README, flags=re.DOTALL
    )
    assert main(command.split()) == 0
    assert capsys.readouterr().out == shown


def test_its_numbers_of_a_real_model_are_those_of_the_figure():
    figure = json.loads((ROOT / "figures" / "real_model.json").read_text(encoding="utf-8"))
    (caption,) = re.findall(r"^\*(Gemma 3 270M as published.*?)\*$", README, flags=re.DOTALL | re.MULTILINE)
    peaks = {one["target"]: one for one in figure["peaks"]}
    last = [values[-1] for values in figure["by language and layer"].values()]
    shared = figure["shared tokens alone"]
    for language, name in (("hi", "Hindi"), ("vi", "Vietnamese")):
        value, low, high = (f"{peaks[language][part]:.2f}".lstrip("0") for part in ("value", "low", "high"))
        assert f"{value} [{low}, {high}] for {name}" in caption
    ordered = sorted(peaks, key=lambda language: peaks[language]["value"])
    assert (ordered[0], ordered[-1]) == ("hi", "vi")
    assert {one["layers"] for language, one in peaks.items() if language != "zh"} == {"11-12", "11-13"}
    assert peaks["zh"]["layers"] == "13,16"
    assert f"{min(last):.2f} to {max(last):.2f} at the last".replace("0.", ".") in caption.replace("\n", " ")
    assert f"{shared['ar']:.2f} for Arabic, {shared['vi']:.2f} for Vietnamese".replace("0.", ".") in caption
    assert (min(shared, key=shared.get), max(shared, key=shared.get)) == ("ar", "vi")
    assert f"{figure['sentences']} news sentences" in caption
    assert f"({figure['settings']['documents']} documents)" in caption
