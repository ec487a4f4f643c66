"""The checkpoints that come with the package."""

from __future__ import annotations

import json
import shutil
from hashlib import sha256

import pytest
from repalign_training import load_recipe

from repalign.checkpoints import Card, Checkpoint, as_checkpoint, as_checkpoints, shipped_names
from repalign.checkpoints.shipped import MANIFEST, SHIPPED
from repalign.commands.main import main
from repalign.errors import RepalignError
from repalign.models.locating import locate

FAMILY = ["alpaca", "base", "m-llama", "x-llama-zh"]
REMAKE = "run `python -m training base alpaca x-llama-zh m-llama`, then `python analyses/demo_checkpoints.py`"


def test_the_files_are_those_that_the_manifest_records():
    recorded = json.loads((SHIPPED / MANIFEST).read_text())["sha256"]
    files = {
        path.relative_to(SHIPPED).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in SHIPPED.glob("*/*")
    }
    assert files == recorded, REMAKE
    assert shipped_names() == FAMILY


@pytest.mark.parametrize("name", FAMILY)
def test_they_are_trained_by_the_recipes_of_today(name):
    card = Card.read(SHIPPED / name)
    assert card is not None
    assert card.recipe_digest == load_recipe(name).digest, f"the recipe of {name} has changed: {REMAKE}"


@pytest.mark.heavy
@pytest.mark.parametrize("name", FAMILY)
def test_they_are_trained_on_the_data_of_today(name):
    from repalign_training.data.dataset import read_data

    from repalign.models.loading import read_tokenizer

    card, recipe = Card.read(SHIPPED / name), load_recipe(name)
    parts = read_data(recipe, read_tokenizer(locate(Checkpoint.named(name)))).parts
    assert card is not None
    assert {part["name"]: part["digest"] for part in parts} == {
        part["name"]: part["digest"] for part in card.mixture
    }, f"the data of {name} have changed: {REMAKE}"


def test_a_name_is_the_shipped_checkpoint_until_it_is_trained(home, caplog):
    caplog.set_level("INFO", logger="repalign")
    shipped = as_checkpoint("m-llama", train=False)
    assert shipped.folder == SHIPPED / "m-llama"
    assert (shipped.corpus, shipped.parent, shipped.template) == ("phrasebook", "base", "input-first")
    assert caplog.messages == [
        "m-llama: the checkpoint shipped with repalign; `repalign-train m-llama` trains it anew"
    ]
    caplog.clear()
    trained = shutil.copytree(SHIPPED / "m-llama", home / "checkpoints" / "m-llama")
    assert as_checkpoint("m-llama", train=False).folder == trained
    assert caplog.messages == []


def test_one_line_for_several_and_none_for_what_is_already_resolved(caplog):
    caplog.set_level("INFO", logger="repalign")
    resolved = as_checkpoints(["alpaca", "x-llama-zh", "alpaca~random"])
    as_checkpoints(resolved)
    assert caplog.messages == [
        "alpaca, x-llama-zh: the checkpoints shipped with repalign; "
        "`repalign-train alpaca x-llama-zh` trains them anew"
    ]


@pytest.mark.parametrize("name", ["demo", "manifest.json", "../demo/base"])
def test_only_its_names_lead_into_the_folder(name):
    with pytest.raises(RepalignError, match=r"no (checkpoint named|folder)"):
        Checkpoint.named(name)


def test_an_adapter_does_not_silently_get_a_shipped_base(tmp_path):
    (tmp_path / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "base"}))
    (tmp_path / "adapter_model.safetensors").touch()
    with pytest.raises(RepalignError, match="'base' is not trained yet; run `repalign-train base`"):
        locate(Checkpoint.named(str(tmp_path)))


def test_they_are_listed(capsys):
    assert main(["list", "checkpoints"]) == 0
    rows = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "shipped" in rows["m-llama"]
    assert "trained on first use" in rows["x-llama-hi"]
