"""Every table that repalign writes: its columns, their dtypes, meanings and units.

Producers make their tables by these declarations, loading checks them, and docs/tables.md lists them.
"""

from __future__ import annotations

from typing_extensions import NotRequired, TypedDict

from repalign.corpora.problems import Problem
from repalign.results.table import Column, Table

SCHEMA = 2
"""Version of tables and JSON; a reader refuses a newer one and renames the columns of schema 1."""

GRAIN = 1 / 4096
"""Coordinates on a map are multiples of this, so that a page can store them exactly in two bytes each."""

CHECKPOINT = Column("checkpoint", "string", "name of the checkpoint")
BASELINE = Column("baseline", "string", "name of the checkpoint that it is compared with")
MINUS = Column(
    "baseline", "string", "the checkpoint whose value was subtracted (paired); NA: none was", nullable=True
)
METRIC = Column("metric", "string", "name of the metric")
VARIANT = Column("variant", "string", "what was done to the states first: raw, centred, ...")
SOURCE = Column("source", "string", "language searched from")
TARGET = Column("target", "string", "language searched in")
LANGUAGE = Column("language", "string", "language of the states")
LAYER = Column("layer", "int64", "0: input of block 1; l: output of block l, before the final norm", least=0)
DEPTH = Column("depth", "float64", "layer divided by the number of blocks", nullable=True)
MEASURE = Column("measure", "string", "what `value` measures")
SENTENCE = Column("sentence", "int64", "row of the corpus", least=0)
NEAREST = tuple(
    Column(
        f"nearest_{rank}", "Int32", f"row of the pivot's sentence with the {which} cosine, among those of the map; "
        "NA: the sentence is the pivot's", nullable=True, least=0, later=True,
    )
    for rank, which in enumerate(("largest", "second largest", "third largest"), start=1)
)  # fmt: skip
"""Nearest neighbours in all dims of each sentence of a map."""

LOW = Column(
    "low", "float64", "lower end of the interval (95% by default); NaN: there is none", nullable=True
)
HIGH = Column("high", "float64", "upper end likewise", nullable=True)
P = Column("p", "float64", "p-value; NaN: not tested", nullable=True)
SCORER = Column("scorer", "string", "name of the scorer")
ASKED = Column("language", "string", "language of question and answer")
ITEMS = Column("items", "int64", "questions", least=0)


def value(meaning: str, unit: str = "") -> Column:
    """The column `value`: NaN where it is not defined."""
    return Column("value", "float64", f"{meaning}; NaN: not defined", unit, nullable=True)


def adjusted(over: str) -> Column:
    """The column `p_adjusted`."""
    return Column("p_adjusted", "float64", f"p after correction over {over}", nullable=True)


SCORES = (
    CHECKPOINT, MINUS, METRIC, VARIANT, SOURCE, TARGET, LAYER, DEPTH,
    value("the metric's value, or the difference from the baseline's", "the metric's"), LOW, HIGH,
    Column("chance", "float64", "analytic, or the mean under permuted translations; NaN for differences", "the metric's", nullable=True),
    Column("calibrated", "float64", "(value - chance) / (best - chance): 0 for shuffled pairs, 1 for identical states", nullable=True),
    Column("p", "float64", "against chance: translations shuffled, within documents where these are known; or against no difference, "
           "where there is a baseline", nullable=True),
    adjusted("layers and languages (Holm by default)"),
    Column("design_effect", "float64", "variance with sentences in documents over that of independent sentences; NaN: documents unknown, or scored by leaving them out whole",
           nullable=True, later=True),
    Column("sentences", "int64", "groups of duplicate sentences that were scored", least=0),
)  # fmt: skip


def from_end(end: str) -> tuple[Column, ...]:
    """The score at the best layer minus that at the `end`, first or last, of the layers scored, with its interval."""
    name, sides = f"over_{end}", (("low", "lower"), ("high", "upper"))
    return (
        Column(name, "float64", f"cross-fitted score minus the score at the {end} layer", "the metric's", nullable=True),
        *(Column(f"{name}_{side}", "float64", f"{which} end of its interval", nullable=True) for side, which in sides),
    )  # fmt: skip


