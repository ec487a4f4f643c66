"""verify(): a checkpoint and an engine in, a signed verdict on the engine's hidden states out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from repalign.checkpoints import CheckpointLike
from repalign.corpora import CorpusLike, as_corpus
from repalign.errors import RepalignError, explained_keywords, unknown
from repalign.models.engine import TOLERANCE, Engine
from repalign.models.quiet import quiet_transformers
from repalign.models.templates import RAW
from repalign.models.tokenization import TokenRows, tokenize
from repalign.models.unembed import Unembed, find_unembed
from repalign.progress import Phase
from repalign.states.spec import Dtype, Machine, ReadingSpec
from repalign.states.subject import Subject, open_subject
from repalign.verification.comparing import SHARE, Claimed, compare, distances
from repalign.verification.effect import effects
from repalign.verification.engines import ENGINES
from repalign.verification.exchange import read_folder, write_prompts
from repalign.verification.faults import NORMED_LAST
from repalign.verification.judging import Judgement, judge
from repalign.verification.prompts import TEXTS, digest_of, ids_of
from repalign.verification.script import Script
from repalign.verification.truth import Truth, read_truth
from repalign.verification.verdict import Verdict
from repalign.version import __version__

ROUNDING = 3.0
"""How much farther than one run's rounding another engine in the same half precision may be."""

LARGEST_TOLERANCE = 0.1
"""Beyond it layers could not be distinguished."""

PAIR, SENTENCES = ("en", "zh"), 60
"""Languages and sentences of the alignment curve by default."""


@explained_keywords()
@quiet_transformers()
def verify(
    checkpoint: CheckpointLike,
    against: str | Path = "hooks",
    *,
    dtype: Dtype = "float32",
    device: str = "auto",
    tolerance: float | None = None,
    prompts: Sequence[str] = TEXTS,
    effect: bool = True,
    corpus: CorpusLike = "everyday",
    languages: Sequence[str] = PAIR,
    sentences: int = SENTENCES,
) -> Verdict:
    """Whether an engine's hidden states are those of the model: what `repalign verify` runs.

    The model reads a few prompts one at a time, in float32 and without padding, by a script that shares nothing with the
    engines; through its final norm and output layer the last state must give the model's own log-probabilities.

    Args:
        checkpoint: given as for `repalign.extract`; in memory, a float32 model.
        against: hooks (repalign's reader), transformers, nnsight, transformer-lens, or a folder of states that another
            engine wrote, see `repalign.verification.exchange`.
        dtype: in which the engine runs; a folder says its own.
        device: where models run.
        tolerance: largest distance of a token's state, relative to its length, that counts as right; by default by dtype,
            and in half precision at least three times what rounding does to this model.
        prompts: texts that are read; for a folder those of `write_exchange`.
        effect: whether to compute what a fault does to an alignment curve.
        corpus, languages, sentences: of that curve.

    Raises:
        RepalignError: a checkpoint that cannot be read, an engine that cannot run it, or a folder that cannot be judged.
    """
    if tolerance is not None and not 0 < tolerance < 1:
        raise RepalignError(
            f"the tolerance is a share of a state's length, between 0 and 1, not {tolerance:g}"
        )
    if str(against) not in ENGINES and not Path(against).expanduser().is_dir():
        raise unknown("engine or folder", str(against), ENGINES)
    case = _Case(checkpoint, device, prompts)
    claimed = case.claimed(against, dtype)
    tolerances = case.tolerances(claimed.dtype, tolerance)
    with Phase("comparing layers, and with every known fault if they differ"):
        judgement = judge(case.truth, claimed, tolerances)
    verdict = Verdict(
        checkpoint=case.subject.name,
        engine=claimed.engine,
        judgement=judgement,
        effects={},
        probe="log-probabilities" if case.unembed else "last hidden states",
        probe_gap=case.probe_gap(claimed, judgement),
        signature=case.signature(claimed, max(tolerances)),
    )
    if not effect or not judgement.findings:
        return verdict
    chosen = as_corpus(corpus).select(list(languages), sentences)
    tokens = {lang: case.tokenized(rows) for lang, rows in chosen.sentences.items()}
    found = effects(case.script, tokens, [finding.plant for finding in judgement.findings])
    names = [finding.fault.name for finding in judgement.findings]
    return replace(verdict, effects=dict(zip(names, found, strict=True)))


def write_exchange(
    checkpoint: CheckpointLike, folder: Path, prompts: Sequence[str] = TEXTS, overwrite: bool = False
) -> Path:
    """Write prompts.json for an engine that runs elsewhere, see `repalign.verification.exchange`.

    Args:
        overwrite: replace those for another checkpoint too, and those of a version before 0.2.

    Raises:
        RepalignError: a checkpoint that cannot be read, or a folder that cannot be written.
    """
    case = _Case(checkpoint, "auto", prompts)
    dim = case.truth.states[0].shape[-1]
    return write_prompts(
        folder, case.subject.name, case.subject.weights, case.prompts, case.truth.n_layers, dim, overwrite
    )


