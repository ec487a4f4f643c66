"""Codes of languages: which of a model's codes means the language of a corpus."""

from __future__ import annotations

import pytest
from flores import FLORES

from repalign.corpora.language_choice import choose, default_pivot, find_language, match_language, matching
from repalign.corpora.languages import canonical, has_spaces, is_code, language_name, script_of, short
from repalign.errors import RepalignError

NLLB = (
    "eng_Latn arb_Arab ary_Arab arz_Arab zho_Hans zho_Hant yue_Hant srp_Cyrl hrv_Latn por_Latn nob_Latn nno_Latn "
    "kor_Hang jpn_Jpan pbt_Arab pes_Arab prs_Arab uzn_Latn swh_Latn zsm_Latn npi_Deva lvs_Latn als_Latn plt_Latn khk_Cyrl "
    "kmr_Latn ckb_Arab ydd_Hebr heb_Hebr ind_Latn tgl_Latn twi_Latn aka_Latn pan_Guru azj_Latn azb_Arab ell_Grek est_Latn"
)
MBART = "ar_AR en_XX zh_CN ja_XX ko_KR fa_IR tl_XX ps_AF no_XX sr_RS uz_UZ ne_NP he_IL"
M2M100 = "ar en zh fa no sr tl ps he id yue ns"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        *((code, "eng_Latn") for code in ("en", "eng", "eng_Latn", "en-US", "en_GB", "EN", "en-Latn", "en_XX")),
        *((code, "zho_Hans") for code in ("zh", "zho_Hans", "cmn_Hans", "zh-CN", "cmn", "zho", "chi", "zh-SG", "zho_simpl")),
        *((code, "zho_Hant") for code in ("zh-Hant", "zh_TW", "cmn_Hant", "zh-HK")),
        *((code, "yue_Hant") for code in ("yue", "zh-yue", "yue_Hant")),
        ("ar", "arb_Arab"), ("ara", "arb_Arab"), ("ar_AR", "arb_Arab"), ("ary", "ary_Arab"), ("arz_Arab", "arz_Arab"),
        ("apc", None), ("arb_Latn", None),
        ("sr", "srp_Cyrl"), ("srp_Cyrl", "srp_Cyrl"), ("sr-Latn", None), ("sh", None), ("hr", "hrv_Latn"), ("bs", None),
        ("pt_BR", "por_Latn"), ("pt", "por_Latn"), ("no", "nob_Latn"), ("nb", "nob_Latn"), ("nn", "nno_Latn"),
        ("ko", "kor_Hang"), ("ja", "jpn_Jpan"), ("ps", "pbt_Arab"), ("fa", "pes_Arab"), ("prs", "prs_Arab"),
        ("uz", "uzn_Latn"), ("uz_Cyrl", None), ("sw", "swh_Latn"), ("ms", "zsm_Latn"), ("ne", "npi_Deva"),
        ("lv", "lvs_Latn"), ("sq", "als_Latn"), ("mg", "plt_Latn"), ("mn", "khk_Cyrl"), ("ku", "kmr_Latn"),
        ("ckb", "ckb_Arab"), ("yi", "ydd_Hebr"), ("iw", "heb_Hebr"), ("in", "ind_Latn"), ("tl", "tgl_Latn"),
        ("fil", "tgl_Latn"), ("tw", "twi_Latn"), ("ak", "aka_Latn"), ("pa", "pan_Guru"), ("pa_PK", None),
        ("az", "azj_Latn"), ("el", "ell_Grek"), ("gre", "ell_Grek"), ("et", "est_Latn"), ("ekk", "est_Latn"),
        ("de", None), ("english", None), ("", None), ("x1", None), ("en_", None), ("lang 1", None),
    ],
)  # fmt: skip
def test_codes_mean_what_people_mean_by_them(code, expected):
    assert match_language(code, NLLB.split()) == expected


@pytest.mark.parametrize(
    ("supported", "code", "expected"),
    [
        (MBART, "zh", "zh_CN"), (MBART, "zho_Hans", "zh_CN"), (MBART, "zh-Hant", None), (MBART, "zh_TW", None),
        (MBART, "arb_Arab", "ar_AR"), (MBART, "ar", "ar_AR"), (MBART, "arz", None), (MBART, "prs_Arab", None),
        (MBART, "eng_Latn", "en_XX"), (MBART, "kor_Hang", "ko_KR"), (MBART, "nob_Latn", "no_XX"), (MBART, "nn", None),
        (MBART, "sr-Latn", None), (MBART, "pbt_Arab", "ps_AF"),
        (M2M100, "cmn_Hans", "zh"), (M2M100, "zho_Hant", None), (M2M100, "arb", "ar"), (M2M100, "pes", "fa"),
        (M2M100, "ns", "ns"),
        ("pt_PT pt_BR", "pt_BR", "pt_BR"), ("pt_PT pt_BR", "pt-PT", "pt_PT"), ("pt_PT pt_BR", "pt", "pt_BR"),
        ("pt_PT pt_BR", "pt_AO", "pt_PT"),
        ("zh_TW zh_CN", "zh", "zh_CN"), ("zh_TW zh_CN", "zho_Hant", "zh_TW"), ("zho_Hant", "zh", None),
        ("srp_Latn srp_Cyrl", "sr", "srp_Cyrl"), ("srp_Latn srp_Cyrl", "sr-Latn", "srp_Latn"),
        ("python java en_XX", "en", "en_XX"), ("python java en_XX", "java", "java"),
        ("lang1", "lang1", "lang1"), ("", "en", None),
    ],
)  # fmt: skip
def test_other_conventions(supported, code, expected):
    assert match_language(code, supported.split()) == expected


