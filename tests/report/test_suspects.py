"""What the page and the index say of suspects."""

from __future__ import annotations

from dataclasses import replace

from planted_pairs import pairs, sample_suspects

from repalign.report.entries import entries
from repalign.report.suspects import headline, render_suspects, suspects_in_words


def test_the_headline_counts_suspects_by_kind():
    found = sample_suspects()
    suspected = int(found.tables["suspects"]["suspected"].sum())
    assert headline(found).startswith(f"{suspected} of 240 pairs are suspected to be no translations")
    assert "shifted 2" in headline(found)
    none = replace(
        found, tables={**found.tables, "suspects": found.tables["suspects"].assign(suspected=False)}
    )
    assert headline(none).startswith("None of 240 pairs")


def test_rows_are_numbered_from_one_as_lines_are():
    html = render_suspects(sample_suspects())
    assert "fits row 22 better" in html
    assert "<bdi>el</bdi>, row 21" in html


def test_a_page_without_the_optional_tables_is_drawn():
    found = sample_suspects()
    required = {name: found.tables[name] for name in ("suspects", "listed")}
    assert "<polyline" in render_suspects(found)
    assert "<polyline" not in render_suspects(replace(found, tables=required))


def test_a_bad_source_is_named_and_notes_are_shown():
    said = suspects_in_words(sample_suspects())
    assert any("of 80 rows; layers 1-2 count" in line for line in said["In which languages?"])
    assert "a note" in said["To know"]
    rows = sample_suspects(pairs(80)).tables["suspects"].assign(side="source")
    found = sample_suspects(pairs(80))
    said = suspects_in_words(replace(found, tables={**found.tables, "suspects": rows}))
    assert "probably bad sources: rows 1, 2, 3" in said["Source or translation?"][0]
    assert said["Source or translation?"][0].endswith("and 68 more.")


def test_texts_are_text():
    found = sample_suspects()
    listed = found.tables["listed"].assign(text="<img src=x onerror=alert(1)>", pivot_text="</script><b>")
    html = render_suspects(replace(found, tables={**found.tables, "listed": listed}))
    assert "<img src=x" not in html
    assert "&lt;img src=x onerror" in html
    assert "</script><b>" not in html


def test_the_index_lists_them(tmp_path):
    sample_suspects().save(tmp_path / "out", draw=lambda: render_suspects(sample_suspects()))
    (entry,) = entries(tmp_path)
    assert entry.page == "suspects.html"
    assert entry.contents
    assert entry.contents.command == "data suspects"
    assert entry.contents.size == "240 pairs"
