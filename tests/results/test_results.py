"""Results as files: what is read is what was written, of this schema or the one before."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import pandas as pd
import pytest
from factories import complete, sample_results
from sample_others import sample_evaluation, sample_inside, sample_quantisation

from repalign.errors import RepalignError
from repalign.figures.view import View
from repalign.report.findings.words import with_interval
from repalign.report.profile_text import side_by_side, table_lines
from repalign.results.evaluation import Evaluation
from repalign.results.inside import Inside
from repalign.results.layer_ranges import layer_set
from repalign.results.profile import LayerProfile
from repalign.results.results import Results
from repalign.results.schema import KINDS, RESULTS, SCHEMA

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
        pd.testing.assert_frame_equal(table, written.tables[name])


@pytest.mark.parametrize("made", [sample_evaluation, sample_inside, sample_quantisation])
def test_what_other_commands_save_is_read(made, tmp_path):
    written = made()
    assert [path.name for path in written.save(tmp_path)][-1] == f"{written.kind}.json", "written last"
    read = type(written).load(tmp_path)
    assert (read.title, read.signatures, read.settings, read.about) == (
        written.title,
        written.signatures,
        written.settings,
        written.about,
    )
    assert list(read.tables) == list(KINDS[written.kind]), "the samples have every table"
    for name, table in read.tables.items():
        pd.testing.assert_frame_equal(table, written.tables[name])
        declared = {column.name: column.dtype for column in KINDS[written.kind][name].columns}
        dtypes = {str(column): str(dtype) for column, dtype in table.dtypes.items()}
        assert {column: dtypes[column] for column in declared} == declared


def test_tables_of_an_earlier_run_do_not_stay(saved):
    assert "drift" in Results.load(saved).tables
    (saved / "notes.parquet").touch()
    alone = sample_results("m-llama", **SMALL)
    alone.save(saved, overwrite=True)
    assert set(Results.load(saved).tables) == set(alone.tables)
    assert (saved / "notes.parquet").exists()


def as_schema_1(folder, kind: str) -> None:
    """Turn a saved folder into one of schema 1, which had no manifest."""
    (folder / f"{kind}.manifest.json").unlink()
    path = folder / f"{kind}.json"
    meta = json.loads(path.read_text()) | {"schema": 1}
    if kind == "inside":
        for name, own in meta["settings"].pop("checkpoints").items():
            meta["settings"][name] = {"tokens of languages": own["tokens"], "notes": own["notes"]}
    path.write_text(json.dumps(meta))
    for table in KINDS[kind].values():
        if table.formerly:
            (folder / f"{table.name}.parquet").rename(folder / f"{table.formerly}.parquet")
    columns = {"wins": {"position_biased": "swayed"}, "interventions": {"baseline": "untouched"}}
    for name, renamed in columns.items():
        if (path := folder / f"{name}.parquet").is_file():
            rows = pd.read_parquet(path).rename(columns=renamed)
            rows = rows.astype({"layer": "float64"}) if name == "interventions" else rows
            rows.to_parquet(path, index=False)


@pytest.mark.parametrize(
    ("kind", "name", "column"),
    [("evaluation", "wins", "p_adjusted"), ("inside", "interventions", "controls")],
)
def test_a_folder_made_before_a_column_was_added_is_read_without_its_cells(kind, name, column, tmp_path):
    made = {"evaluation": sample_evaluation, "inside": sample_inside}[kind]()
    made.save(tmp_path)
    path = tmp_path / f"{name}.parquet"
    pd.read_parquet(path).drop(columns=column).to_parquet(path, index=False)
    before = type(made).load(tmp_path).tables[name]
    assert before[column].isna().all()
    pd.testing.assert_frame_equal(before.drop(columns=column), made.tables[name].drop(columns=column))


@pytest.mark.parametrize("kind", ["profile", "evaluation", "inside"])  # the kinds of then
def test_a_folder_of_schema_1_is_read_under_todays_names(kind, tmp_path):
    made = {
        "profile": lambda: sample_results("base", "m-llama", **SMALL),
        "evaluation": sample_evaluation,
        "inside": sample_inside,
    }[kind]()
    made.save(tmp_path)
    now = type(made).load(tmp_path)
    as_schema_1(tmp_path, kind)
    before = type(made).load(tmp_path)
    assert before.title == now.title
    assert list(before.tables) == list(now.tables)
    for name, table in before.tables.items():
        pd.testing.assert_frame_equal(table, now.tables[name])
    if kind != "profile":
        assert before.settings == now.settings


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("profile.json", "{", "profile.json is not valid JSON"),
        (
            "profile.json",
            "{}",
            "profile.json: object missing required field 'schema'; run the command that wrote it again",
        ),
        ("profile.json", '{"schema": true}', "profile.json: 'schema': expected 'int', got 'bool'"),
        ("profile.json", json.dumps({"schema": SCHEMA}), "object missing required field 'title'"),
        ("profile.json", json.dumps({"schema": 0}), "has schema 0, expected 1 to 2"),
        ("profile.json", json.dumps({"schema": SCHEMA + 1}), "upgrade repalign"),
        ("profile.json", "[" * 100_000, "profile.json is not valid JSON"),
        ("profile.json", '{"schema": 2, "about": ' + "[" * 60 + "]" * 60 + "}", "nested more than 40 levels"),
        ("profile.json", '{"schema": 2, "title": "\\ud800"}', "profile.json is not valid JSON"),
        ("profile.parquet", "PAR", "profile.parquet is not a readable parquet file"),
        ("map.parquet", "PAR", "map.parquet is not a readable parquet file"),
    ],
)
def test_results_that_cannot_be_read_get_one_line(saved, file, text, message):
    (saved / file).write_text(text)
    with pytest.raises(RepalignError) as caught:
        Results.load(saved)
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    (saved / "profile.json").unlink()
    with pytest.raises(RepalignError, match="no results in"):
        Results.load(saved)


def test_a_wrong_table_is_named_with_file_column_and_what_was_expected(saved):
    def complaint(table: pd.DataFrame) -> str:
        table.to_parquet(saved / "drift.parquet")
        with pytest.raises(RepalignError) as caught:
            Results.load(saved)
        return str(caught.value).removeprefix(f"{saved}/drift.parquet: table 'drift', column ")

    drift = pd.read_parquet(saved / "drift.parquet")
    assert complaint(drift.drop(columns="layer")).startswith("'layer' is missing; expected checkpoint, ")
    assert complaint(drift.assign(more=1)).startswith("'more' is unknown or occurs twice")
    assert complaint(drift.assign(layer="a")).endswith("such as 'a'")
    assert complaint(drift.assign(layer=0.5)) == "'layer': expected int64, got float64 such as 0.5"
    assert complaint(drift.assign(layer=-1)) == "'layer': expected numbers from 0, got -1"
    assert complaint(drift.assign(language=None)).startswith("'language': expected string without missing")
    assert complaint(drift.assign(value=True)).startswith("'value': expected float64, got bool")


def test_a_damaged_evaluation_gets_one_line(tmp_path):
    for text in ("", "{}", '{"schema": 1, "unheard": 0}'):
        (tmp_path / "evaluation.json").write_text(text)
        with pytest.raises(RepalignError, match=r"evaluation\.json"):
            Evaluation.load(tmp_path)


def test_tables_made_in_memory_are_held_to_their_columns():
    profile = sample_results("m-llama", **SMALL).profile
    with pytest.raises(RepalignError, match="unknown table 'identity'; expected profile, peaks, map"):
        Results("x", profile, {"identity": pd.DataFrame()})
    with pytest.raises(RepalignError, match="table 'tree', column 'checkpoint' is missing"):
        Results("x", profile, {"tree": pd.DataFrame({"step": [0]})})
    with pytest.raises(RepalignError, match="a look inside without the table 'lens'; got none"):
        Inside("x", {}, {}, {"pivot": "en", "languages": [], "checkpoints": {}})
    with pytest.raises(
        RepalignError, match=r"an evaluation: settings: 'labels': expected 'object', got 'array'"
    ):
        Evaluation("x", {}, {}, {"labels": [], "scorers": {}, "truncated": {}})
    with pytest.raises(RepalignError, match="hold JSON types only"):
        Results("x", profile, about={"versions": {"a": "1"}, "now": object()}).save("/nowhere")


def test_a_frame_has_the_declared_order_and_dtypes_whatever_rows_say():
    rows = [{"value": 1, "layer": 2.0, "checkpoint": "m", "language": "en", "measure": "norm", "detail": ""}]
    table = RESULTS["geometry"].frame(rows)
    assert list(table.columns) == RESULTS["geometry"].names
    assert table.iloc[0].to_dict() | {"depth": 0} == rows[0] | {"depth": 0}
    empty = RESULTS["map"].frame([])
    assert {column.name: column.dtype for column in RESULTS["map"].columns} == dict(empty.dtypes.map(str))


def test_a_page_a_repr_and_an_html_repr_are_short_enough_to_read():
    whole = sample_results("base", "m-llama", **SMALL)
    assert repr(whole.profile).startswith("LayerProfile(")
    many = [whole.profile.table.assign(target=f"{'long name ' * 9}{n}") for n in range(30)]
    crowd = pd.concat(many)
    for name in ("checkpoint", "metric", "variant", "source"):
        crowd[name] = [f"{n % 40} {'long name ' * 9}" for n in range(len(crowd))]
    crowded = LayerProfile(crowd, {})
    assert len(repr(crowded)) < 300
    assert len(repr(Results("title " * 50, crowded, whole.tables))) < 300
    for made in (whole, whole.profile, sample_evaluation(), sample_inside("a name " * 30)):
        assert len(repr(made)) < 300
        assert "<table" in made._repr_html_()
    assert "exact" in sample_evaluation()._repr_html_()
    assert "<b>" not in sample_inside("<b>x</b>")._repr_html_()


def with_peaks(value: float = 0.2, baseline: str | None = None, **changes: object) -> LayerProfile:
    """A profile of one language with its best layer, or its largest difference from a baseline."""
    curve = {
        "checkpoint": "b",
        "baseline": baseline,
        "metric": "m",
        "variant": "raw",
        "source": "en",
        "target": "zh",
    }
    scores = complete(RESULTS["profile"], [{**curve, "layer": layer, "value": 0.9} for layer in range(3)])
    best = {**curve, "layer": 1, "layers": "0-1", "value": value, "low": 0.1, "high": 0.3, "p_adjusted": 0.04}
    return LayerProfile(scores, {"b": "b@1|news#2|raw"}, {}, complete(RESULTS["peaks"], [best | changes]))


@pytest.mark.parametrize(
    ("peak", "line"),
    [
        ({}, "en-zh  0.20 [0.10, 0.30]* layers 0-1"),
        ({"p_adjusted": 0.06}, "en-zh  0.20 [0.10, 0.30]"),
        ({"value": 0.004, "low": float("nan"), "layers": "1"}, "en-zh  0.0040* layer 1"),
        (
            {"baseline": "a", "value": -0.4, "low": -0.5, "high": -0.3},
            "en-zh  -0.40 [-0.50, -0.30]* layers 0-1",
        ),
    ],
)
def test_the_terminal_shows_the_cross_fitted_value_and_the_layers_that_may_be_the_best(peak, line):
    """Of what is not significant it names no layer."""
    head, _, shown, legend = table_lines(with_peaks(**peak), compare="baseline" in peak)
    assert head.startswith("b, raw, on news: ")
    assert head.endswith("cross-fitted [95%]")
    assert shown == line
    assert "(adjusted p < 0.05), with the layers that may" in legend


def test_a_table_is_as_wide_as_the_terminal():
    columns = {
        name: {"en-zh": "0.12 [0.10, 0.14]"}
        for name in ("first", "second", "third", "a long heading of a column")
    }
    for width, blocks in ((200, 1), (80, 2), (50, 3), (30, 4), (1, 4)):
        lines = list(side_by_side(columns, width))
        assert len(lines) == 2 * blocks
        assert width < 40 or max(map(len, lines)) <= width
    assert [line for line in side_by_side({}, 80) if line.strip()] == []


def test_the_terminal_shows_the_values_of_the_page(saved):
    """Also of a metric with two directions."""
    results = Results.load(saved)
    shown, view = "\n".join(table_lines(results.profile, compare=False)), View(results)
    assert "P@1 averaged over both directions" in shown
    assert view.label("p_at_1") == "P@1 averaged over both directions"
    peaks = view.rows("peaks", variant="centred")
    assert set(peaks["metric"]) == {"mexa", "cka", "p_at_1", "cosine_gap"}
    for row in peaks.itertuples():
        assert with_interval(row.value, row.low, row.high) in shown


def test_results_without_best_layers_name_none():
    earlier = dataclasses.replace(with_peaks(), peaks=None)
    assert table_lines(earlier, compare=False)[0].startswith("no best layers in these results")
    assert "best" not in earlier._repr_html_()


def test_a_notebook_shows_the_cross_fitted_value_and_the_layers():
    html = with_peaks()._repr_html_()
    assert "cross-fitted" in html
    assert all(f"<td>{cell}</td>" in html for cell in ("0.200", "0.100", "0.300", "0-1"))
    assert "0.900" not in html


@pytest.mark.parametrize("wrong", ["x", "1-", "3-5;8", "-1", "9" * 12])
def test_layers_of_a_peak_that_are_no_ranges_are_refused(wrong):
    with pytest.raises(RepalignError, match="no ranges such as 3-5,8"):
        layer_set(wrong)


@pytest.mark.parametrize("lose", [Path.unlink, lambda path: (path.unlink(), os.mkfifo(path))])
def test_a_table_that_was_lost_is_not_left_out_in_silence(lose, saved):
    lose(saved / "map.parquet")
    with pytest.raises(
        RepalignError, match=r"has lost map\.parquet, which its manifest names; run the command"
    ):
        Results.load(saved)
