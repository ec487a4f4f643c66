"""Results at rest: what is read is what was written, and what cannot be read is named."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from sample import sample_results

from repalign.errors import RepalignError
from repalign.report.profile_text import print_table
from repalign.results.evaluation import Evaluation
from repalign.results.profile import COLUMNS, SCHEMA, LayerProfile
from repalign.results.results import Results

SMALL = {"languages": ("en", "el", "zh"), "layers": 3, "sentences": 24}


@pytest.fixture
def saved(tmp_path):
    sample_results("base", "m-llama", **SMALL).save(tmp_path)
    return tmp_path


def test_what_is_saved_is_read(saved):
    written, read = sample_results("base", "m-llama", **SMALL), Results.load(saved / "profile.parquet")
    assert {path.stat().st_mode & 0o777 for path in saved.iterdir()} == {0o644}, "not for the writer alone"
    assert (read.title, read.about) == (written.title, written.about)
    assert (read.profile.signatures, read.profile.settings) == (
        written.profile.signatures,
        written.profile.settings,
    )
    pd.testing.assert_frame_equal(read.profile.table, written.profile.table)
    assert set(read.tables) == set(written.tables)
    for name, table in read.tables.items():
        pd.testing.assert_frame_equal(table, written.tables[name], check_dtype=False)


def test_tables_of_an_earlier_run_do_not_stay(saved):
    assert "drift" in Results.load(saved).tables
    (saved / "notes.parquet").touch()
    alone = sample_results("m-llama", **SMALL)
    alone.save(saved)
    assert set(Results.load(saved).tables) == set(alone.tables)
    assert (saved / "notes.parquet").exists()


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("profile.json", "{", "are damaged"),
        ("profile.json", "{}", "are damaged"),
        ("profile.parquet", "PAR", "are damaged"),
        ("map.parquet", "PAR", "are damaged"),
        ("profile.json", json.dumps({"schema": SCHEMA + 1}), "upgrade repalign"),
    ],
)
def test_results_that_cannot_be_read_get_one_line(saved, file, text, message):
    (saved / file).write_text(text)
    with pytest.raises(RepalignError, match=message) as caught:
        Results.load(saved)
    assert len(str(caught.value).splitlines()) == 1
    (saved / "profile.json").unlink()
    with pytest.raises(RepalignError, match="no results in"):
        Results.load(saved)


def test_a_damaged_evaluation_gets_one_line(tmp_path):
    for text in ("", "{}", '{"schema": 1, "unheard": 0}'):
        (tmp_path / "evaluation.json").write_text(text)
        with pytest.raises(RepalignError, match="are damaged"):
            Evaluation.load(tmp_path)


def test_the_summary_names_the_nearest_layer_and_the_largest_change(capsys):
    def shown(values, baseline, way="lower"):
        rows = {"checkpoint": "b", "baseline": baseline, "metric": "m", "variant": "raw", "source": "en", "target": "zh",
                "layer": range(3), "value": values}  # fmt: skip
        table = pd.DataFrame({**dict.fromkeys(COLUMNS, 0), **rows})
        print_table(LayerProfile(table, {}, {"closer": {"m": way}}), compare=baseline is not None)
        return capsys.readouterr().err.splitlines()[-1]

    assert "0.200 at  1" in shown([0.9, 0.2, 0.5], None)
    assert "0.900 at  0" in shown([0.9, 0.2, 0.5], None, "higher")
    assert "-0.400 at  2" in shown([0.3, 0.1, -0.4], "a", "higher")
    assert "0.400 at  2" in shown([-0.3, 0.1, 0.4], "a")
    assert "nan at  0" in shown([float("nan")] * 3, None)


def test_the_best_layer_in_a_notebook_is_the_nearest():
    rows = {"checkpoint": "b", "baseline": None, "metric": "m", "variant": "raw", "source": "en", "target": "zh",
            "layer": range(3), "value": [0.9, 0.2, 0.5]}  # fmt: skip
    table = pd.DataFrame({**dict.fromkeys(COLUMNS, 0), **rows})
    for way, best in (("lower", "0.200"), ("higher", "0.900")):
        html = LayerProfile(table, {}, {"closer": {"m": way}})._repr_html_()
        assert [value for value in ("0.900", "0.200", "0.500") if value in html] == [best]
