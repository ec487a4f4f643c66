"""The folder of another kind is refused; damage to a folder of its own kind is tried in `tests/fuzz`."""

from __future__ import annotations

import pytest
from fuzz.results import DRAW, SAMPLES

from repalign.errors import RepalignError

KINDS = ("profile", "evaluation", "inside", "suspects", "quantisation", "study")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("other", KINDS)
def test_the_folder_of_another_kind_is_refused(kind, other, tmp_path):
    """Also where the other's JSON stands under the name of this kind."""
    folder, names = (
        SAMPLES[other](tmp_path / "out"),
        {k: "fit.json" if k == "study" else f"{k}.json" for k in KINDS},
    )
    if kind == other:
        DRAW[kind](folder)
        return
    with pytest.raises(RepalignError):
        DRAW[kind](folder)
    (folder / names[other]).rename(folder / names[kind])
    with pytest.raises(RepalignError):
        DRAW[kind](folder)
