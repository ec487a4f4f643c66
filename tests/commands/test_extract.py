"""`extract` fills the store."""

from __future__ import annotations

import json

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


def test_two_shares_fill_the_store_for_layers(llama, text, tmp_path, capsys, monkeypatch):
    argv = ["--ckpt", str(llama), "--corpus", str(text)]
    for share in ("1/2", "2/2"):
        assert main(["extract", *argv, "--shard", share, "--json"]) == 0
    record = json.loads(capsys.readouterr().out.split("\n}\n")[1] + "\n}")
    assert record["shards"] == record["computed"]
    assert record["states"][0]["languages"] == 3
    monkeypatch.setattr(
        "repalign.models.engine.Engine.open", lambda *a, **k: pytest.fail("all states were there")
    )
    assert main(["layers", *argv, "--out", str(tmp_path / "out"), "--draws", "20", "--no-report"]) == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--shard", "0/4"], "expected I/N with I from 1 to N, such as 3/64; got '0/4'"),
        (["--shard", "5/4"], "expected I/N"),
        (["--devices", "0,1", "--processes", "2"], "give --devices or --processes, not both"),
        (["--devices", "0", "--device", "cpu"], "give --device or --devices, not both"),
        (["--address", "auto"], "--address is for --engine ray"),
        (["--gpus-per-actor", "2"], "--gpus-per-actor is for --engine ray"),
        (["--engine", "ray", "--shard", "1/4"], "leave out --shard"),
        (["--engine", "rya"], "did you mean 'ray'?"),
    ],
)
def test_options_that_do_not_fit_each_other_are_refused(options, said, capsys):
    with pytest.raises(SystemExit):
        main(["extract", "m-llama", *options])
    assert said in capsys.readouterr().err


def test_devices_that_the_machine_does_not_have_are_refused(llama, text, capsys):
    assert main(["extract", str(llama), "--corpus", str(text), "--devices", "hpu"]) == 1
    assert "no device 'hpu' on this machine" in capsys.readouterr().err
