"""All pairs of languages, and their tree."""

from __future__ import annotations

import numpy as np
import pytest
from scoring.factories import D, N, made, quiet

from repalign import LayerStates, RepalignError, scoring
from repalign.scoring.language_tree import _tree


def test_all_pairs_and_the_tree_of_languages():
    rng = np.random.default_rng(0)
    meaning = rng.normal(size=(N, D))
    noise = {"en": 0.3, "de": 0.3, "zh": 1.5, "ja": 1.5}
    branch = {"en": 0, "de": 0, "zh": 1, "ja": 1}
    own = rng.normal(size=(2, N, D))
    arrays = {
        k: (meaning + own[branch[k]] + s * rng.normal(size=(N, D)))[None].astype(np.float32)
        for k, s in noise.items()
    }
    found = quiet(
        LayerStates.from_arrays(arrays), pairs="all", metrics=["cka", "p_at_1"], variants=["centred"]
    )
    assert len(found.where(metric="cka")) == 6
    languages, tree = scoring.language_tree(found)
    cka = languages[languages["metric"] == "cka"]
    matrix = cka.pivot(index="language", columns="other", values="distance")
    assert np.allclose(matrix, matrix.T)
    assert np.diag(matrix).tolist() == [0] * 4
    first, second, last = (tree[tree["metric"] == "cka"].iloc[k] for k in range(3))
    assert {first["left"], first["right"]} == {"en", "de"}
    assert {second["left"], second["right"]} == {"zh", "ja"}
    assert {last["left"], last["right"]} == {"0", "1"}
    assert last["size"] == 4
    order = cka.drop_duplicates("language").set_index("language")["order"]
    assert abs(order["en"] - order["de"]) == 1
    p_at_1 = found.where(metric="p_at_1").table
    ways = p_at_1[p_at_1["source"].isin(["en", "zh"]) & p_at_1["target"].isin(["en", "zh"])]
    cell = languages[languages["metric"] == "p_at_1"].set_index(["language", "other"]).loc[("en", "zh")]
    assert len(ways) == 2
    assert cell["value"] == pytest.approx(ways["value"].mean())
    assert cell["distance"] == pytest.approx(1 - ways["calibrated"].mean())
    with pytest.raises(RepalignError, match="pairs='all'"):
        scoring.language_tree(quiet(made(), metrics=["cka"]))


def test_languages_stand_in_the_order_of_the_tree():
    places = np.array([0.0, 10.0, 1.0, 11.0, 2.5])
    order, _ = _tree(np.abs(places[:, None] - places))
    along = places[np.argsort(order)]
    assert (np.diff(along) > 0).all() or (np.diff(along) < 0).all()