RESULTS = {table.name: table for table in (
    Table("profile", "the scores", "checkpoint (or difference), metric, variant, language pair and layer", SCORES),
    Table("peaks", "the best layer, honestly", "checkpoint (or difference), metric, variant and language pair, both directions averaged", (
        CHECKPOINT, MINUS, METRIC, VARIANT, SOURCE, TARGET,
        Column("layer", "int64", "with the best score on all sentences; of a difference, the largest in absolute value", least=0), DEPTH,
        Column("layers", "string", "that may be the best at 95%, as ranges: 3-5,8"),
        value("cross-fitted: the layer is chosen on some documents or sentences and scored on the others", "the metric's"), LOW, HIGH,
        Column("chosen_on_all", "float64", "score at `layer` on the sentences that chose it: too good", "the metric's", nullable=True),
        Column("chance", "float64", "of the metric; NaN for differences", "the metric's", nullable=True),
        Column("calibrated", "float64", "(value - chance) / (best - chance)", nullable=True),
        Column("p", "float64", "of the best layer: its maximum under the same shuffles of all layers; NaN: not tested", nullable=True),
        adjusted("languages (Holm by default)"),
        *from_end("first"), *from_end("last"),
        Column("sentences", "int64", "groups of duplicate sentences that were scored", least=0),
    )),
    Table("map", "2-D or 3-D maps of all sentences", "checkpoint, reducer, variant, layer, language and sentence", (
        Column("checkpoint", "category", "name of the checkpoint"),
        Column("reducer", "category", "how dims were reduced: pca, umap, ..."),
        Column("variant", "category", "raw or centred"),
        Column("layer", "int32", LAYER.meaning, least=0),
        Column("language", "category", "language of the sentence"),
        Column("sentence", "int32", "row of the corpus", least=0),
        Column("x", "float32", "place on the map", "a multiple of 1/4096", nullable=True),
        Column("y", "float32", "likewise", "a multiple of 1/4096", nullable=True),
        Column("z", "float32", "likewise; NaN on a map of two dims", "a multiple of 1/4096", nullable=True),
        Column("cosine", "float32", "with the translation in the pivot (of the pivot: mean over the others)", nullable=True),
        Column("margin", "float32", "that cosine minus the largest with a wrong sentence", nullable=True),
        Column("trustworthiness", "float32", "of the layer's map: 1 perfect, 0.5 chance", nullable=True),
        Column("knn_overlap", "float32", "share of nearest neighbours that the layer's map keeps", nullable=True),
        *NEAREST,
    )),
    Table("sentences", "the text", "language and sentence", (
        Column("language", "string", "language of the text"), SENTENCE,
        Column("group", "int64", "sentences of one number are duplicates in some language"),
        Column("text", "string", "the sentence"),
        Column("tokens", "int64", "tokens that were pooled", "tokens", least=0),
    )),
    Table("geometry", "shape of each language's states", "checkpoint, language, layer and measure", (
        CHECKPOINT, LANGUAGE, LAYER, DEPTH, MEASURE, value("of the measure", "the measure's"),
        Column("detail", "string", "outlier dims by name; else empty"),
    )),
    Table("separation", "do states separate by language or by meaning", "checkpoint, variant, layer, measure and language", (
        CHECKPOINT, VARIANT, LAYER, DEPTH, MEASURE,
        Column("language", "string", "language of the states; NA: all together", nullable=True),
        value("of the measure", "the measure's"), LOW, HIGH,
        Column("chance", "float64", "what chance gives; NaN: no chance level", nullable=True),
    ), formerly="identity"),
    Table("confusions", "sentences whose nearest neighbour is not their translation", "checkpoint, variant, direction, layer and sentence", (
        CHECKPOINT, VARIANT, SOURCE, TARGET, LAYER, DEPTH, SENTENCE,
        Column("taken_for", "int64", "row of the nearest sentence in the target language", least=0),
        Column("cosine", "float64", "with that sentence", nullable=True),
        Column("cosine_right", "float64", "with the translation", nullable=True),
    ), formerly="neighbours"),
    Table("drift", "how far each language moved from the baseline", "checkpoint, language, layer and measure", (
        CHECKPOINT, BASELINE, LANGUAGE, LAYER, DEPTH, MEASURE, value("of the measure", "the measure's"), LOW, HIGH,
    )),
    Table("layer_cka", "layers of one checkpoint against layers of another", "checkpoint, language and pair of layers", (
        CHECKPOINT, BASELINE, LANGUAGE, LAYER, DEPTH,
        Column("baseline_layer", "int64", "layer of the baseline", least=0),
        Column("baseline_depth", "float64", "that layer divided by the baseline's number of blocks", nullable=True),
        value("debiased CKA"),
    )),
    Table("languages", "every two languages, both ways and to themselves", "checkpoint, metric, variant, layer and ordered pair of languages", (
        CHECKPOINT, METRIC, VARIANT, LAYER, DEPTH, Column("language", "string", "one language"),
        Column("other", "string", "the other"),
        Column("order", "int64", "place of `language` along the tree", least=0),
        value("the metric's value, both directions averaged", "the metric's"),
        Column("distance", "float64", "1 - calibrated score, from 0 (same states) to 1 (unrelated)", nullable=True),
    )),
    Table("tree", "how languages join by average linkage", "checkpoint, metric, variant, layer and merger", (
        CHECKPOINT, METRIC, VARIANT, LAYER, DEPTH, Column("step", "int64", "number of the merger, from 0", least=0),
        Column("left", "string", "a language, or the step that made a group, as text"), Column("right", "string", "likewise"),
        Column("distance", "float64", "at which they join", nullable=True),
        Column("size", "int64", "languages in the new group", "languages", least=0),
    )),
    Table("controls", "scores of conditions without meaning, or without a confound", "control and row of the profile", (
        Column("control", "string", "bag-of-tokens, same-document, random-weights, unshared-tokens, length-matched or length-partialled"), *SCORES,
    )),
)}  # fmt: skip
"""Tables of `repalign layers` and `compare`."""

