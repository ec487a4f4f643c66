"""Which store is meant by an option, an argument or the environment, and what is refused."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from fsspec.registry import _registry

from repalign.commands.main import main
from repalign.corpora import ParallelCorpus
from repalign.errors import RepalignError
from repalign.states.extraction import extract
from repalign.states.remote import Remote
from repalign.states.storage import Storage, storage_at

SECRET = "PLANTED-1234567890"


def test_by_default_below_the_home(home):
    assert storage_at(True) == Storage(home / "states")
    assert storage_at(False) is None


@pytest.mark.parametrize("text", ["{folder}", "file://{folder}", "local://{folder}"])
def test_a_folder_is_the_store_itself(tmp_path, text):
    assert storage_at(text.format(folder=tmp_path)) == Storage(tmp_path)


@pytest.mark.parametrize(
    ("text", "url"),
    [("s3://bucket/a/b/", "s3://bucket/a/b"), ("GS://bucket", "gs://bucket"), ("memory://a", "memory://a")],
)
def test_an_object_store_has_its_cache_below_the_home(home, text, url):
    assert storage_at(text) == Storage(home / "states", Remote(url))


def test_the_environment_names_the_store(home, monkeypatch):
    monkeypatch.setenv("REPALIGN_STORE", "s3://bucket/a")
    assert str(storage_at(True)) == "s3://bucket/a"
    assert str(storage_at("gs://other")) == "gs://other"


@pytest.mark.parametrize(
    "text",
    [f"s3://me:{SECRET}@bucket/a", f"s3://{SECRET}@bucket", f"s3://bucket/a?token={SECRET}", f"s3://bucket#{SECRET}",
     f"s3:me:{SECRET}@bucket"],
)  # fmt: skip
def test_credentials_in_an_address_are_refused_and_never_shown(text, monkeypatch, capsys):
    with pytest.raises(RepalignError, match="AWS_PROFILE") as refused:
        storage_at(text)
    assert SECRET not in str(refused.value)
    with pytest.raises(SystemExit):
        main(["extract", "base", "--store", text])
    monkeypatch.setenv("REPALIGN_STORE", text)
    main(["extract", "base"])
    assert main(["doctor"]) == 0
    said = capsys.readouterr()
    assert SECRET not in said.out + said.err
    assert said.err.count("AWS_PROFILE") == 2
    assert "AWS_PROFILE" in said.out


@pytest.mark.parametrize(
    ("text", "remedy"),
    [("s3:/bucket/a", "s3://BUCKET/PREFIX"), ("https://host/a", "AWS_ENDPOINT_URL"), ("file://nfs/a", "file:///nfs/a"),
     ("simplecache::s3://bucket", "s3://BUCKET/PREFIX"), ("s3://", "names no bucket"), ("", "s3://BUCKET/PREFIX"),
     ("a\0b", "s3://BUCKET/PREFIX"), ("~nobody-of-that-name/a", "no such user")],
)  # fmt: skip
def test_what_is_no_store_is_refused(text, remedy):
    with pytest.raises(RepalignError, match=remedy):
        storage_at(text)


@pytest.mark.parametrize(
    ("url", "extra"), [("s3://bucket", r"repalign\[s3\]"), ("gs://bucket", r"repalign\[gcs\]")]
)
def test_a_missing_library_is_an_error_that_names_the_extra(url, extra, monkeypatch):
    for name in ("s3fs", "gcsfs"):
        monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.delitem(_registry, url.partition(":")[0], raising=False)  # used before
    with pytest.raises(RepalignError, match=extra):
        Remote(url).check_reachable()


def test_an_unknown_protocol_is_one_line():
    with pytest.raises(RepalignError, match="Protocol not known: nosuch"):
        Remote("nosuch://a").check_reachable()


def test_a_folder_as_the_store(llama, corpus, home, tmp_path):
    there = extract(llama, corpus, store=str(tmp_path / "shared"))
    assert list((tmp_path / "shared").glob("*/*.npy"))
    assert not (home / "states").exists()
    here = extract(llama, corpus)
    assert all(np.array_equal(there[language], here[language]) for language in corpus.languages)


def test_the_limit_of_the_cache_is_not_for_another_store(llama, corpus, tmp_path, monkeypatch):
    monkeypatch.setenv("REPALIGN_CACHE_GB", "1e-6")
    with pytest.raises(RepalignError, match="REPALIGN_CACHE_GB"):
        extract(llama, corpus)
    assert extract(llama, corpus, store=str(tmp_path / "shared")).n_sentences == len(corpus)


def test_a_store_that_would_stay_empty_is_refused(llama, corpus, capsys):
    with pytest.raises(RepalignError, match="nothing would be stored"):
        extract(llama, corpus, store="memory://a", stream=True)
    assert main(["extract", str(llama), "--store", "memory://a", "--no-store"]) == 1
    assert "--no-store" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_said_before_the_model_is_loaded(
    llama, corpus, tmp_path, monkeypatch
):
    monkeypatch.setattr("repalign.models.engine.Engine.open", lambda *a, **k: pytest.fail("loaded"))
    (tmp_path / "file").write_text("")
    with pytest.raises(RepalignError, match="choose another --store"):
        extract(llama, corpus, store=str(tmp_path / "file"))


def test_commands_name_the_store(llama, tmp_path, capsys):
    (tmp_path / "text").mkdir()
    for language in ("en", "el"):
        (tmp_path / "text" / f"{language}.txt").write_text("a b\nc d\n")
    shared = tmp_path / "shared"
    assert main(["extract", str(llama), "--corpus", str(tmp_path / "text"), "--store", str(shared)]) == 0
    assert str(shared) in capsys.readouterr().out
    assert main(["cache", "list", "--store", str(shared)]) == 0
    assert "2 states" in capsys.readouterr().out
    assert main(["cache", "verify", "--store", f"file://{shared}"]) == 0
    next(shared.glob("*/*.npy")).write_bytes(b"")
    capsys.readouterr()
    assert main(["cache", "verify", "--store", str(shared)]) == 1
    assert "places of the store are damaged" in capsys.readouterr().err
    assert main(["cache", "prune", "--all", "--store", str(shared)]) == 0
    assert not list(shared.iterdir())


def test_states_in_memory_are_not_stored_elsewhere(llama):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    pair = (AutoModelForCausalLM.from_pretrained(llama), AutoTokenizer.from_pretrained(llama))
    with pytest.raises(RepalignError, match="nothing would be stored"):
        extract(pair, ParallelCorpus("one", {"en": ["a b"], "el": ["c d"]}), store="memory://a")


def test_the_folder_of_a_path_object(tmp_path):
    assert storage_at(Path(tmp_path)) == Storage(tmp_path)
