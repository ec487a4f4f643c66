"""Verdicts: what each metric lets one claim of each language, by rules that every sentence shares."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, TypeVar

from repalign.figures.controls import BASELINES, SHARED_TOKENS
from repalign.figures.view import ALPHA
from repalign.results.layer_ranges import layer_set

if TYPE_CHECKING:
    import pandas as pd

    from repalign.figures.view import View

K = TypeVar("K", bound=Hashable)

CLAIM = 0.001
"""Adjusted p below which a sentence claims something. Figures mark p < .05: that fails for one metric and variant in
twenty, and a page has a dozen of them."""

MIN_SENTENCES, MIN_DOCUMENTS = 20, 10
"""With fewer sentences, or documents where these are known, intervals are not reliable and nothing is claimed."""

ROUNDING = 1e-9
"""Differences up to this are those of floating-point sums."""

CONFOUNDS = {
    "unshared-tokens": "without shared tokens",
    "length-partialled": "with sentence length regressed out",
}
"""Controls under which a score should still be above chance. Matched length is none of them: sentences that have the
same length as their translations may still be recognised by it."""

TEXTS = ("control", "checkpoint", "metric", "target", "layers")
READ = (
    *TEXTS, "layer", "value", "low", "high", "chance", "gain", "p_adjusted",
    *(f"over_{end}{side}" for end in ("first", "last") for side in ("", "_low", "_high")),
)  # fmt: skip
"""Columns of scores, peaks and controls that verdicts and sentences read."""


@dataclass(frozen=True)
class Verdict:
    """One language in one checkpoint by one metric and variant.

    Attributes:
        p: smallest adjusted p over layers, and over the test of the best layer where there is one.
        significant: above chance: adjusted p < `CLAIM` at some layer and of the best layer, and the interval of the best
            layer, chosen on other sentences, is beyond chance.
        layers: where it is significant.
        early: whether that includes layer 0.
        controls: of each control, if significant: whether it is exceeded, or a confound removed leaves it above chance.
        peak: its row of "peaks"; None in results of an earlier version.
        best: layers that may be the best.
        rises, falls: whether the best layer is beyond the first, and the last, layer.
    """

    checkpoint: str
    language: str
    p: float
    significant: bool
    layers: tuple[int, ...]
    early: bool
    controls: dict[str, bool]
    peak: Any
    best: tuple[int, ...]
    rises: bool
    falls: bool

    @property
    def failed(self) -> tuple[str, ...]:
        """Controls that speak against it."""
        return tuple(name for name, passed in self.controls.items() if not passed)

    @property
    def found(self) -> bool:
        """Significant, and no control speaks against it."""
        return self.significant and not self.failed

    @property
    def aligned(self) -> bool:
        """Found, with shared tokens controlled for."""
        return self.found and any(self.controls.get(name) for name in (SHARED_TOKENS, "random-weights"))

    @property
    def refuted(self) -> bool:
        """Not significant even without the stricter rule for sentences, or a control speaks against it."""
        return bool(self.failed) or not self.p < ALPHA


class Verdicts:
    """The verdicts on all languages, by metric and variant; each is computed once.

    Attributes:
        view: the results.
        compared: the comparisons of checkpoints that were made, by metric and variant (see `changed.comparisons`).
    """

    def __init__(self, view: View) -> None:
        self.view = view
        self.compared: dict[tuple[str, str], list[Any]] = {}
        self._known: dict[tuple[str, str], list[Verdict]] = {}

    def of(self, metric: str, variant: str) -> list[Verdict]:
        """In the order of the table: by checkpoint, then language."""
        if (metric, variant) not in self._known:
            self._known[metric, variant] = self._made(metric, variant)
        return self._known[metric, variant]

    @cached_property
    def too_few(self) -> str:
        """What there is too little of for any claim, e.g. "12 sentences"; empty if there is enough."""
        sentences = self.view.scored["sentences"].max()
        documents = self.view.results.profile.settings.get("documents")
        if sentences < MIN_SENTENCES:
            return f"{sentences} sentences are too few for a claim: at least {MIN_SENTENCES} are needed"
        if documents is not None and documents < MIN_DOCUMENTS:
            return f"{documents} documents are too few for a claim: at least {MIN_DOCUMENTS} are needed"
        return ""

    def _made(self, metric: str, variant: str) -> list[Verdict]:
        rows = self.view.rows("scores", metric=metric, variant=variant)
        peaks = _by_language(self.view.rows("peaks", metric=metric, variant=variant))
        controls = _by_language(self.view.rows("controls", metric=metric, variant=variant))
        tests = 2 * rows["target"].nunique()
        return [
            self._verdict(key, layers, next(iter(peaks.get(key, [])), None), controls.get(key, []), tests)
            for key, layers in _by_language(rows).items()
        ]

    def _verdict(
        self, key: tuple[str, str], rows: list[Any], peak: Any, controls: list[Any], tests: int
    ) -> Verdict:
        above = [row for row in rows if row.p_adjusted < CLAIM and row.gain > 0]
        p = min([row.p_adjusted for row in rows if row.gain > 0 and row.p_adjusted <= 1], default=1.0)
        best: tuple[int, ...] = ()
        significant, rises, falls, at = bool(above), False, False, None
        if peak is not None:
            sign = self.view.results.profile.sign(peak.metric)
            p = max(p, peak.p_adjusted) if peak.p_adjusted <= 1 else p
            significant &= p < CLAIM and beyond(sign, peak.low, peak.high, peak.chance)
            best, at = layer_set(peak.layers), peak
            rises = self.widened(sign, peak.over_first, peak.over_first_low, peak.over_first_high, tests)
            falls = self.widened(sign, peak.over_last, peak.over_last_low, peak.over_last_high, tests)
        elif above:
            at = min(above, key=lambda row: row.p_adjusted)
            best = (at.layer,)
        layers = tuple(row.layer for row in above) if significant else ()
        passed = _passed(at, best, controls) if significant else {}
        return Verdict(*key, p, significant, layers, 0 in layers, passed, peak, best, rises, falls)

    def widened(self, sign: int, value: float, low: float, high: float, tests: int) -> bool:
        """Whether a difference is positive (times `sign`) by an interval widened to a familywise error of `CLAIM`.

        The half of the interval on the side of zero is stretched as that of a normal distribution, with Bonferroni's
        correction over `tests`: intervals of 95% would be on the wrong side of zero in one language of forty.
        """
        confidence = self.view.results.profile.settings.get("confidence", 0.95)
        normal = NormalDist()
        stretch = normal.inv_cdf(CLAIM / 2 / tests) / normal.inv_cdf((1 - confidence) / 2)
        value, near = sign * value, min(sign * low, sign * high)
        return bool(
            value - stretch * (value - near) > ROUNDING
        )  # where the best layer is that at the end, all are 0


def _passed(row: Any, best: tuple[int, ...], controls: list[Any]) -> dict[str, bool]:
    """Whether the score of the best layer passes each control, at those of the layers `best` where that is hardest."""
    passed = {}
    for control, scores in _grouped(controls, lambda row: str(row.control)).items():
        near = [one for one in scores if one.layer in best] or scores
        if control in BASELINES:
            passed[control] = exceeds(row, max(near, key=lambda one: one.gain))
        elif control in CONFOUNDS:
            passed[control] = all(one.p_adjusted < CLAIM and one.gain > 0 for one in near)
    return passed


def beyond(sign: int, low: float, high: float, chance: float) -> bool:
    """Whether an interval is on the better side of chance."""
    return bool((low > chance) if sign > 0 else (high < chance))


def exceeds(row: Any, control: Any) -> bool:
    """Whether a score is better than a control's, and the two intervals do not overlap."""
    apart = row.low > control.high or row.high < control.low
    return bool(apart and row.gain > control.gain)


def _by_language(rows: pd.DataFrame) -> dict[tuple[str, str], list[Any]]:
    """Rows by checkpoint and language, with the columns that verdicts need."""
    rows = rows[[name for name in READ if name in rows]]
    texts = {name: rows[name].astype(object) for name in TEXTS if name in rows}  # faster to iterate over
    return _grouped(rows.assign(**texts).itertuples(index=False), lambda row: (row.checkpoint, row.target))


def _grouped(rows: Iterable[Any], key: Callable[[Any], K]) -> dict[K, list[Any]]:
    groups: dict[K, list[Any]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups
