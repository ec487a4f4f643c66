"""TMX, the exchange format of translation memories."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from repalign.corpora.documents import document_column
from repalign.corpora.text_files import TextFile
from repalign.errors import RepalignError

LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
CODES = {"bpt", "ept", "it", "ph", "ut"}
"""Elements that hold formatting codes of a document, which are no text."""

DEEPEST = 100
"""Elements within elements: tmx, body, tu, tuv, seg, and what marks up a text."""


def read_tmx(file: TextFile) -> Iterator[tuple[str, dict[str, str]]]:
    """Its units as rows: position for messages, and language code -> text; also the document that a property names.

    Raises:
        RepalignError: not XML, or a unit with two texts of one language; names the unit.
    """
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError, iterparse

    number = depth = 0
    try:
        for event, element in iterparse(io.BytesIO(file.read()), events=("start", "end")):
            depth += 1 if event == "start" else -1
            if depth > DEEPEST:
                raise ValueError(f"elements within elements more than {DEEPEST} times")
            if event == "start" or _name(element) != "tu":
                continue
            number += 1
            yield f"unit {number}", _unit(element, f"{file.where}, unit {number}")
            element.clear()
    except ParseError as error:
        raise RepalignError(f"{file.where} is not TMX: {error}") from error
    except (DefusedXmlException, ValueError, LookupError, RecursionError) as error:  # entities, odd encodings
        raise RepalignError(f"{file.where} is not TMX that is safe to read: {error!r}") from error


def _name(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _unit(unit: Any, where: str) -> dict[str, str]:
    properties = {
        str(child.get("type", "")).removeprefix("x-"): child.text or ""
        for child in unit
        if _name(child) == "prop"
    }
    document = document_column(properties)
    texts: dict[str, str] = {document: properties[document]} if document else {}
    for variant in (child for child in unit if _name(child) == "tuv"):
        language = variant.get(LANGUAGE) or variant.get("lang")
        segment = next((child for child in variant if _name(child) == "seg"), None)
        if not language or segment is None:
            raise RepalignError(
                f"{where}: a text without {'seg' if language else 'xml:lang'}; it is not TMX 1.4"
            )
        if language in texts:
            raise RepalignError(f"{where}: two texts in {language!r}; remove one of them")
        texts[language] = "".join(_text(segment))
    return texts


def _text(element: Any) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if _name(child) not in CODES:
            yield from _text(child)
        yield child.tail or ""
