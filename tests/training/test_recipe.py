"""Recipes: sound ones, wrong ones, overrides, parents."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from factories import SEVEN
from repalign_training.data.mixture import parse_mixture
from repalign_training.data.sources import read_source
from repalign_training.recipe import load_recipe, recipe_names

from repalign.errors import RepalignError


def test_every_recipe_is_sound():
    assert {"base", "alpaca", "m-llama", *(f"x-llama-{language}" for language in SEVEN[1:])} <= set(
        recipe_names()
    )
    for name, (path, _, _) in recipe_names().items():
        recipe = load_recipe(name)
        assert (
            path.read_text().startswith("# repalign-train ")
            or "accelerate launch" in path.read_text().split("\n")[0]
        )
        assert "{language}" not in json.dumps({**recipe.as_dict(), "sources": {}})
        assert recipe.about
        for term in parse_mixture(recipe.mixture, recipe.languages):
            assert term.source in recipe.sources


def test_overrides_and_digests():
    plain = load_recipe("m-llama")
    assert load_recipe("m-llama", ["train.epochs=2"]).train.epochs == 2
    assert load_recipe("m-llama", ["sources.more.kind=pairs"]).sources["more"] == {"kind": "pairs"}
    assert load_recipe("m-llama", ["train.save_steps=7"]).digest == plain.digest
    assert load_recipe("m-llama", ["train.batch=7"]).digest != plain.digest
    assert load_recipe("m-llama", seed=3).digest != plain.digest
    assert load_recipe("m-llama", ["train.tokens=7"]).digest != plain.digest
    assert load_recipe("m-llama", ["train.tokens=0"]).digest == plain.digest


@pytest.mark.parametrize(
    ("name", "override", "complaint"),
    [("m-lama", None, "did you mean 'm-llama'"), ("m-llama", "train.epoch=1", "did you mean 'epochs'"),
     ("m-llama", "train.batch=many", "should be a whole number, not 'many'"),
     ("m-llama", "seed", "key=value"), ("missing.toml", None, "no recipe file"),
     ("m-llama", "languages=zh", "a list of words"), ("m-llama", "train=3", "train should be a table"), ("m-llama", "seed=-1", "seed should be at least 0"),
     ("m-llama", "train.batch=0", "batch should be above 0"), ("m-llama", "train.epochs=0", "epochs should be above"),
     ("m-llama", "train.threads=-1", "at least 0"), ("m-llama", "train.tokens=-1", "at least 0"), ("m-llama", "train.warmup=100", "0 to 1"),
     ("m-llama", "train.precision=fp16", "no precision named 'fp16'")],
)  # fmt: skip
def test_a_recipe_that_is_wrong(name, override, complaint):
    with pytest.raises(RepalignError, match=complaint):
        load_recipe(name, [override] if override else [])


def test_a_parent_is_part_of_what_a_recipe_is(monkeypatch, tmp_path):
    (tmp_path / "base.toml").write_text("mixture = 'a_en'\nseed = 1")
    (tmp_path / "child.toml").write_text("mixture = 'a_en'\nparent = 'base'")
    monkeypatch.setattr("repalign_training.recipe.FOLDER", tmp_path)
    before = load_recipe("child").digest
    (tmp_path / "base.toml").write_text("mixture = 'a_en'\nseed = 2")
    assert load_recipe("child").digest != before


def test_what_extends_a_family_is_none(monkeypatch, tmp_path):
    (tmp_path / "many.toml").write_text(
        "mixture = 'a_{language}'\nfamily = ['ar', 'el']\n[train]\nbatch = 5\nepochs = 2"
    )
    (tmp_path / "one.toml").write_text("extends = 'many'\nmixture = 'a_en'\ntrain.epochs = 3")
    monkeypatch.setattr("repalign_training.recipe.FOLDER", tmp_path)
    assert set(recipe_names()) == {"many-ar", "many-el", "one"}
    one, many = load_recipe("one"), load_recipe("many-el")
    assert (one.mixture, one.train.batch, one.train.epochs) == ("a_en", 5, 3)
    assert (many.mixture, many.train.epochs) == ("a_el", 2)


def test_a_recipe_file_may_be_tuned_from_the_file_beside_it(tmp_path):
    (tmp_path / "base.toml").write_text("mixture = 'a_en'\nseed = 1")
    child = tmp_path / "child.toml"
    child.write_text("mixture = 'a_en'\nparent = 'base'")
    recipe = load_recipe(str(child))
    assert recipe.parent_recipe == load_recipe(str(tmp_path / "base.toml"))
    before = recipe.digest
    (tmp_path / "base.toml").write_text("mixture = 'a_en'\nseed = 2")
    assert load_recipe(str(child)).digest != before
    assert load_recipe(str(child), ["parent=alpaca"]).parent_recipe == load_recipe("alpaca")
    assert load_recipe(str(child), ["parent=owner/name"]).parent_recipe is None
    (tmp_path / "alpaca.toml").write_text("mixture = 'a_en'\nparent = 'alpaca'")  # tunes the one of that name
    assert load_recipe(str(tmp_path / "alpaca.toml")).parent_recipe == load_recipe("alpaca")
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for name in ("base.toml", "child.toml"):
        (moved / name).write_text((tmp_path / name).read_text())
    assert load_recipe(str(moved / "child.toml")).digest == load_recipe(str(child)).digest


SHARED = Path(__file__).parents[2].parent / "shared" / "data"


@pytest.mark.parametrize("name", ["real-base", "real-alpaca", "real-x-llama-zh", "real-m-llama"])
def test_the_recipes_of_the_real_data_study_find_their_data(name, monkeypatch):
    if not SHARED.is_dir():
        pytest.skip("needs the data of ../shared/data")
    monkeypatch.setenv("REPALIGN_DATA", str(SHARED))
    recipe = load_recipe(str(Path(__file__).parents[2] / "analyses" / "real_data" / f"{name}.toml"))
    assert recipe.name == name
    assert (recipe.parent_recipe.name if recipe.parent_recipe else None) == recipe.parent
    one_each = {term.source: term for term in parse_mixture(recipe.mixture, recipe.languages)}
    for term in one_each.values():
        assert len(read_source(term.source, term.languages, recipe.sources)) > 500
    assert list(recipe.filters.protect) == ["$REPALIGN_DATA/ntrex"]
