"""`doctor` reports the installation."""

from __future__ import annotations

from repalign.commands.main import main


def test_doctor_says_what_is_here(capsys):
    assert main(["doctor"]) == 0
    assert "torch" in capsys.readouterr().out
