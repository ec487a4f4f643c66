"""`compare`: both checkpoints and their difference."""

from __future__ import annotations

import pandas as pd
import pytest

from repalign.commands.main import main


def test_compare_holds_both_checkpoints_and_their_difference(llama, save_model, text, tmp_path):
    other = save_model(tmp_path / "other", seed=1)
    out = tmp_path / "out"
    assert (
        main(["compare", str(llama), str(other), "--corpus", str(text), "--out", str(out), "--draws", "50"])
        == 0
    )
    table = pd.read_parquet(out / "profile.parquet")
    own = table[table["baseline"].isna()].set_index(
        ["checkpoint", "metric", "variant", "source", "target", "layer"]
    )["value"]
    difference = table[table["baseline"].notna()]
    assert set(difference["checkpoint"]) == {"other"}
    assert set(difference["baseline"]) == {llama.name}
    for row in difference.itertuples():
        key = (row.metric, row.variant, row.source, row.target, row.layer)
        assert row.value == pytest.approx(own[("other", *key)] - own[(llama.name, *key)], abs=1e-9)
    assert (out / "report.html").stat().st_size > 4e6


def test_a_checkpoint_against_itself_differs_nowhere(llama, text, tmp_path):
    import shutil

    twin = shutil.copytree(llama, tmp_path / "twin")
    out = tmp_path / "out"
    assert (
        main(
            [
                "compare",
                str(llama),
                str(twin),
                "--corpus",
                str(text),
                "--out",
                str(out),
                "--no-report",
                "--draws",
                "50",
            ]
        )
        == 0
    )
    table = pd.read_parquet(out / "profile.parquet")
    assert (table[table["baseline"].notna()]["value"].abs() < 1e-12).all()
