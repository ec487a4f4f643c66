"""Parallel text in every public shape: what `tests/corpora/test_formats.py` reads and `docs/corpora.md` lists."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow

FLORES = {"eng_Latn": "en", "zho_Hans": "zh", "arb_Arab": "ar"}
NTREX = {"eng": "en", "zho-CN": "zh", "arb": "ar"}

SENTENCES = {
    "en": ['She said: "Not today."', "The train leaves at 7:15, platform 3.", "Rain, wind; and then the sun\u2028came out.", "Où est-il? they asked."],
    "zh": ["她说：“今天不行。”", "火车7:15从3号站台开出。", "下雨、刮风，后来太阳出来了。", "他们问：他在哪儿？"],
    "ar": ["قالت: «ليس اليوم».", "يغادر القطار الساعة 7:15 من الرصيف 3.", "مطر ورياح، ثم أشرقت الشمس.", "سألوا: أين هو؟"],
}  # fmt: skip
"""Written for this project. Quotes, commas, semicolons and a line separator of Unicode, which ends no line."""

Texts = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Shape:
    """One way in which parallel text is published.

    Attributes:
        name: of the format or corpus.
        files: how its files are named, for the docs.
        make: (folder, sentences by short code) -> what `--corpus` is given.
        codes: the languages as the files call them -> short codes; those of the corpus that is read.
        languages: value of `--langs`, where it is needed.
        documents: where it names the document of each sentence, for the docs; empty if it does not.
    """

    name: str
    files: str
    make: Callable[[Path, Texts], Path]
    codes: Mapping[str, str]
    languages: tuple[str, ...] = ()
    documents: str = ""


def document_of(row: int) -> str:
    """The document of a sentence in the shapes that name it."""
    return f"doc-{row // 3}"


def _document_ids(texts: Texts) -> list[str]:
    return [document_of(row) for row in range(len(texts["en"]))]


def _metadata(texts: Texts) -> list[str]:
    """That of FLORES."""
    return [
        "URL\tdomain\ttopic\thas_image\thas_hyperlink",
        *(f"{one}\tnews\tlife\tno\tno" for one in _document_ids(texts)),
    ]


def _lines(path: Path, rows: Sequence[str], end: str = "\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(row + end for row in rows).encode())


def _folder(
    pattern: str,
    codes: Mapping[str, str],
    end: str = "\n",
    extra: Sequence[str] = (),
    documents: tuple[str, Callable[[Texts], list[str]]] | None = None,
) -> Callable[[Path, Texts], Path]:
    def make(folder: Path, texts: Texts) -> Path:
        for code, short in codes.items():
            _lines(folder / pattern.format(code), texts[short], end)
        for name in extra:
            _lines(folder / name, ["not a sentence of the corpus"])
        if documents:
            _lines(folder / documents[0], documents[1](texts), end)
        return folder

    return make


def _ntrex(folder: Path, texts: Texts) -> Path:
    for code, short in NTREX.items():
        side = "src" if code == "eng" else "ref"
        _lines(folder / "NTREX-128" / f"newstest2019-{side}.{code}.txt", texts[short])
    _lines(folder / "README.md", ["# NTREX"])
    _lines(folder / "DOCUMENT_IDS.tsv", _document_ids(texts))
    return folder


def _rows(texts: Texts, codes: Mapping[str, str], **more: Callable[[int], object]) -> list[dict[str, object]]:
    count = len(next(iter(texts.values())))
    return [
        {name: value(row) for name, value in more.items()}
        | {code: texts[short][row] for code, short in codes.items()}
        for row in range(count)
    ]


def _table(
    name: str,
    codes: Mapping[str, str],
    write: Callable[[pd.DataFrame, Path], object],
    **more: Callable[[int], object],
) -> Callable[[Path, Texts], Path]:
    def make(folder: Path, texts: Texts) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write(pd.DataFrame(_rows(texts, codes, **more)), path)
        return path

    return make


def _long(texts: Texts) -> pd.DataFrame:
    """FLORES+ as on the hub."""
    return pd.DataFrame(
        {
            "id": row,
            "iso_639_3": code[:3],
            "iso_15924": code[4:],
            "glottocode": f"{code[:4]}1234",
            "text": text,
            "has_image": "no",
            "url": document_of(row),
        }
        for code, short in FLORES.items()
        for row, text in enumerate(texts[short])
    )


def _long_file(folder: Path, texts: Texts) -> Path:
    _long(texts).to_parquet(folder / "all.parquet")
    return folder / "all.parquet"


def _file_per_language(folder: Path, texts: Texts) -> Path:
    (folder / "devtest").mkdir()
    (folder / "dev").mkdir()
    for split, order in (("devtest", 1), ("dev", -1)):
        for (language, script), rows in _long(texts).groupby(["iso_639_3", "iso_15924"]):
            rows[::order].to_parquet(folder / split / f"{language}_{script}.parquet")
    return folder


def _shards(folder: Path, texts: Texts) -> Path:
    rows = pd.DataFrame(_rows(texts, {"en": "en", "zh": "zh"}))
    frame = pd.DataFrame({"translation": rows.to_dict("records"), "document_id": _document_ids(texts)})
    (folder / "data").mkdir()
    for number, part in enumerate((frame[:1], frame[1:])):
        part.to_parquet(folder / "data" / f"test-{number:05}-of-00002.parquet")
    frame.to_parquet(folder / "data" / "train-00000-of-00001.parquet")
    return folder


def _zipped(folder: Path, texts: Texts) -> Path:
    with zipfile.ZipFile(folder / "en-zh.txt.zip", "w") as archive:
        for code in ("en", "zh"):
            archive.writestr(f"News.en-zh.{code}", "".join(f"{row}\n" for row in texts[code]))
        archive.writestr("News.en-zh.ids", "1\n" * len(texts["en"]))
        archive.writestr("README", "News, from OPUS")
        archive.writestr("LICENSE", "CC0")
    return folder / "en-zh.txt.zip"


def _moses(folder: Path, texts: Texts) -> Path:
    for pair in ("ar-en", "en-zh"):
        for code in pair.split("-"):
            _lines(folder / f"News.{pair}.{code}", texts[code])
    return folder / "News.en-zh"


def _tmx(folder: Path, texts: Texts) -> Path:
    from xml.sax.saxutils import escape

    units = "".join(
        f'<tu tuid="{row}"><prop type="x-document">{document_of(row)}</prop><tuv xml:lang="EN-US"><seg>{escape(en)}</seg></tuv>'
        f'<tuv xml:lang="ZH-CN"><seg><bpt i="1">&lt;b&gt;</bpt>{escape(zh)}<ept i="1">&lt;/b&gt;</ept></seg></tuv></tu>\n'
        for row, (en, zh) in enumerate(zip(texts["en"], texts["zh"], strict=True))
    )
    header = '<header creationtool="x" segtype="sentence" adminlang="en" srclang="EN-US" datatype="plaintext" o-tmf="x"/>'
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<tmx version="1.4">{header}<body>{units}</body></tmx>'
    with gzip.open(folder / "en-zh.tmx.gz", "wb") as file:
        file.write(text.encode())
    return folder / "en-zh.tmx.gz"


def _manythings(folder: Path, texts: Texts) -> Path:
    source = "CC-BY 2.0 (France) Attribution: tatoeba.org #1 (a) & #2 (b)"
    _lines(
        folder / "cmn.txt", [f"{en}\t{zh}\t{source}" for en, zh in zip(texts["en"], texts["zh"], strict=True)]
    )
    _lines(folder / "_about.txt", ["Tab-delimited pairs"])
    return folder


def _tatoeba(folder: Path, texts: Texts) -> Path:
    path = folder / "Sentence pairs in English-Mandarin Chinese.tsv"
    rows = zip(texts["en"], texts["zh"], strict=True)
    _lines(path, [f"\ufeff{row}\t{en}\t9{row}\t{zh}" for row, (en, zh) in enumerate(rows, start=1)])
    return path


def _headerless(folder: Path, texts: Texts) -> Path:
    _lines(folder / "a.tsv", [f"{en}\t{zh}" for en, zh in zip(texts["en"], texts["zh"], strict=True)])
    return folder / "a.tsv"


def _compressed(folder: Path, texts: Texts) -> Path:
    for code, opened in (("en", gzip.open), ("zh", lzma.open)):
        with opened(folder / f"{code}.txt.{'gz' if code == 'en' else 'xz'}", "wb") as file:
            file.write("".join(f"{row}\n" for row in texts[code]).encode())
    with gzip.open(folder / "documents.txt.gz", "wt") as file:
        file.writelines(f"{one}\n" for one in _document_ids(texts))
    with pyarrow.CompressedOutputStream(str(folder / "ar.txt.zst"), "zstd") as file:
        file.write("".join(f"{row}\n" for row in texts["ar"]).encode())
    return folder


def _json_bz2(folder: Path, texts: Texts) -> Path:
    rows = [{"translation": row} for row in _rows(texts, {"en": "en", "zh": "zh"})]
    with bz2.open(folder / "a.json.bz2", "wt", encoding="utf-8-sig") as file:
        json.dump(rows, file)
    return folder / "a.json.bz2"


THREE, PAIR = {code: code for code in ("en", "zh", "ar")}, {"en": "en", "zh": "zh"}
SHAPES = (
    Shape("a folder of text files", "`en.txt` `zh.txt`", _folder("{}.txt", THREE, extra=["LICENSE.md", "about.txt"]), THREE),
    Shape("the same, from Windows", "CRLF, byte order mark", _folder("{}.txt", THREE, end="\r\n", documents=("documents.txt", _document_ids)), THREE, documents="`documents.txt`"),
    Shape("the same, compressed", "`en.txt.gz` `zh.txt.xz` `ar.txt.zst`", _compressed, THREE, documents="`documents.txt.gz`"),
    Shape("FLORES-200", "`devtest/eng_Latn.devtest`, also the folder above", _folder("devtest/{}.devtest", FLORES, extra=["README", "dev/eng_Latn.dev", "dev/zho_Hans.dev"], documents=("metadata_devtest.tsv", _metadata)), FLORES, documents="`metadata_devtest.tsv`, column URL, also in the folder above"),
    Shape("FLORES-101", "`eng.devtest`", _folder("{}.devtest", {"eng": "en", "zho_simpl": "zh", "ara": "ar"}), {"eng": "en", "zho_simpl": "zh", "ara": "ar"}),
    Shape("FLORES+", "`devtest/devtest.eng_Latn`", _folder("devtest/devtest.{}", {"eng_Latn": "en", "cmn_Hans": "zh", "arb_Arab": "ar"}), {"eng_Latn": "en", "cmn_Hans": "zh", "arb_Arab": "ar"}),
    Shape("FLORES+ of the hub", "`devtest/eng_Latn.parquet`, columns id and text", _file_per_language, FLORES, documents="column url"),
    Shape("FLORES+ of the hub, in one", "`all.parquet`, columns id, iso_639_3, iso_15924, text", _long_file, FLORES, documents="column url"),
    Shape("FLORES of the hub, wide", "`sentence_eng_Latn` as columns", _table("all.parquet", {f"sentence_{code}": short for code, short in FLORES.items()}, pd.DataFrame.to_parquet, id=int, URL=document_of, has_image=lambda row: row % 2), FLORES, documents="column URL"),
    Shape("NTREX-128", "as cloned: `NTREX-128/newstest2019-ref.zho-CN.txt`", _ntrex, NTREX, documents="`DOCUMENT_IDS.tsv`, also in the folder above"),
    Shape("Moses", "`News.en-zh.en` `News.en-zh.zh`, named by `News.en-zh`", _moses, PAIR),
    Shape("OPUS", "`en-zh.txt.zip` as downloaded", _zipped, PAIR),
    Shape("TMX", "`en-zh.tmx.gz`", _tmx, {"EN-US": "en", "ZH-CN": "zh"}, documents="a property `document`"),
    Shape("manythings.org", "a folder with `cmn.txt`: English, translation, attribution", _manythings, {"eng": "en", "cmn": "zh"}),
    Shape("Tatoeba", "pairs: id, sentence, id, translation; `--langs en,zh`", _tatoeba, PAIR, ("en", "zh")),
    Shape("TSV", "language codes as header", _table("a.tsv", THREE, lambda frame, path: path.write_text("\n".join("\t".join(map(str, row)) for row in [list(frame), *frame.to_numpy().tolist()])), id=int, doc=document_of), THREE, documents="column doc"),
    Shape("TSV of pandas or Excel", "quotes as in CSV, which is detected", _table("a.tsv", THREE, lambda frame, path: frame.to_csv(path, sep="\t", index=False)), THREE),
    Shape("TSV without a header", "`--langs en,zh`", _headerless, PAIR, ("en", "zh")),
    Shape("CSV", "with commas", _table("a.csv", THREE, lambda frame, path: frame.to_csv(path, index=False), id=int), THREE),
    Shape("CSV of Excel", "with semicolons and a byte order mark", _table("a.csv", THREE, lambda frame, path: frame.to_csv(path, sep=";", index=False, encoding="utf-8-sig")), THREE),
    Shape("JSON lines", "a sentence per language", _table("a.jsonl", THREE, lambda frame, path: frame.to_json(path, orient="records", lines=True), id=int, DocID=document_of), THREE, documents="column DocID"),
    Shape("JSON", "a column `translation`, bz2", _json_bz2, PAIR),
    Shape("parquet of the hub", "`data/test-00000-of-00002.parquet`, a column `translation`", _shards, PAIR, documents="column document_id"),
)  # fmt: skip
