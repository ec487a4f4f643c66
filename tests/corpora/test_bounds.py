"""Small files that would fill any memory, or take hours: refused within a second, in one line."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from repalign.corpora import as_corpus, text_files
from repalign.corpora.text_files import text_file
from repalign.errors import RepalignError

MIB = 1 << 20


def refused(path, say: str) -> None:
    with pytest.raises(RepalignError, match=say) as caught:
        as_corpus(str(path))
    assert "\n" not in str(caught.value)


def zstd(data: bytes) -> bytes:
    return pa.compress(data, codec="zstd", asbytes=True)


@pytest.mark.parametrize(
    "name", ["x.tsv.gz", "x.json.gz", "x.tmx.gz", "x.parquet.gz", "x.tsv.xz", "x.tsv.bz2", "x.tsv.zst"]
)
def test_a_file_compressed_more_than_text_can_be(name, tmp_path):
    compress = {"gz": gzip.compress, "xz": lzma.compress, "bz2": bz2.compress, "zst": zstd}[
        name.split(".")[2]
    ]
    (tmp_path / name).write_bytes(compress(bytes(16 * MIB)))
    refused(tmp_path / name, say=f"{name}: it is compressed more than 100 times")


def test_a_zip_archive_compressed_more_than_text_can_be(tmp_path):
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("en.txt", "zh.txt.gz"):
            archive.writestr(name, bytes(40 * MIB))
    refused(tmp_path / "b.zip", say=r"b.zip: en.txt: it is compressed more than 100 times")


def test_repetitive_text_is_read(tmp_path):
    rows = b"en\tzh\n" + b"".join(b"The train leaves at %d.\tx %d\n" % (n, n) for n in range(50_000))
    (tmp_path / "a.tsv.gz").write_bytes(gzip.compress(rows))
    assert len(as_corpus(str(tmp_path / "a.tsv.gz"))) == 50_000


def test_a_line_that_holds_far_more_than_a_sentence(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"x\n" + b"y" * (2 * MIB))
    with pytest.raises(RepalignError, match=r"a.txt, line 2: longer than 1 MiB; expected one sentence"):
        list(text_file(tmp_path / "a.txt").lines(longest=MIB))
    (tmp_path / "long.tsv").write_bytes(b"en\tzh\n" + b"a" * (65 * MIB))
    refused(tmp_path / "long.tsv", say="long.tsv, line 2: longer than 64 MiB")


def test_more_columns_than_languages(tmp_path):
    names = [f"c{number}" for number in range(50_000)]
    (tmp_path / "wide.tsv").write_text("\t".join(names) + "\n" + "\t".join("x" for _ in names) + "\n")
    refused(tmp_path / "wide.tsv", say="has 50,000 columns or languages, and at most 10,000 are read")
    rows = [{"a": "x", **dict.fromkeys(names[start : start + 5000], "y")} for start in range(0, 50_000, 5000)]
    (tmp_path / "w.jsonl").write_text("\n".join(map(json.dumps, rows)))
    refused(tmp_path / "w.jsonl", say="has 50,001 columns")


def test_a_parquet_file_of_more_rows_than_its_bytes_can_say(tmp_path):
    pq.write_table(pa.table({"en": ["x"] * 2_000_000}), tmp_path / "p.parquet", compression="zstd")
    assert (tmp_path / "p.parquet").stat().st_size < 50_000
    refused(tmp_path / "p.parquet", say=r"p.parquet holds 2,000,000 rows in [\d,]+ bytes, which no text does")


def test_a_deep_tmx(tmp_path):
    (tmp_path / "d.tmx").write_text("<a>" * 100_000)
    refused(tmp_path / "d.tmx", say="d.tmx is not TMX that is safe to read")


@pytest.mark.parametrize("entity", ['"x"', 'SYSTEM "file:///etc/passwd"'])
def test_entities_of_a_tmx_are_not_expanded(entity, tmp_path):
    (tmp_path / "e.tmx").write_text(f"<!DOCTYPE a [<!ENTITY e {entity}>]><tmx><tu><seg>&e;</seg></tu></tmx>")
    refused(tmp_path / "e.tmx", say="is not TMX that is safe to read: EntitiesForbidden")


def test_a_language_that_is_no_file_is_not_left_out_in_silence(tmp_path):
    for language in ("en", "zh", "el"):
        (tmp_path / f"{language}.txt").write_text("a\n")
    os.mkfifo(tmp_path / "tr.txt")
    refused(tmp_path, say="tr.txt is a pipe or a device, and no file")
    (tmp_path / "tr.txt").unlink()
    (tmp_path / "tr.txt").symlink_to(tmp_path / "nowhere")
    refused(tmp_path, say="tr.txt is a link to a file that is not there")
    (tmp_path / "tr.txt").rename(tmp_path / ".tr.txt")
    assert as_corpus(str(tmp_path)).languages == ("el", "en", "zh")


def test_a_folder_of_too_many_files(tmp_path, monkeypatch):
    monkeypatch.setattr(text_files, "MOST_FILES", 20)
    with zipfile.ZipFile(tmp_path / "n.zip", "w") as archive:
        for number in range(30):
            archive.writestr(f"d{number}/en.txt", "x")
    refused(tmp_path / "n.zip", say="n.zip holds more than 20 files")
    for number in range(30):
        (tmp_path / f"{number}.txt").write_text("x")
    refused(tmp_path, say="holds more than 20 files")
