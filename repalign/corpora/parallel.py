"""ParallelCorpus: the same sentences in several languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape

import numpy as np

from repalign.corpora.documents import Clusters, cluster_ids, document_names
from repalign.corpora.language_choice import choose
from repalign.corpora.languages import canonical, find
from repalign.corpora.opening import open_texts
from repalign.corpora.scripts import is_blank
from repalign.errors import RepalignError
from repalign.progress import Phase
from repalign.signature import digest


@dataclass(frozen=True, init=False, repr=False)
class ParallelCorpus:
    """Sentences in several languages; row i of every language is a translation of row i of every other.

    >>> ParallelCorpus({"en": ["Good morning."], "zh": ["早上好。"]})
    ParallelCorpus(sentences: 1 sentence x 2 languages: en, zh)

    Attributes:
        name: shown in reports.
        sentences: language code -> sentences.
        documents: of each row, the document that it was taken from; None if unknown. Sentences of one document share
            a topic, so they are resampled, shuffled and held out together. A row without one is a document of its own.

    Raises:
        RepalignError: no languages, one language twice, unequal numbers of sentences or documents, or an empty sentence.
    """

    name: str
    sentences: Mapping[str, Sequence[str]]
    documents: tuple[str, ...] | None

    def __init__(
        self,
        sentences: Mapping[str, Sequence[str]] | str,
        name: str | Mapping[str, Sequence[str]] = "sentences",
        documents: Sequence[object] | np.ndarray | None = None,
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
        object.__setattr__(self, "documents", None if documents is None else document_names(documents))
        self._check()

    def _check(self) -> None:
        if not self.sentences:
            raise RepalignError(f"corpus {self.name!r} has no languages")
        meanings: dict[object, str] = {}
        for language in self.sentences:
            if (same := meanings.setdefault(find(language) or language, language)) != language:
                raise RepalignError(
                    f"corpus {self.name!r} has one language twice, as {same!r} and {language!r}; keep one of them"
                )
        counts = {language: len(rows) for language, rows in self.sentences.items()}
        if len(set(counts.values())) > 1:
            listed = ", ".join(f"{language}: {count}" for language, count in counts.items())
            raise RepalignError(
                f"corpus {self.name!r} is not parallel: numbers of sentences differ ({listed}); "
                "line i of every language must be a translation of line i of every other"
            )
        if self.documents is not None and len(self.documents) != len(self):
            raise RepalignError(
                f"corpus {self.name!r} has {len(self)} sentences and the documents of {len(self.documents)}; "
                "give one document for each sentence"
            )
        for language, rows in self.sentences.items():
            for row, sentence in enumerate(rows, start=1):
                if is_blank(sentence):
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
            f"<tr><td>{escape(lang[:100])}</td>"
            + "".join(f"<td>{escape(text[:100])}</td>" for text in texts[:3])
            + "</tr>"
            for lang, texts in list(self.sentences.items())[:20]
        )
        return f'<p><b>{escape(repr(self)[:500])}</b></p><table class="tex2jax_ignore mathjax_ignore">{rows}</table>'

    @classmethod
    def named(cls, spec: str, languages: Sequence[str] | None = None) -> ParallelCorpus:
        """A built-in corpus by name, or a folder, file or hub data set: see `repalign.corpora.opening`.

        Raises:
            RepalignError: nothing of that name, a language it does not have, or text that is not parallel.
        """
        with Phase(f"reading {spec}"):
            texts = open_texts(spec, languages)
            return cls(texts.sentences, texts.name, texts.documents)

    def __len__(self) -> int:
        return len(next(iter(self.sentences.values())))

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(self.sentences)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over languages and text, as hex; the same for `zh` and `zho_Hans`."""
        by_tag = sorted((canonical(language), language) for language in self.sentences)
        return digest(part for tag, language in by_tag for part in (tag, *self.sentences[language]))

    def select(self, languages: Sequence[str] | None = None, limit: int | None = None) -> ParallelCorpus:
        """A subset of languages, or the first `limit` sentences.

        Args:
            languages: in any spelling of their codes, which the result keeps: `zh` also selects `zho_Hans`.
            limit: number of sentences.

        Raises:
            RepalignError: a language that is not in the corpus, one that is given twice, or a code that may mean several.
        """
        if limit is not None and (not isinstance(limit, int) or limit < 1):
            raise RepalignError(f"a limit of sentences is a whole number from 1, not {limit!r}")
        chosen = tuple([languages] if isinstance(languages, str) else languages or self.languages)
        sentences = choose(self.sentences, chosen, f"in corpus {self.name!r}")
        documents = None if self.documents is None else self.documents[:limit]
        return ParallelCorpus(
            {language: rows[:limit] for language, rows in sentences.items()}, self.name, documents
        )

    def with_clusters(self, clusters: Clusters | None) -> ParallelCorpus:
        """The same sentences in other documents, or other units that are resampled, shuffled and held out together.

        >>> corpus = ParallelCorpus({"en": ["One.", "Two.", "Three."], "de": ["Eins.", "Zwei.", "Drei."]})
        >>> corpus.with_clusters(2).documents
        ('0', '0', '1')

        Args:
            clusters: an id for each sentence, or a file of them, one per line; a number of consecutive sentences that
                belong together; "none" for sentences that are independent of each other; None: as they are.

        Raises:
            RepalignError: another number of ids than sentences, or only one cluster.
        """
        if clusters is None:
            return self
        return ParallelCorpus(self.sentences, self.name, cluster_ids(clusters, len(self)))

    def take(self, rows: Sequence[int]) -> ParallelCorpus:
        """The corpus on a subset of rows, given by number."""
        sentences = {language: [texts[row] for row in rows] for language, texts in self.sentences.items()}
        documents = None if self.documents is None else [self.documents[row] for row in rows]
        return ParallelCorpus(sentences, self.name, documents)


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