EVALUATION = {table.name: table for table in (
    Table("scores", "scores by language", "checkpoint (or difference), scorer and language", (
        CHECKPOINT, MINUS, SCORER,
        Column("language", "string", "language of question and answer; NA: mean over languages", nullable=True),
        value("of the scorer, or the difference", "points, 0 to 100"), LOW, HIGH,
        Column("p", "float64", "against no difference; NaN for a score alone", nullable=True), adjusted("languages (Holm)"), ITEMS,
    )),
    Table("answers", "the answers", "checkpoint, language and item", (
        CHECKPOINT, ASKED,
        Column("item", "string", "id, the same for the same question in every language"),
        Column("kind", "string", "of question, where a task has several; else empty"),
        Column("instruction", "string", "the prompt's instruction"), Column("input", "string", "the prompt's input"),
        Column("reference", "string", "the first right answer"), Column("answer", "string", "the checkpoint's"),
        Column("answered_in", "string", "detected language of the answer; NA: not detected", nullable=True),
        Column("tokens", "int64", "tokens of the answer", "tokens", least=0),
        Column("ended", "bool", "whether the model ended the answer itself; if not, it was cut"),
        Column("prompt_cut", "int64", "tokens that the prompt lost to fit the context", "tokens", least=0),
    ), further="score of this item by the scorer of that name"),
    Table("choices", "likelihood of every answer that could be chosen", "checkpoint, language, item and choice", (
        CHECKPOINT, ASKED, Column("item", "string", "id of the question"), Column("choice", "string", "an answer to choose"),
        Column("loglikelihood", "float64", "of the choice after the prompt, natural logarithm", "nats"),
        Column("is_right", "bool", "whether it is the right answer"),
    )),
    Table("answer_languages", "language of the answers", "checkpoint (or `references`), language asked and language answered", (
        Column("checkpoint", "string", "name of the checkpoint, or `references` for the right answers"),
        Column("asked", "string", "language of the question"),
        Column("answered", "string", "detected language of the answer; NA: not detected", nullable=True),
        Column("count", "int64", "answers", least=0),
        Column("share", "float64", "of the answers to this language", nullable=True),
    ), formerly="languages"),
    Table("consistency", "same answer in two languages", "checkpoint and pair of languages", (
        CHECKPOINT, Column("language", "string", "one language"), Column("other", "string", "the other"),
        value("share of questions answered the same"), LOW, HIGH,
        Column("chance", "float64", "share of pairs of different questions answered the same", nullable=True),
        Column("calibrated", "float64", "(value - chance) / (1 - chance)", nullable=True),
        Column("p", "float64", "one-sided, from shuffled questions, or of paragraphs that share them (Student's t)", nullable=True), ITEMS,
    )),
    Table("wins", "which of two checkpoints answers better", "language", (
        CHECKPOINT, BASELINE, Column("judge", "string", "who decided"), ASKED,
        Column("wins", "int64", "of the checkpoint over the baseline", least=0), Column("ties", "int64", "questions", least=0),
        Column("losses", "int64", "questions", least=0), value("share of wins, ties counting half"), LOW, HIGH,
        Column("p", "float64", "two-sided sign test of wins against losses, exact", nullable=True),
        Column("p_adjusted", "float64", "p after correction over languages (Holm)", nullable=True, later=True),
        Column("position_biased", "float64", "share of questions in which the same position won in both orders", nullable=True, formerly="swayed"),
        Column("first_place", "float64", "share of verdicts for the answer shown first; NaN: no verdicts", nullable=True),
        Column("unclear", "float64", "share of questions without two verdicts", nullable=True), ITEMS,
    )),
    Table("alignment", "alignment beside scores", "checkpoint, metric, scorer and language", (
        CHECKPOINT, METRIC, LAYER, SCORER, ASKED,
        Column("alignment", "float64", "the metric with the pivot at the best layer; more is nearer", "the metric's", nullable=True),
        Column("score", "float64", "of the scorer", "points, 0 to 100", nullable=True),
    )),
    Table("correlations", "Spearman's correlation of alignment and score", "checkpoint, metric, scorer and language (or all)", (
        CHECKPOINT, METRIC, SCORER,
        Column("over", "string", "what is correlated", among=("languages", "sentences")),
        Column("language", "string", "language of the sentences; NA: over languages", nullable=True),
        value("rho"), LOW, HIGH, P, adjusted("metrics or languages (Holm)"),
        Column("units", "int64", "languages or sentences", least=0), Column("note", "string", "why there is no p-value; else empty"),
    )),
)}  # fmt: skip
"""Tables of `repalign evaluate`."""

