"""ParallelCorpus: the same sentences in several languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from repalign.errors import RepalignError, unknown
from repalign.signature import digest


@dataclass(frozen=True)
class ParallelCorpus:
    """Sentences in several languages; row i of every language is a translation of row i of every other.

    Attributes:
        name: shown in reports.
        sentences: language code -> sentences.

    Raises:
        RepalignError: no languages, unequal numbers of sentences, or an empty sentence.
    """

    name: str
    sentences: Mapping[str, Sequence[str]]

    def __post_init__(self) -> None:
        if not self.sentences:
            raise RepalignError(f"corpus {self.name!r} has no languages")
        counts = {language: len(rows) for language, rows in self.sentences.items()}
        if len(set(counts.values())) > 1:
            listed = ", ".join(f"{language}: {count}" for language, count in counts.items())
            raise RepalignError(
                f"corpus {self.name!r} is not parallel: numbers of sentences differ ({listed}); "
                "line i of every language must be a translation of line i of every other"
            )
        for language, rows in self.sentences.items():
            for row, sentence in enumerate(rows, start=1):
                if not sentence.strip():
                    raise RepalignError(
                        f"corpus {self.name!r}: sentence {row} of {language!r} is empty; "
                        "drop that row from every language"
                    )
        object.__setattr__(self, "sentences", {lang: tuple(rows) for lang, rows in self.sentences.items()})

    @classmethod
    def named(cls, spec: str, languages: Sequence[str] | None = None) -> ParallelCorpus:
        """A built-in corpus by name, or a folder, file or hub data set: see `repalign.corpora.open_corpus`."""
        from repalign.corpora import open_corpus

        return open_corpus(spec, languages)

    def __len__(self) -> int:
        return len(next(iter(self.sentences.values())))

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(self.sentences)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over languages and text, as hex."""
        return digest(part for lang in sorted(self.sentences) for part in (lang, *self.sentences[lang]))

    def select(self, languages: Sequence[str] | None = None, limit: int | None = None) -> ParallelCorpus:
        """A subset of languages, or the first `limit` sentences.

        Raises:
            RepalignError: a language that is not in the corpus, or one that is given twice.
        """
        chosen = tuple(languages or self.languages)
        for language in chosen:
            if language not in self.sentences:
                raise unknown("language", language, self.sentences, f"corpus {self.name!r} has no other")
        if len(set(chosen)) != len(chosen):
            raise RepalignError(f"a language is named twice in {','.join(chosen)}")
        return ParallelCorpus(self.name, {lang: self.sentences[lang][:limit] for lang in chosen})
