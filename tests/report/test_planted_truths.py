"""Findings against worlds in which it is known what is so: nothing false is said, and what is so is found."""

from __future__ import annotations

from collections import Counter

import pytest
from report.worlds import FOUND, ROTATED, WORLDS, Claim, Finding, every_claim

EXPECTED = {
    "aligned in the middle": {"aligned", "best layers", "rises", "falls"},
    "aligned in the middle, in documents": {"aligned", "best layers", "rises", "falls"},
    "aligned everywhere": {"aligned", "early"},
    "rotated": {"aligned", "disagree"},
    "tokens only": {"above chance", "not beyond"},
    "length only": {"above chance", "not beyond"},
    "independent": {"no evidence"},
    "independent, in documents": {"no evidence"},
    "topic only": {"no evidence"},
    "rows shifted": {"no evidence"},
    "few sentences": {"too few"},
    "a difference": {"closer"},
    "no difference": {"aligned"},
}
"""What is to be said of a world by some metric."""


HEADLINES = {
    "aligned in the middle": ("Alignment with English peaks at", {"aligned", "best layers", "passes"}),
    "rotated": ("do not agree.", {"aligned"}),
    "tokens only": ("No evidence of alignment with English by", {"not beyond"}),
    "independent": ("No evidence of alignment with English in any of 2 languages by", {"no evidence"}),
    "few sentences": ("are too few for a claim", {"too few"}),
    "a difference": ("From base to tuned, both languages moved closer to English", {"closer"}),
    "no difference": ("From base to tuned, no significant change in any of 2 languages", {"no evidence"}),
}
"""Words of a world's headline by some metric, and what it claims."""


def false_claims(kind: str, seed: int) -> tuple[list[Claim], Counter[str], list[Finding]]:
    """What is claimed and not so, how often each kind of claim is made, and the headlines."""
    world = WORLDS[kind]
    said = world.says(seed)
    claims = list(dict.fromkeys(every_claim(said)))
    headlines = [one for one in said if one.question == "headline"]
    false = [claim for claim in claims if not world.holds(claim)]
    return false, Counter(claim.kind for claim in claims), headlines


@pytest.mark.parametrize("kind", WORLDS)
def test_what_is_said_of_a_world_is_so(kind):
    said: set[str] = set()
    headlines: list[Finding] = []
    for seed in range(2):
        false, kinds, made = false_claims(kind, seed)
        assert not false
        said |= set(kinds)
        headlines += made
    assert EXPECTED.get(kind, set()) <= said
    words, claimed = HEADLINES.get(kind, ("", set()))
    assert any(words in one.text and claimed <= {claim.kind for claim in one.claims} for one in headlines)


def test_the_check_refuses_what_is_not_so():
    def claim(kind: str, metric: str = "mexa", checkpoint: str = "m", **more) -> Claim:
        return Claim(kind, checkpoint, metric, "centred", FOUND, **more)

    assert not WORLDS["rotated"].holds(claim("aligned"))
    assert all(WORLDS["rotated"].holds(claim("aligned", metric)) for metric in ROTATED)
    assert not WORLDS["tokens only"].holds(claim("aligned"))
    assert not WORLDS["tokens only"].holds(claim("passes", other="bag-of-tokens"))
    assert not WORLDS["length only"].holds(claim("aligned"))
    assert not WORLDS["topic only"].holds(claim("above chance"))
    assert not WORLDS["rows shifted"].holds(claim("above chance"))
    assert not WORLDS["aligned everywhere"].holds(claim("rises"))
    assert not WORLDS["aligned in the middle"].holds(claim("best layers", layers=(1, 3)))
    assert not WORLDS["aligned in the middle"].holds(claim("early"))
    assert not WORLDS["a difference"].holds(claim("closer", checkpoint="tuned", layers=(1, 2), other="base"))
    assert not WORLDS["a difference"].holds(claim("further", checkpoint="tuned", layers=(2,), other="base"))


@pytest.mark.heavy
def test_no_sentence_on_500_worlds_is_false(record_property):
    """By any of five metrics; and what is so is found in most worlds: what claims nothing would not be false either."""
    false, said, worlds = [], {kind: Counter() for kind in WORLDS}, 0
    for seed in range(1000, 1000 + 500 // len(WORLDS) + 1):
        for kind in WORLDS:
            wrong, kinds, _ = false_claims(kind, seed)
            false += [(kind, seed, claim) for claim in wrong]
            said[kind].update(set(kinds))
            worlds += 1
    record_property("worlds", worlds)
    assert worlds >= 500
    assert not false, f"{len({(kind, seed) for kind, seed, _ in false})} of {worlds} worlds: {false[:5]}"
    for kind, kinds in EXPECTED.items():
        assert all(said[kind][one] >= 0.8 * worlds / len(WORLDS) for one in kinds), (kind, said[kind])