INSIDE = {table.name: table for table in (
    Table("lens", "the logit lens: what each layer would predict next", "checkpoint, language, layer, measure and language predicted", (
        CHECKPOINT, Column("language", "string", "language of the text"), LAYER, DEPTH,
        Column("measure", "string", "probability of the tokens of `toward`, or normalised entropy", among=("probability", "entropy")),
        Column("toward", "string", "language of the tokens predicted; NA for entropy", nullable=True),
        value("of the measure, from 0 to 1"), LOW, HIGH, Column("sentences", "int64", "sentences", least=0),
    )),
    Table("neurons", "the most language-specific neurons", "checkpoint, neuron and language", (
        CHECKPOINT, LAYER, DEPTH, Column("neuron", "int64", "its index in the layer", least=0),
        Column("language", "string", "a language it is active in"),
        Column("entropy", "float64", "normalised entropy of its activation rates: 0 one language, 1 all alike", nullable=True),
        Column("rate", "float64", "share of the language's tokens it is active at", nullable=True),
        Column("elsewhere", "float64", "mean of that share over the other languages", nullable=True),
    )),
    Table("interventions", "the effect of ablating or steering", "checkpoint, intervention, layer, language and outcome", (
        CHECKPOINT, Column("intervention", "string", "what was done", among=("neurons", "subspace", "steering")),
        Column("of", "string", "language that was ablated or steered; NA: all", nullable=True),
        Column("layer", "Int64", "block whose output was changed; NA: several", nullable=True, least=0), DEPTH,
        Column("size", "int64", "neurons or directions", least=0), Column("language", "string", "language of the text"),
        Column("outcome", "string", "loss (nats per token), probability of the text's language (own) or the pivot, P@1 with the pivot",
               among=("loss", "own", "pivot", "p_at_1")),
        Column("baseline", "float64", "the outcome without intervention", "the outcome's", nullable=True, formerly="untouched"),
        value("change of the outcome, mean over sentences", "the outcome's"), LOW, HIGH,
        Column("control", "float64", "mean change by random interventions of the same kind and size", "the outcome's", nullable=True),
        Column("control_low", "float64", "lower end of the range of 95% of random interventions", "the outcome's", nullable=True),
        Column("control_high", "float64", "upper end likewise", "the outcome's", nullable=True),
        Column("p", "float64", "that the intervention is itself a random one", nullable=True),
        adjusted("the rows of one intervention and outcome, those in the language itself apart (step-down maximum; at least 1 / (1 + controls))"),
        Column("sentences", "int64", "sentences", least=0),
        Column("controls", "Int64", "random interventions; NA in earlier files: three, whose choice p does not count", nullable=True, least=0, later=True),
    )),
)}  # fmt: skip
"""Tables of `repalign inside`."""

