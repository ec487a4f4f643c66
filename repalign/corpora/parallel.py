"""ParallelCorpus: the same sentences in several languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape

from repalign.corpora.opening import open_texts
from repalign.errors import RepalignError, unknown
from repalign.signature import digest


@dataclass(frozen=True, init=False, repr=False)
class ParallelCorpus:
    """Sentences in several languages; row i of every language is a translation of row i of every other.

    >>> ParallelCorpus({"en": ["Good morning."], "zh": ["早上好。"]})
    ParallelCorpus(sentences: 1 sentence x 2 languages: en, zh)

    Attributes:
        name: shown in reports.
        sentences: language code -> sentences.

    Raises:
        RepalignError: no languages, unequal numbers of sentences, or an empty sentence.
    """

    name: str
    sentences: Mapping[str, Sequence[str]]

    def __init__(
        self,
        sentences: Mapping[str, Sequence[str]] | str,
        name: str | Mapping[str, Sequence[str]] = "sentences",
    ) -> None:
        """The name comes second and may be left out; the other order of arguments is accepted too."""
        if isinstance(sentences, str):
            sentences, name = name, sentences
        if not isinstance(sentences, Mapping) or not isinstance(name, str):
            raise RepalignError(
                "a corpus is made of a mapping of language to sentences, "
                f"such as {{'en': [...], 'zh': [...]}}; got {type(sentences).__name__}"
            )
        object.__setattr__(self, "name", name)
        object.__setattr__(
            self, "sentences", {str(lang): _texts(lang, rows) for lang, rows in sentences.items()}
        )
        self._check()

    def _check(self) -> None:
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
                try:
                    sentence.encode()
                except UnicodeEncodeError as error:
                    raise RepalignError(
                        f"corpus {self.name!r}: sentence {row} of {language!r} holds half of a surrogate pair "
                        f"({sentence[error.start]!r}), which is no character; convert the text again"
                    ) from error

    def __repr__(self) -> str:
        shown = ", ".join(self.languages[:20]) + (", ..." if len(self.languages) > 20 else "")
        sentences = f"{len(self)} sentence{'s' * (len(self) != 1)}"
        return f"ParallelCorpus({self.name}: {sentences} x {len(self.languages)} languages: {shown})"

    def _repr_html_(self) -> str:
        """For notebooks: the first three sentences of each language."""
        rows = "".join(
            f"<tr><td>{escape(lang)}</td>"
            + "".join(f"<td>{escape(text[:100])}</td>" for text in texts[:3])
            + "</tr>"
            for lang, texts in list(self.sentences.items())[:20]
        )
        return f"<p><b>{escape(repr(self))}</b></p><table>{rows}</table>"

    @classmethod
    def named(cls, spec: str, languages: Sequence[str] | None = None) -> ParallelCorpus:
        """A built-in corpus by name, or a folder, file or hub data set: see `repalign.corpora.opening`.

        Raises:
            RepalignError: nothing of that name, a language it does not have, or text that is not parallel.
        """
        texts = open_texts(spec, languages)
        return cls(texts.sentences, texts.name)

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
        if limit is not None and (not isinstance(limit, int) or limit < 1):
            raise RepalignError(f"a limit of sentences is a whole number from 1, not {limit!r}")
        chosen = tuple([languages] if isinstance(languages, str) else languages or self.languages)
        for language in chosen:
            if language not in self.sentences:
                raise unknown("language", language, self.sentences, f"corpus {self.name!r} has no other")
        if len(set(chosen)) != len(chosen):
            raise RepalignError(f"a language is named twice in {','.join(chosen)}")
        return ParallelCorpus({lang: self.sentences[lang][:limit] for lang in chosen}, self.name)


def _texts(language: object, rows: Sequence[str]) -> tuple[str, ...]:
    """
    Raises:
        RepalignError: not a list of text.
    """
    if isinstance(rows, str) or not all(isinstance(row, str) for row in rows):
        raise RepalignError(
            f"the sentences of {language!r} are not a list of text; give one string per sentence"
        )
    return tuple(rows)
