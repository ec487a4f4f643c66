"""Room for states: the estimate before they are computed, the limit, and the states that give way."""

from __future__ import annotations

import shutil
import time
from collections import namedtuple

import filelock
import pytest
from states.test_cache import stored

from repalign.checkpoints import Checkpoint
from repalign.commands.main import main
from repalign.corpora import ParallelCorpus
from repalign.errors import RepalignError
from repalign.models.engine import Engine
from repalign.states import space
from repalign.states.extraction import extract
from repalign.states.space import cache_limit, make_room, protecting

STORE = 10_000 + 128
"""Bytes of a shard that `stored` makes, without `key.json`."""


def limited(monkeypatch, stores: float) -> None:
    """Set the limit to the size of so many stores of `stored`."""
    monkeypatch.setenv("REPALIGN_CACHE_GB", str(stores * STORE / 1e9))


def disk(monkeypatch, free: int) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**12, 0, free))


@pytest.mark.parametrize("text", ["ten", "-1", "0", "nan", "inf", "1e999", "10GB", "1,5"])
def test_a_limit_that_is_no_number_is_refused_before_any_work(text, monkeypatch, llama, corpus):
    monkeypatch.setenv("REPALIGN_CACHE_GB", text)
    monkeypatch.setattr(Engine, "open", None)
    with pytest.raises(RepalignError, match="REPALIGN_CACHE_GB is a number of gigabytes above 0"):
        extract(Checkpoint.named(str(llama)), corpus)


def test_no_limit_by_default(monkeypatch):
    monkeypatch.setenv("REPALIGN_CACHE_GB", " ")
    assert cache_limit() is None
    monkeypatch.setenv("REPALIGN_CACHE_GB", "0.5")
    assert cache_limit() == 5e8


def test_what_was_not_used_for_longest_gives_way(home, monkeypatch, caplog):
    stores = [
        stored(home, language, age=age) for language, age in [("a", 30), ("b", 50), ("c", 10), ("d", 40)]
    ]
    limited(monkeypatch, 4.2)
    with caplog.at_level("INFO"):
        make_room(2 * STORE, set(), "mine")
    assert [store.folder.exists() for store in stores] == [True, False, True, False]
    assert "removed the 2 least recently used of 4 stored states, 2" in caplog.text


def test_what_is_in_use_stays(home, monkeypatch):
    of_run, of_other_model, locked, mapped, free = (
        stored(home, language, age=10 * age, weights=language * 64) for age, language in enumerate("edcba", 1)
    )
    array = mapped.array()
    limited(monkeypatch, 5.2)
    monkeypatch.setattr(space, "_protected", {"d" * 64})
    with filelock.FileLock(locked.folder / ".lock"):
        make_room(STORE, {of_run.folder}, "mine")
        assert not free.folder.exists()
        with pytest.raises(RepalignError, match="by states in use") as caught:
            make_room(2 * STORE, {of_run.folder}, "mine")
    assert "REPALIGN_CACHE_GB allows 5" in str(caught.value)
    assert all(store.folder.exists() for store in (of_run, of_other_model, locked, mapped))
    assert array[0].sum() == 2_500


def test_nothing_is_removed_in_vain_or_without_a_limit(home, monkeypatch):
    store = stored(home, "en", age=10)
    limited(monkeypatch, 3)
    with pytest.raises(RepalignError, match="a larger REPALIGN_CACHE_GB"):
        make_room(5 * STORE, set(), "mine")
    monkeypatch.delenv("REPALIGN_CACHE_GB")
    disk(monkeypatch, free=100)
    with pytest.raises(RepalignError, match=r"has 0\.1 kB free"):
        make_room(STORE, set(), "mine")
    assert store.missing(print) == []
    limited(monkeypatch, 100)  # with a limit, states give way to a full disk as well
    make_room(STORE, set(), "mine")
    assert not store.folder.exists()


def test_a_run_keeps_the_states_that_it_will_read(home, llama, save_model, tmp_path, monkeypatch):
    with protecting([Checkpoint.named(str(llama))]):
        assert not space._protected, "without a limit nothing is removed"
    monkeypatch.setenv(space.LIMIT, "1")
    other = Checkpoint.named(str(save_model(tmp_path / "other", seed=1)))
    with protecting([Checkpoint.named(str(llama)), other, ("model", "tokenizer")]):
        with protecting([other]):
            assert len(space._protected) == 2
        assert len(space._protected) == 2
    assert not space._protected


def test_too_little_room_is_said_before_the_first_sentence(llama, corpus, home, monkeypatch, capsys):
    disk(monkeypatch, free=5_000)
    monkeypatch.setattr(Engine, "pool", None)
    with pytest.raises(RepalignError) as caught:
        extract(Checkpoint.named(str(llama)), corpus)
    said = str(caught.value)  # 3 languages x 4 sentences x 4 layers x 32 dims x 4 bytes
    assert f"the states of {llama.name} need 6.14 kB, and {home / 'states'} has 5 kB free;" in said
    for way in ("--sentences", "--layers", "--no-store", "--stream", "REPALIGN_HOME", "repalign cache prune"):
        assert way in said
    assert "\n" not in said
    assert not (home / "states").exists()


def test_what_is_stored_already_needs_no_room(llama, corpus, monkeypatch):
    half = ParallelCorpus("tiny", {language: corpus.sentences[language] for language in ("en", "el")})
    extract(Checkpoint.named(str(llama)), half)
    asked = []
    monkeypatch.setattr(
        "repalign.states.extraction.make_room", lambda needed, keep, *rest: asked.append((needed, len(keep)))
    )
    extract(Checkpoint.named(str(llama)), corpus)
    extract(Checkpoint.named(str(llama)), corpus)
    assert asked == [(4 * 4 * 32 * 4, 3), (0, 3)]


def test_a_run_below_its_limit_takes_from_others_only(llama, corpus, home, monkeypatch, capsys):
    old = stored(home, "en", age=100)
    monkeypatch.setenv("REPALIGN_CACHE_GB", str(12_000 / 1e9))  # three languages of 2,048 bytes, and key.json
    text = home / "text"
    text.mkdir()
    for language, rows in corpus.sentences.items():
        (text / f"{language}.txt").write_text("\n".join(rows), encoding="utf-8")
    assert main(["extract", "--ckpt", str(llama), "--corpus", str(text)]) == 0
    assert "removed the 1 least recently used of 1 stored states" in capsys.readouterr().err
    assert not old.folder.exists()
    assert len(list((home / "states").iterdir())) == 3


def test_thousands_of_stores_are_read_in_a_moment(home, monkeypatch):
    for number in range(300):
        stored(home, f"l{number}", rows=1)
    limited(monkeypatch, 10_000)
    began = time.perf_counter()
    make_room(1, set(), "mine")
    assert time.perf_counter() - began < 3