def test_every_language_of_flores_has_a_name_and_its_script():
    for code in FLORES:
        assert is_code(code), code
        assert language_name(code) not in (code, ""), code
        assert not language_name(code).startswith("Unknown"), code
        expected = {"Hang": "Kore"}.get(code[4:], code[4:])
        assert script_of(code) == expected, code
        assert find_language(code.replace("_", "-"), FLORES, "") == code
    assert len({canonical(code) for code in FLORES}) == len(FLORES) - 1, (
        "only Akan and Twi are one, as in ISO 639"
    )


def test_a_bare_code_means_one_language_of_flores_or_is_refused_with_the_choices():
    codes = sorted({code[:3] for code in FLORES})
    assert all(matching(code, FLORES)[0][:3] == code for code in codes if len(matching(code, FLORES)) == 1)
    in_another_script = {"crh", "tzm"}  # than the likely one
    assert {code for code in codes if not matching(code, FLORES)} == in_another_script
    several = {code for code in codes if len(matching(code, FLORES)) > 1}
    assert several == {"ace", "arb", "bjn", "kas", "knc", "min", "taq", "zho"}
    with pytest.raises(RepalignError, match="may be any of zho_Hans, zho_Hant in FLORES; name one"):
        find_language("zh", FLORES, "in FLORES")
    for code, means in {
        "en": "eng_Latn",
        "fa": "pes_Arab",
        "sw": "swh_Latn",
        "et": "est_Latn",
        "no": "nob_Latn",
        "ms": "zsm_Latn",
    }.items():
        assert find_language(code, FLORES, "") == means


@pytest.mark.parametrize(
    "spellings",
    [
        "en eng eng_Latn EN en_XX en-Latn", "zh zho zho_Hans cmn cmn_Hans zh-CN zh_CN zh-Hans chi zho_simpl",
        "ar ara arb arb_Arab", "pt por por_Latn pt_BR pt-BR", "ja jpn jpn_Jpan ja_XX", "ko kor kor_Hang kor_Kore",
        "th tha tha_Thai", "he iw heb heb_Hebr", "id in ind ind_Latn", "no nor nob nob_Latn", "fa pes pes_Arab fas",
    ],
)  # fmt: skip
def test_all_spellings_of_a_language_are_one(spellings):
    first, *others = spellings.split()
    for code in others:
        for meaning in (short, script_of, language_name, has_spaces, canonical):
            assert meaning(code) == meaning(first), (code, meaning.__name__)
        assert find_language(code, [first, "xh"], "") == first
        assert find_language(first, [code, "xh"], "") == code


def test_variants_are_distinguished_where_they_differ():
    assert (
        language_name("zh_TW")
        == language_name("zho_Hant")
        == language_name("zho_trad")
        == "Chinese (Traditional)"
    )
    assert language_name("pt-PT") == "Portuguese (Portugal)"
    assert language_name("arb_Latn") == "Arabic (Latin)"
    assert language_name("bn") == "Bengali"
    assert language_name("zz") == "zz"
    assert short("arz") == "arz", "a dialect is no spelling of the standard"
    assert [canonical(code) for code in ("zh-HK", "pt-PT", "en-GB", "arz_Arab", "sr-Latn")] == [
        "zh-Hant-HK",
        "pt-PT",
        "en-GB",
        "arz",
        "sr-Latn",
    ]


def test_a_language_without_the_likely_script_is_named_in_full():
    for code, available in (("zh", "zho_Hant"), ("ar", "arb_Latn"), ("pt-PT", "pt_BR"), ("sr", "srp_Latn")):
        with pytest.raises(RepalignError, match=f"no language named '{code}'.*{available}"):
            find_language(code, ["eng_Latn", available], "here")


def test_the_plain_code_is_preferred_to_its_variants():
    """NTREX has English four times."""
    assert find_language("en", ["eng", "eng-GB", "eng-IN", "eng-US"], "") == "eng"
    assert find_language("en-US", ["eng", "eng-GB", "eng-IN", "eng-US"], "") == "eng-US"
    assert default_pivot(["deu", "eng", "eng-GB"]) == "eng"
    assert default_pivot(["de", "fr"]) == "de"
    with pytest.raises(RepalignError, match="any of pt-BR, pt-PT here"):
        find_language("pt", ["pt-BR", "pt-PT"], "here")


def test_languages_are_chosen_by_the_names_asked_for():
    assert choose({"eng_Latn": 1, "zho_Hans": 2}, ["zh", "en"], "here") == {"zh": 2, "en": 1}
    assert choose({"eng_Latn": 1, "zho_Hans": 2}, None, "here") == {"eng_Latn": 1, "zho_Hans": 2}
    with pytest.raises(RepalignError, match="named twice in zh,cmn"):
        choose({"zho_Hans": 2}, ["zh", "cmn"], "here")


def test_names_of_columns_that_are_no_languages():
    words = "doc seg ids src tgt set len pos idx lang label text source target hyp ref url num row score has_image iso_15924 iso_639_3 x xx sentence 1 en_ner"
    assert [word for word in words.split() if is_code(word)] == []
