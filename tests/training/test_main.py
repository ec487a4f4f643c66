"""The command line of training."""

from __future__ import annotations

import subprocess
import sys

import pytest
from repalign_training.__main__ import main


@pytest.mark.parametrize(
    ("options", "complaint"),
    [(["--set", "mixture=tekst_en"], "did you mean 'text'"),
     (["--set", "mixture=text_en[0:99999999]"], "past the end"),
     (["--set", "mixture=text_xx"], "xx"),
     (["--set", "train.max_length=2", "--set", "mixture=translation_en-zh[0:9]"], "fits into 2 tokens"),
     (["--set", "model.hidden=3"], "hidden_size"),
     (["--set", "model.num_attention_heads=5"], "do not fit together"),
     (["--set", "train.micro_batch=5"], "does not divide"),
     (["--set", "parent=nobody"], "no checkpoint named 'nobody'"),
     (["--set", "train.schedule=cosin"], "cosin")],
)  # fmt: skip
def test_mistakes_get_one_line_and_leave_nothing(recipe_file, tmp_path, capsys, options, complaint):
    assert main([recipe_file, "--out", str(tmp_path / "out"), *options]) == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("training: ")
    assert complaint in error
    assert not (tmp_path / "out").exists()


def test_a_folder_of_someone_else_is_left_alone(recipe_file, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("\\begin")
    assert main([recipe_file, "--out", str(tmp_path / "out")]) == 1
    assert "thesis.tex" in capsys.readouterr().err
    assert main([recipe_file, "--out", "/proc/nowhere"]) == 1
    assert "cannot write" in capsys.readouterr().err


def test_help_is_fast_and_light():
    code = "import sys, runpy, atexit; sys.argv[1:] = ['--help']\n"
    code += "atexit.register(lambda: print('torch' in sys.modules))\n"
    code += "runpy.run_module('repalign_training', run_name='__main__')"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "RECIPE" in shown
    assert shown.strip().endswith("False")


def test_the_data_of_a_recipe_is_shown_with_what_is_learnt(recipe_file, capsys):
    assert main(["data", recipe_file]) == 0
    shown = capsys.readouterr().out
    assert "translation_en-zh[0:120]" in shown
    assert "#Chinese:\n" in shown
    learnt = shown.split("[[")[1].split("]]")[0]
    assert learnt.endswith("</s>")
    assert any("一" <= char <= "鿿" for char in learnt)
