"""`extract` fills the store."""

from __future__ import annotations

import pytest

from repalign.commands.main import main


def test_extract_fills_the_store_for_layers(llama, text, tmp_path, capsys, monkeypatch):
    argv = ["--ckpt", str(llama), "--corpus", str(text)]
    assert main(["extract", *argv, "--poolings", "mean,last"]) == 0
    monkeypatch.setattr(
        "repalign.models.engine.Engine.open", lambda *a, **k: pytest.fail("all states were there")
    )
    for pooling in ("mean", "last"):
        assert (
            main(
                [
                    "layers",
                    *argv,
                    "--pooling",
                    pooling,
                    "--out",
                    str(tmp_path / pooling),
                    "--draws",
                    "20",
                    "--no-report",
                ]
            )
            == 0
        )


def test_extract_without_a_store_is_refused(llama, text, capsys):
    for option in ("--stream", "--no-store"):
        assert main(["extract", "--ckpt", str(llama), "--corpus", str(text), option]) == 1
        assert "fills the store" in capsys.readouterr().err