SUSPECTED = Column("language", "string", "language of the text that is compared with the pivot's")

SUSPECTS = {table.name: table for table in (
    Table("suspects", "how much each pair is suspected to be no translation", "language and sentence, the most suspect first", (
        Column("rank", "int64", "place by score, from 1", least=1), SUSPECTED, SENTENCE,
        Column("score", "float64", "root of the summed squares of the four that follow (of `meaning` where it is above 0)", "robust standard deviations", least=0),
        Column("meaning", "float64", "how much worse than expected the states of the two sides belong together, mean over the working layers", "robust standard deviations"),
        Column("length", "float64", "how much longer than expected the text is; negative: shorter", "robust standard deviations"),
        Column("number", "float64", "above 0 if either side has a number that the other lacks", least=0),
        Column("other_language", "float64", "above 0 if the text seems to be in another language, likewise", least=0),
        Column("kind", "string", "what it probably is",
               among=("shifted", "neighbour", "another row", "wrong language", "truncated", "longer", "number", "other")),
        Column("fits", "Int64", "row whose translation the text rather is, at most of the working layers; NA: none", nullable=True, least=0),
        Column("together", "int64", "working layers at which both sides are each other's nearest", "layers", least=0),
        Column("suspected", "bool", "whether the score reaches the threshold"),
        Column("suspected_in", "int64", "languages in which this row is suspected", "languages", least=0),
        Column("side", "string", "of a suspect, what is probably at fault: source (more than half of the languages), translation (one), several; "
               "empty: not suspected, or only one language", among=("", "source", "translation", "several")),
    )),
    Table("listed", "the texts of the first suspects", "suspect", (
        Column("rank", "int64", "place by score, from 1", least=1), SUSPECTED, SENTENCE,
        Column("pivot_text", "string", "the sentence of the pivot"), Column("text", "string", "the text that stands beside it"),
        Column("fits_text", "string", "the pivot's sentence that the text fits better; NA: none", nullable=True),
    )),
    Table("evidence", "the evidence of the states, layer by layer, of the first suspects", "suspect and layer", (
        SUSPECTED, SENTENCE, LAYER, DEPTH,
        Column("value", "float64", "how much worse than expected the lead over the best rival is", "robust standard deviations"),
    )),
    Table("working", "which layers bring the languages together", "language and layer", (
        SUSPECTED, LAYER, DEPTH,
        Column("together", "float64", "share of rows whose two sides are each other's nearest", least=0),
        Column("chance", "float64", "that share for unrelated sentences", least=0),
        Column("works", "bool", "whether the layer's evidence counts"),
    )),
)}  # fmt: skip
"""Tables of `repalign data suspects`."""