@dataclass(eq=False, repr=False)
class _Case:
    """A checkpoint, the device that it runs on, and the texts that it reads."""

    checkpoint: CheckpointLike
    device: str
    texts: Sequence[str]

    @cached_property
    def subject(self) -> Subject:
        return self._subject("float32")

    @cached_property
    def engine(self) -> Engine:
        return self.subject.engine

    @cached_property
    def rows(self) -> TokenRows:
        return self.tokenized(self.texts)

    @cached_property
    def prompts(self) -> list[Tensor]:
        return ids_of(self.rows)

    @cached_property
    def script(self) -> Script:
        return Script.around(self.engine, self.prompts[0])

    @cached_property
    def unembed(self) -> Unembed | None:
        """None for encoders, and for models that do more after the last block than a norm and the output layer."""
        try:
            return None if self.script.norm is None else find_unembed(self.engine)
        except RepalignError:
            return None

    @cached_property
    def truth(self) -> Truth:
        """
        Raises:
            RepalignError: the last state does not give what the model itself returns.
        """
        script, name = self.script, self.subject.name
        with Phase(f"{name}: reading prompts one at a time", len(self.prompts), "prompts") as phase:
            truth = read_truth(script, self.prompts, phase)
        gap = self._probe([states[-1] for states in truth.states], truth, normed=False)
        if gap is not None and not gap <= (1e-2 if self.unembed else TOLERANCE["float32"]):
            raise RepalignError(
                f"the states of {self.subject.name!r}, read alone, do not give what the model returns (difference {gap:.1e}); "
                "there is no truth to verify an engine against"
            )
        return truth

    def claimed(self, against: str | Path, dtype: Dtype) -> Claimed:
        """What the engine returns for the prompts."""
        truth = self.truth  # before any engine touches the model
        if str(against) in ENGINES:
            engine = self.engine if dtype in ("float32", "auto") else self._subject(dtype).engine
            with Phase(f"{self.subject.name}: reading prompts with {against}"):
                return ENGINES[str(against)](engine, self.rows)
        return read_folder(Path(against).expanduser(), self.subject.weights, self.prompts, truth.n_layers)

    def tolerances(self, dtype: str, given: float | None) -> list[float]:
        """By layer; in half precision as much as rounding needs, measured on the prompts alone."""
        least = TOLERANCE[dtype]
        if given is not None or dtype == "float32":
            return [given or least] * self.truth.n_layers
        try:
            engine = self._subject(cast(Dtype, dtype)).engine
        except RepalignError:  # in memory, or not finite in that dtype: nothing to measure
            return [least] * self.truth.n_layers
        script = Script.around(engine, self.prompts[0])
        alone = [script.run(ids[None]).states[0] for ids in self.prompts]
        rounding = compare(Claimed("alone", alone, range(self.truth.n_layers)), self.truth.states)
        return [min(max(least, ROUNDING * gap), LARGEST_TOLERANCE) for gap in rounding.by_layer(SHARE[dtype])]

    def probe_gap(self, claimed: Claimed, judgement: Judgement) -> float | None:
        """How far the engine's last layer is from giving what the model returns; None if it has none of the right shape."""
        last = self.truth.n_layers - 1
        offset = int(any(fault.name == "embedding missing" for fault in judgement.conventions))
        rows = [row for row, layer in enumerate(claimed.layers) if layer + offset == last]
        if not rows or any(
            one.shape[1:] != ours.shape[1:]
            for one, ours in zip(claimed.states, self.truth.states, strict=True)
        ):
            return None
        normed = NORMED_LAST in judgement.conventions
        return self._probe([states[rows[0]] for states in claimed.states], self.truth, normed)

    def tokenized(self, sentences: Sequence[str]) -> TokenRows:
        """Sentences as `repalign.extract` reads them."""
        return tokenize(sentences, self.subject.tokenizer, RAW, self.subject.max_length, self.subject.causal)

    def signature(self, claimed: Claimed, tolerance: float) -> str:
        """One line with everything that decides the verdict."""
        return "|".join(
            [
                f"{self.subject.name}@{self.subject.weights[:8]}",
                f"prompts#{digest_of(self.prompts)[:8]}",
                claimed.engine,
                claimed.dtype,
                f"tolerance:{tolerance:.1e}",
                f"repalign:{__version__}",
                *(f"{package}:{version(package)}" for package in ("torch", "transformers")),
            ]
        )

    def _subject(self, dtype: Dtype) -> Subject:
        return open_subject(self.checkpoint, ReadingSpec(), Machine(dtype, self.device))

    @torch.inference_mode()
    def _probe(self, last: Sequence[Tensor], truth: Truth, normed: bool) -> float | None:
        """Largest difference of log-probabilities, or distance of last hidden states, over the prompts."""
        gaps: list[float] = []
        for ids, state, expected in zip(truth.prompts, last, truth.last, strict=True):
            if self.unembed is None:
                shown = state if normed else self.script.normed(state)
                if shown is None:
                    return None
                gaps.append(float(distances(shown, expected).max()))
                continue
            head = replace(self.unembed, after=()) if normed else self.unembed
            device, dtype = self.engine.device, self.engine.model.dtype
            logits = self.engine.model(input_ids=ids[None].to(device), use_cache=False).logits[0]
            ours = head(state.to(device, dtype)[None])[0]
            gaps.append(float((ours.log_softmax(-1) - logits.float().log_softmax(-1)).abs().max()))
        return max(gaps)
