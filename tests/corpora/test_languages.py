"""Codes of languages: which of a model's codes means the language of a corpus."""

from __future__ import annotations

import pytest

from repalign.corpora.languages import match_language

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