QUANTISATION = {table.name: table for table in (
    Table("losses", "the loss in each language, and how it changes", "checkpoint (or difference), language and measure", (
        CHECKPOINT, MINUS, Column("language", "string", "language of the text"),
        Column("measure", "string", "loss in nats per token, sentence, character or byte; of differences also as a share of the base's loss, "
               "KL divergence from the base's predictions (nats per token, on its 32 most likely tokens and the rest), and share of tokens with the same first guess",
               among=("nats_per_token", "nats_per_sentence", "nats_per_character", "nats_per_byte", "share_of_loss", "kl", "same_top")),
        value("of the measure, or the difference from the base's", "the measure's"), LOW, HIGH,
        Column("p", "float64", "against no difference; NaN where there is none", nullable=True),
        adjusted("the differences of one measure: versions and languages (Holm)"),
        Column("tokens", "int64", "tokens that were predicted", "tokens", least=0), Column("sentences", "int64", "distinct sentences", least=0),
    )),
    Table("ranking", "which language loses most", "checkpoint, measure and language", (
        CHECKPOINT, BASELINE, Column("measure", "string", "of the difference in loss", among=("nats_per_token", "nats_per_sentence", "share_of_loss")),
        Column("language", "string", "language of the text"), Column("rank", "int64", "1: loses most", least=1),
        Column("rank_low", "int64", "lower end of its 95% interval", least=1), Column("rank_high", "int64", "upper end likewise", least=1),
        value("difference from the base's loss", "the measure's"),
        Column("behind", "float64", "difference of the first language's minus that of this one, paired", "the measure's", nullable=True),
        Column("low", "float64", "lower end of the interval of `behind`; NaN for the first", nullable=True), Column("high", "float64", "upper end likewise", nullable=True),
        Column("p", "float64", "that this language loses as much as the first; NaN for the first", nullable=True), adjusted("all pairs of languages (Holm)"),
    )),
    Table("state_drift", "how far each language's states moved from the base's", "checkpoint, language, layer and measure", RESULTS["drift"].columns),
    Table("alignment_by_layer", "alignment with the pivot, and how it changes", "checkpoint (or difference), metric, variant, language pair and layer", SCORES),
)}  # fmt: skip
"""Tables of `repalign quantisation`."""

KINDS = {
    "profile": RESULTS,
    "evaluation": EVALUATION,
    "inside": INSIDE,
    "suspects": SUSPECTS,
    "quantisation": QUANTISATION,
}
"""Tables by kind of folder: the name of its JSON file."""

REQUIRED = {
    "profile": ("profile",),
    "evaluation": ("scores", "answers"),
    "inside": ("lens",),
    "suspects": ("suspects", "listed"),
    "quantisation": ("losses",),
}
"""Required tables by kind."""


class ProfileSettings(TypedDict, total=False):
    """Settings of `layers` and `compare` that pages and figures read; others are allowed, as in every kind."""

    pivot: str
    labels: dict[str, str]
    higher_is_better: dict[str, bool]
    rotation_invariant: list[str]
    confidence: float
    correction: str
    documents: int | None


class EvaluationSettings(TypedDict):
    """Likewise, of an evaluation."""

    labels: dict[str, str]
    scorers: dict[str, str]
    truncated: dict[str, dict[str, dict[str, int]]]
    chance: NotRequired[dict[str, float]]
    notes: NotRequired[list[str]]
    clusters: NotRequired[dict[str, int]]
    wins_missing: NotRequired[str]


class InsideCheckpoint(TypedDict):
    """Of one checkpoint: known tokens by language, and what to know about it."""

    tokens: dict[str, int]
    notes: list[str]


class InsideSettings(TypedDict):
    """Likewise, of a look inside."""

    pivot: str
    languages: list[str]
    checkpoints: dict[str, InsideCheckpoint]


class SuspectsSettings(TypedDict):
    """Likewise, of suspects."""

    pivot: str
    languages: list[str]
    threshold: float


class QuantisationSettings(TypedDict):
    """Likewise, of versions of a model: their order is from the mildest compression to the harshest."""

    base: str
    order: list[str]
    pivot: str
    languages: list[str]
    documents: int | None
    saved_as: dict[str, str]
    notes: list[str]


SETTINGS: dict[str, type] = {
    "profile": ProfileSettings,
    "evaluation": EvaluationSettings,
    "inside": InsideSettings,
    "suspects": SuspectsSettings,
    "quantisation": QuantisationSettings,
}
"""Settings by kind."""


class Manifest(TypedDict, total=False):
    """What pages read of a data manifest."""

    ok: bool
    problems: list[Problem]
    documents: int | None


class About(TypedDict, total=False):
    """Metadata of a run."""

    command: str | None
    date: str
    versions: dict[str, str]
    manifest: Manifest | None


class Described(TypedDict):
    """The JSON file of a folder of results, and what is held in memory; `settings` are checked by kind."""

    title: str
    signatures: dict[str, str]
    settings: dict[str, object]
    about: About
