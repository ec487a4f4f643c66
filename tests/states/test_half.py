"""States in half precision: what is kept of them, and that every number says so."""

from __future__ import annotations

import json

import numpy as np
import pytest

from repalign.analysis import analyse
from repalign.commands.main import main
from repalign.errors import RepalignError
from repalign.states.extraction import extract
from repalign.states.shards import in_float32, in_half, mapped
from repalign.states.spec import Machine
from repalign.states.store import Shape, Store

KEY = {"weights": "w", "language": "en", "dtype": "float32", "stored": "float16"}


def there_and_back(states: np.ndarray) -> np.ndarray:
    half = in_half(states)
    return np.stack([in_float32(half[layer]) for layer in range(len(half))])


def bound(states: np.ndarray) -> np.ndarray:
    """The largest error that docs/store.md allows."""
    largest = np.abs(states).max(axis=2, keepdims=True).astype(np.float64)
    return np.maximum(2.0**-11 * np.abs(states.astype(np.float64)), 2.0**-39 * largest)


@pytest.mark.parametrize("scale", [1e-30, 1e-6, 1.0, 1e4, 1e9, 1e30])
@pytest.mark.parametrize("outlier", [1.0, 1e4, 1e12])
def test_the_error_is_within_its_bound_at_every_size(scale, outlier):
    """Also where one component, as a massive activation, is far larger than all others."""
    states = np.random.default_rng(0).normal(size=(3, 50, 64)).astype(np.float64) * min(
        scale, 1e38 / outlier / 10
    )
    states[1, :, 7] *= outlier
    states = states.astype(np.float32)
    back = there_and_back(states)
    assert back.dtype == np.float32
    assert np.isfinite(back).all()
    assert (np.abs(back.astype(np.float64) - states) <= bound(states)).all()
    assert not np.array_equal(back, states), "nothing was rounded: the test shows nothing"


def test_plain_float16_would_overflow_where_this_does_not():
    states = np.full((1, 1, 4), 3e38, np.float32)
    with np.errstate(over="ignore"):
        assert np.isinf(states.astype(np.float16)).all()
    assert np.allclose(there_and_back(states), states, rtol=2**-11)


def test_zeros_the_smallest_numbers_and_powers_of_two_are_exact():
    states = np.zeros((1, 4, 4), np.float32)
    states[0, 1] = 2.0**-149
    states[0, 2] = [1, -2, 2.0**-20, 2.0**15]
    states[0, 3] = [np.finfo(np.float32).max, 0, 0, 0]
    back = there_and_back(states)
    assert np.array_equal(back[0, :3], states[0, :3])
    assert np.isfinite(back).all()
    assert (np.abs(back.astype(np.float64) - states) <= bound(states)).all()


@pytest.mark.parametrize("wrong", [np.inf, -np.inf, np.nan])
def test_what_is_not_finite_is_refused(wrong, tmp_path):
    store = Store.of(tmp_path, KEY, Shape((0,), 1, 2, 4))
    states = np.ones((1, 2, 4), np.float32)
    states[0, 1, 2] = wrong
    store.prepare()
    with pytest.raises(RepalignError, match="not finite"):
        store.write(0, states)
    assert store.unwritten() == [0]


def test_half_the_bytes_on_disk_and_float32_when_read(tmp_path):
    shape = Shape(tuple(range(5)), 4, 200, 256)
    store = Store.of(tmp_path, KEY, shape)
    assert store.uncomputed_bytes == pytest.approx(shape.rows * shape.row_bytes / 2, rel=0.01)
    states = np.random.default_rng(0).normal(size=(5, 200, 256)).astype(np.float32)
    with store.locked():
        store.write(0, states)
        array = store.array()
    assert store.path(0).stat().st_size == pytest.approx(states.nbytes / 2, rel=0.01)
    assert array.shape == states.shape
    assert array[3].dtype == np.float32
    assert (np.abs(array[3] - states[3]) <= bound(states)[3]).all()
    assert np.load(store.path(0), allow_pickle=False)["values"].dtype == np.float16


def test_the_signature_and_the_key_say_so(llama, corpus, home):
    exact = extract(llama, corpus)
    half = extract(llama, corpus, store_dtype="float16")
    assert "stored" not in str(exact.signature)
    assert "|stored:float16|" in str(half.signature)
    keys = [json.loads(path.read_text())["key"] for path in (home / "states").glob("*/key.json")]
    assert sorted(key.get("stored", "") for key in keys) == ["", "", "", "float16", "float16", "float16"]
    for language in corpus.languages:
        difference = np.abs(exact[language] - half[language])
        assert difference.max() > 0
        assert (difference <= bound(exact[language])).all()


def test_results_are_not_taken_for_those_in_float32(llama, corpus):
    request = {"metrics": ["mexa"], "draws": 5, "variants": "raw"}
    assert (
        "stored:float16"
        in analyse(llama, corpus, store_dtype="float16", **request).profile.signatures[llama.name]
    )
    assert "stored" not in analyse(llama, corpus, **request).profile.signatures[llama.name]


def test_the_environment_and_the_option(llama, tmp_path, monkeypatch, capsys):
    assert Machine().store_dtype == "float32"
    monkeypatch.setenv("REPALIGN_STORE_DTYPE", "float16")
    assert Machine().store_dtype == "float16"
    assert Machine(store_dtype="float32").store_dtype == "float32"
    for language in ("en", "el"):
        (tmp_path / f"{language}.txt").write_text("a b\nc d\n")
    command = ["extract", str(llama), "--corpus", str(tmp_path), "--json"]
    assert main(command) == 0
    assert "stored:float16" in capsys.readouterr().out
    assert main([*command, "--store-dtype", "float32"]) == 0
    assert "stored" not in json.loads(capsys.readouterr().out)["states"][0]["signature"]
    assert main(["cache", "list"]) == 0
    assert "|float32|float16 " in capsys.readouterr().out


@pytest.mark.parametrize(("name", "remedy"), [("bfloat16", "use float16"), ("float61", "float16")])
def test_another_dtype_is_refused(name, remedy, monkeypatch):
    with pytest.raises(RepalignError, match=remedy):
        Machine(store_dtype=name)
    monkeypatch.setenv("REPALIGN_STORE_DTYPE", name)
    with pytest.raises(RepalignError, match=remedy):
        Machine()


def test_what_is_not_stored_is_not_rounded_and_says_so(llama, corpus, caplog):
    exact = extract(llama, corpus)
    held = extract(llama, corpus, store=False, store_dtype="float16")
    assert "not rounded to float16" in caplog.text
    assert "stored" not in str(held.signature)
    assert np.array_equal(held["en"], exact["en"])


@pytest.mark.parametrize(
    "dtype",
    [
        "<f8",
        "<f2",
        [("values", "<f2", (4,))],
        [("exponent", "<i2"), ("values", "<f4", (4,))],
        [("exponent", "O"), ("values", "O")],
    ],
)
def test_a_shard_that_holds_something_else_is_refused(tmp_path, dtype):
    path = tmp_path / "00000-0.npy"
    with path.open("wb") as file:
        header = {"descr": dtype, "fortran_order": False, "shape": (1, 2)}
        np.lib.format.write_array_header_1_0(file, header)
        file.write(bytes(64))
    with pytest.raises(RepalignError, match="not states"):
        mapped(path)
