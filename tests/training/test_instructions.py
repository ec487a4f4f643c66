"""Requests for a translation: in any language of the table, by any code, with names of languages."""

from __future__ import annotations

import pytest
from factories import SEVEN
from flores import FLORES
from repalign_training.data.instructions import translation_request

from repalign.errors import RepalignError


def test_every_language_asks_for_a_translation_by_name():
    for language in SEVEN:
        requests = {translation_request("tr", "vi", index, language) for index in range(40)}
        assert len(requests) >= 12
        assert not any("{" in request for request in requests)
    assert translation_request("en", "zh", 33) == translation_request("en", "zh", 0)
    assert translation_request("en", "sw", 0).endswith("Swahili.")
    with pytest.raises(RepalignError, match="no name for language 'sw' in zh"):
        translation_request("en", "sw", 0, "zh")


@pytest.mark.parametrize(
    ("source", "target", "asked_in"),
    [
        ("eng_Latn", "zho_Hans", "tur_Latn"),
        ("eng", "cmn", "tur"),
        ("en-US", "zh-CN", "tr-TR"),
        ("en", "zh_Hans_CN", "tr_TR"),
    ],
)
@pytest.mark.parametrize("brief", [True, False])
def test_a_request_is_the_same_for_every_spelling_of_its_languages(source, target, asked_in, brief):
    for index in range(12):
        plain = translation_request("en", "zh", index, "tr", brief)
        assert translation_request(source, target, index, asked_in, brief) == plain
        for side, language in (("source", "en"), ("target", "zh")):
            asked = translation_request(source, target, index, side, brief)
            assert asked == translation_request("en", "zh", index, language, brief)


def test_every_language_of_flores_has_a_name_in_english():
    for code in FLORES:
        request = translation_request("en", code, 0, "eng_Latn")
        assert code not in request
        assert request.startswith("Translate the following sentence into ")


def test_a_script_that_is_not_the_usual_one_is_named_or_refused():
    assert translation_request("en", "zho_Hant", brief=True) == "Chinese (Traditional):"
    with pytest.raises(RepalignError, match="no name for language 'zh_TW' in el; ask in English"):
        translation_request("en", "zh_TW", 0, "el")
    with pytest.raises(RepalignError, match="no language of instructions named 'zh_TW'"):
        translation_request("en", "zh_TW", 0, "target")
