"""Paths with placeholders: exact, or by what codes mean."""

from __future__ import annotations

import pytest
from repalign_training.data.paths import find_path

from repalign.errors import RepalignError


@pytest.fixture
def files(tmp_path, monkeypatch):
    """files("a.en", ...): makes these, and returns a function from a template to the name of the file found."""
    monkeypatch.setenv("DATA", str(tmp_path))

    def make(*names):
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        return lambda template, **languages: str(
            find_path(f"$DATA/{template}", languages).relative_to(tmp_path)
        )

    return make


@pytest.mark.parametrize("code", ["zh", "zho", "cmn", "zho_Hans", "zh-CN", "zh-Hans"])
@pytest.mark.parametrize("name", ["zh", "zho_Hans", "cmn", "zh-CN", "zh_CN"])
def test_a_file_is_found_by_any_code_of_its_language(files, code, name):
    found = files(f"{name}.json", "en.json", "README.json", "notes-zh.json")
    assert found("{language}.json", language=code) == f"{name}.json"


def test_the_exact_name_comes_first_and_others_are_not_mixed_up(files):
    found = files("zh.json", "zho_Hans.json", "cmn/a.txt", "zho/a.txt")
    assert found("{language}.json", language="zh") == "zh.json"
    assert found("{language}.json", language="zho_Hans") == "zho_Hans.json"
    assert found("{language}/a.txt", language="zh") == "zho/a.txt"
    with pytest.raises(RepalignError, match=r"no file .*el.json"):
        found("{language}.json", language="el")
    files("t/zho_Hans.json", "t/zho_Hant.json")
    assert found("t/{language}.json", language="zh_TW") == "t/zho_Hant.json"
    with pytest.raises(RepalignError, match="'zh' may be any of zho_Hans, zho_Hant among the files"):
        found("t/{language}.json", language="zh")


def test_pairs_are_found_in_either_order_and_any_spelling(files):
    found = files(
        "a.zho_Hans-eng_Latn.tsv", "b.en-pt_BR.tsv", "c.en-pt-BR.en", "c.en-pt-BR.pt-BR", "sub/el-en.tsv"
    )
    assert found("a.{pair}.tsv", source="en", target="zh") == "a.zho_Hans-eng_Latn.tsv"
    assert found("b.{pair}.tsv", source="pt", target="eng") == "b.en-pt_BR.tsv"
    assert found("c.{pair}.{language}", source="en", target="pt-BR", language="pt-BR") == "c.en-pt-BR.pt-BR"
    assert found("c.{pair}.{language}", source="eng", target="por_Latn", language="eng") == "c.en-pt-BR.en"
    assert found("sub/{source}-{target}.tsv", source="ell", target="en") == "sub/el-en.tsv"


@pytest.mark.parametrize(
    "template",
    ["{language}.json", "{language}/x.json", "plain.json", "[{language}].json", "$NOWHERE/{language}"],
)
def test_a_file_that_is_missing_is_named(files, template):
    files("other.txt")
    with pytest.raises(RepalignError, match=r"no file .*; set sources.NAME.path \(or the \$VARIABLE in it\)"):
        find_path(template, {"language": "zh"})
