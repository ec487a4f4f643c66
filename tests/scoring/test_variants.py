"""Variants of states: centred, by folds, without outlying dims, matched in length."""

from __future__ import annotations

import numpy as np
import pytest
from scoring.factories import D, N, made, quiet

from repalign import LayerStates, RepalignError
from repalign.scoring.variants import VARIANTS, folds_of, length_matched


def test_centring_takes_what_belongs_to_the_language():
    states = made()
    far = {language: a + 50 * k for k, (language, a) in enumerate(states.arrays.items())}
    moved = LayerStates.from_arrays(far, checkpoint="a")
    near, far_away = (quiet(one, metrics=["mexa"]).where(layer=2) for one in (states, moved))
    for target in ("zh", "ar"):
        centred, raw = (
            [one.where(variant=variant, target=target).table["value"].item() for one in (near, far_away)]
            for variant in ("centred", "raw")
        )
        assert centred[0] == pytest.approx(centred[1], abs=0.03)
        assert raw[1] < raw[0]


def test_folds_keep_a_sentence_out_of_its_own_mean():
    import torch

    from repalign.scoring.variants import Language, centred, standardised, without_length

    assert (np.diff(folds_of(30)) != 0).all(), "neighbours, often alike, are in different folds"
    assert [len(set(folds_of(n))) for n in (4, 30)] == [4, 10]
    states = torch.tensor(np.random.default_rng(0).normal(size=(30, 4)) + 3)
    lengths = torch.tensor(np.random.default_rng(1).integers(2, 9, size=30))
    language = Language(states, torch.tensor(folds_of(30)), lengths)
    others = language.folds != language.folds[7]
    assert centred(language)[7].numpy() == pytest.approx((states[7] - states[others].mean(0)).numpy())
    scale = states[others].std(0)
    expected = (states[7] - states[others].mean(0)) / scale
    assert standardised(language)[7].numpy() == pytest.approx(expected.numpy())
    fit = np.polynomial.polynomial.polyfit(np.log(lengths[others]), states[others].numpy(), 1)
    residual = states[7].numpy() - fit[0] - fit[1] * np.log(lengths[7].item())
    assert without_length(language)[7].numpy() == pytest.approx(residual)


@pytest.mark.parametrize("seed", range(5))
def test_folds_keep_documents_whole_and_are_of_like_sizes(seed):
    draw = np.random.default_rng(seed)
    documents = draw.permutation(np.repeat(np.arange(60), draw.integers(1, 12, size=60))) + 7
    folds = folds_of(len(documents), documents)
    assert all(len({*folds[documents == one]}) == 1 for one in np.unique(documents))
    sizes = np.bincount(folds)
    assert len(sizes) == 10
    assert sizes.max() - sizes.min() <= 2
    assert np.array_equal(folds, folds_of(len(documents), documents)), "the same every time"


def test_there_are_as_many_folds_as_documents_up_to_ten():
    assert [len({*folds_of(40, np.arange(40) % count)}) for count in (2, 7, 30)] == [2, 7, 10]
    assert np.array_equal(folds_of(23, np.arange(23)), folds_of(23)), "each sentence a document of its own"
    with pytest.raises(RepalignError, match="all 9 sentences are of one document"):
        folds_of(9, np.zeros(9, dtype=int))


def test_length_alone_looks_like_meaning_until_it_is_taken_out():
    rng = np.random.default_rng(0)
    lengths = rng.integers(3, 40, size=N)
    direction = rng.normal(size=D)
    arrays = {
        language: (np.log(lengths)[:, None] * direction * 3 + rng.normal(size=(N, D)))[None].astype(
            np.float32
        )
        for language in ("en", "zh")
    }
    states = LayerStates.from_arrays(arrays, token_counts={"en": lengths, "zh": lengths})
    table = quiet(states, metrics=["cka"], variants=["centred", "length-partialled"]).table.set_index(
        "variant"
    )
    assert table.loc["centred", "value"] > 0.5
    assert abs(table.loc["length-partialled", "value"]) < 0.1
    assert table.loc["length-partialled", "p"] > 1e-3


def test_length_matched_takes_the_half_nearest_the_usual_ratio():
    source = np.array([10, 10, 10, 10])
    assert length_matched(source, np.array([20, 21, 60, 5])).tolist() == [0, 1]
    assert length_matched(source[:3], np.array([20, 21, 60])).tolist() == [0, 1], (
        "of an odd number, the larger"
    )
    states = made()
    rows = quiet(
        states, metrics=["mexa", "cka", "anc"], variants=["centred+length-matched"], targets=["zh"]
    ).table
    assert set(rows["sentences"]) == {N // 2}
    half = length_matched(states.token_counts["en"], states.token_counts["zh"])
    alone = LayerStates.from_arrays({language: a[:, half] for language, a in states.arrays.items()})
    widths = [
        (one["high"] - one["low"]).to_numpy()
        for one in (
            rows[rows["metric"] == "anc"],
            quiet(alone, metrics=["anc"], variants=["raw"], targets=["zh"]).table,
        )
    ]
    assert widths[0] == pytest.approx(widths[1], rel=0.3), "the error of half is that among the half"


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_keeps_meaning_and_finds_none_where_there_is_none(name):
    rows = quiet(made(), metrics=["mexa", "cka"], variants=[name], targets=["zh"]).where(metric="cka").table
    assert rows["p"].iloc[0] > 1e-3
    assert rows["value"].iloc[-1] > 0.4


def test_outlier_dims_and_top_directions_are_removed():
    states = made()
    spike = np.random.default_rng(0).normal(size=(1, N, 1)) * 300
    arrays = {language: a.copy() for language, a in states.arrays.items()}
    for k, a in enumerate(arrays.values()):
        a[:, :, :1] += spike if k == 0 else np.roll(spike, 7, axis=1)
    states = LayerStates.from_arrays(arrays)
    for name in ("no-outlier-dims+centred", "no-top-pcs"):
        rows = quiet(states, metrics=["mexa"], variants=["centred", name], targets=["zh"], layers=[2]).table
        assert rows["value"].iloc[0] < 0.2 < 0.4 < rows["value"].iloc[1], name


def test_outlier_dims_are_large_whatever_their_sign():
    import torch

    from repalign.scoring.variants import TOP, Language, without_outlier_dims

    states = torch.tensor(np.random.default_rng(0).normal(size=(20, 6)) + 0.5)
    states[:, 1], states[:, 3], states[:, 4] = -90, torch.tensor([80.0, -80.0] * 10), 70
    left = without_outlier_dims(Language(states, torch.zeros(20), torch.ones(20)))
    assert (left == 0).all(0).nonzero().flatten().tolist() == [1, 3, 4]
    assert TOP == 3
    assert torch.equal(left[:, [0, 2, 5]], states[:, [0, 2, 5]])


def test_top_directions_are_those_around_the_mean():
    import torch

    from repalign.scoring.variants import Language, without_top_directions

    spread = np.array([1, 90, 80, 70, 1, 1])
    states = torch.tensor(np.random.default_rng(0).normal(size=(200, 6)) * spread + 1000 * np.eye(6)[0])
    left = without_top_directions(Language(states, torch.tensor(folds_of(200)), torch.ones(200)))
    assert left.std(0).max() < 3
