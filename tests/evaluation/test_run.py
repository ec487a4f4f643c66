"""Evaluation end to end: files of tasks, answers of tiny models, the command, one line for every mistake."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch

from repalign.checkpoints import Checkpoint
from repalign.checkpoints.card import Card
from repalign.commands.main import main
from repalign.errors import RepalignError
from repalign.evaluation.answer_store import AnswerStore
from repalign.evaluation.answering import answer
from repalign.evaluation.items import Item, by_language
from repalign.evaluation.run import evaluate
from repalign.evaluation.scores import measure
from repalign.evaluation.tasks import TASKS, TRANSLATION_REQUEST, Request
from repalign.models.generation import Generator
from repalign.models.loading import locate
from repalign.results.evaluation import Evaluation

XQUAD = Path(__file__).parents[2].parent / "shared" / "data" / "xquad"

PROMPTS = [
    "The dog",
    "She reads a long book in the garden, and then",
    "狗在",
    "Ο σκύλος κοιμάται. Two birds sing. We eat bread and",
    "The dog",
]


def squad_file(path: Path, rows: list[tuple[str, str, str, str]]) -> Path:
    """A file in SQuAD's format: id, context, question, answer."""
    paragraphs = [
        {
            "context": context,
            "qas": [{"id": key, "question": question, "answers": [{"text": answer, "answer_start": 0}]}],
        }
        for key, context, question, answer in rows
    ]
    path.write_text(json.dumps({"version": "1.1", "data": [{"paragraphs": paragraphs}]}), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def questions(tmp_path_factory) -> Path:
    """Six questions in two languages, as XQuAD has them."""
    folder = tmp_path_factory.mktemp("xquad")
    english = [(f"q{n}", f"The dog sees {n} birds.", "How many birds?", str(n)) for n in range(6)]
    chinese = [(f"q{n}", f"狗看见{n}只鸟。", "几只鸟？", str(n)) for n in range(6)]
    squad_file(folder / "xquad.en.json", english)
    squad_file(folder / "xquad.zh.json", chinese)
    return folder


@pytest.mark.parametrize("kind", ["llama", "gpt2", "opt"])
def test_batched_answers_equal_single_ones(kind, tmp_path, save_model):
    sizes = {
        "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 256},
        "opt": {"ffn_dim": 64, "word_embed_proj_dim": 32},
    }
    weights = locate(Checkpoint.named(str(save_model(tmp_path / kind, kind, **sizes.get(kind, {})))))
    together = Generator(weights, device="cpu", dtype="float32")
    alone = Generator(weights, device="cpu", dtype="float32", batch_tokens=1)
    answers = together.answer(PROMPTS, 12, progress=False)
    assert answers == alone.answer(PROMPTS, 12, progress=False)
    assert answers[0] == answers[-1]
    assert all(answer.tokens == 12 or answer.ended for answer in answers)


def test_answers_equal_a_plain_loop_and_stop_at_the_end(llama):
    generator = Generator(locate(Checkpoint.named(str(llama))), device="cpu", dtype="float32")
    with torch.no_grad():  # a model that ends every answer at its fourth token at the latest
        ids = torch.tensor([generator.tokenizer(PROMPTS[1])["input_ids"]])
        said = []
        for _ in range(8):
            said.append(int(generator.model(ids).logits[0, -1].argmax()))
            ids = torch.cat([ids, torch.tensor([[said[-1]]])], 1)
    (whole,) = generator.answer([PROMPTS[1]], 8, progress=False)
    assert whole.text == generator.tokenizer.decode(said, skip_special_tokens=True).strip()
    assert (whole.tokens, whole.ended) == (8, False)
    generator.model.generation_config.eos_token_id = [1, said[3]]
    (cut,) = generator.answer([PROMPTS[1]], 8, progress=False)
    place = said.index(said[3])
    assert (cut.tokens, cut.ended) == (place, True)
    assert cut.text == generator.tokenizer.decode(said[:place], skip_special_tokens=True).strip()


def test_settings_saved_beside_a_model_change_no_answer(tmp_path, save_model):
    folder = save_model(tmp_path / "plain")
    plain = Generator(locate(Checkpoint.named(str(folder))), device="cpu", dtype="float32")
    settings = json.loads((folder / "generation_config.json").read_text())
    settings |= {"repetition_penalty": 5.0, "no_repeat_ngram_size": 1, "min_new_tokens": 7, "do_sample": True}
    (folder / "generation_config.json").write_text(json.dumps(settings))
    own = Generator(locate(Checkpoint.named(str(folder))), device="cpu", dtype="float32")
    assert own.answer(PROMPTS, 12, progress=False) == plain.answer(PROMPTS, 12, progress=False)


def test_a_killed_run_goes_on_and_nothing_is_asked_twice(llama, questions, monkeypatch, home):
    checkpoint, items = Checkpoint.named(str(llama)), TASKS["xquad"].read(Request(str(questions)))
    whole = answer(checkpoint, items, "xquad", 5, store=False)
    assert not (home / "answers").exists()
    batches, plain = [], Generator._batch

    def killed(self, prompts, new_tokens):
        if len(batches) == 2:
            raise KeyboardInterrupt
        batches.append(len(prompts))
        return plain(self, prompts, new_tokens)

    monkeypatch.setattr(Generator, "_batch", killed)
    with pytest.raises(KeyboardInterrupt):
        answer(checkpoint, items, "xquad", 5, batch_tokens=400)
    (path,) = (home / "answers").glob("*.jsonl")
    path.write_text(path.read_text(encoding="utf-8").rstrip()[:-9], encoding="utf-8")  # a line cut short
    monkeypatch.setattr(Generator, "_batch", plain)
    asked, generate = [], Generator.answer
    monkeypatch.setattr(
        Generator,
        "answer",
        lambda self, prompts, *rest, **more: (
            asked.append(len(prompts)) or generate(self, prompts, *rest, **more)
        ),
    )
    assert answer(checkpoint, items, "xquad", 5) == whole
    assert asked == [len(items) - sum(batches) + 1]
    assert answer(checkpoint, items, "xquad", 5) == whole
    assert len(asked) == 1
    answer(checkpoint, items, "xquad", 6)
    assert asked[1:] == [len(items)]


def test_a_long_prompt_keeps_its_end_and_is_counted(llama):
    generator = Generator(locate(Checkpoint.named(str(llama))), device="cpu", dtype="float32")
    generator.context = 20
    long = "The dog sleeps. " * 20 + "Two birds sing."
    (answer,) = generator.answer([long], 8, progress=False)
    ids = generator.tokenizer(long)["input_ids"]
    assert answer.prompt_cut == len(ids) - 12
    kept = generator._fitted(ids, 12)
    assert kept == [ids[0], *ids[-11:]]
    with pytest.raises(RepalignError, match="too few for answers of 20"):
        generator.answer([long], 20, progress=False)


def test_an_encoder_answers_nothing(tmp_path, save_tokenizer):
    import transformers

    save_tokenizer(tmp_path)
    small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    transformers.BertModel(transformers.BertConfig(vocab_size=400, **small)).save_pretrained(tmp_path)
    with pytest.raises(RepalignError, match="no decoder side"):
        Generator(locate(Checkpoint.named(str(tmp_path))))


def test_the_command_end_to_end(llama, questions, tmp_path, save_model, capsys):
    other = save_model(tmp_path / "other", seed=1)
    options = [
        "--task",
        "xquad",
        "--data",
        str(questions),
        "--new-tokens",
        "6",
        "--draws",
        "50",
        "--template",
        "raw",
    ]
    out = tmp_path / "out"
    assert main(["evaluate", str(llama), str(other), *options, "--out", str(out)]) == 0
    shown = capsys.readouterr()
    assert "other minus tiny-llama" in shown.out
    assert "MLQA's normalisation" in shown.out
    assert str(out / "scores.parquet") in shown.out.splitlines()
    found = Evaluation.load(out)
    assert found.title == "other against tiny-llama on xquad"
    assert found.signatures["other"].endswith(
        f"|raw|greedy:6|float32|{found.signatures['other'].split('|')[-1]}"
    )
    answers, scores = found.tables["answers"], found.tables["scores"]
    assert len(answers) == 2 * 2 * 6
    # the table of scores is the mean of the table of answers
    for scorer in ("contains", "exact", "f1"):
        means = answers.groupby(["checkpoint", "language"])[scorer].mean()
        own = scores[scores["baseline"].isna() & scores["language"].notna() & (scores["scorer"] == scorer)]
        for row in own.itertuples():
            assert row.value == pytest.approx(means[(row.checkpoint, row.language)])
            assert row.low <= row.value <= row.high
    for name, own in answers.groupby("checkpoint"):
        cut = {lang: int(n) for lang, n in (~own["ended"]).groupby(own["language"]).sum().items() if n}
        assert found.settings["truncated"][name] == {"answers": cut, "prompts": {}}
    wins = found.tables["wins"]
    assert set(wins["checkpoint"] + " over " + wins["baseline"]) == {"other over tiny-llama"}
    assert {"consistency", "languages"} <= set(found.tables)
    again = tmp_path / "again"
    assert main(["evaluate", str(llama), str(other), *options, "--out", str(again)]) == 0
    pd.testing.assert_frame_equal(scores, Evaluation.load(again).tables["scores"])


def test_results_stand_beside_alignment(llama, tmp_path, capsys):
    words = {
        "en": ("dog", "sees"),
        "el": ("σκύλος", "βλέπει"),
        "zh": ("狗", "看见"),
        "tr": ("köpek", "görür"),
    }
    text = tmp_path / "text"
    text.mkdir()
    for language, (a, b) in words.items():
        rows = [f"{a} {b} {n}" for n in range(30)]
        (text / f"{language}.txt").write_text("\n".join(rows), encoding="utf-8")
    profile = tmp_path / "profile"
    shared = ["--draws", "20", "--out"]
    assert (
        main(
            [
                "layers",
                "--ckpt",
                str(llama),
                "--corpus",
                str(text),
                "--no-report",
                "--metrics",
                "mexa,cka",
                *shared,
                str(profile),
            ]
        )
        == 0
    )
    command = ["evaluate", str(llama), "--task", "translation", "--data", str(text), "--new-tokens", "8"]
    out = tmp_path / "out"
    assert main([*command, "--profile", str(profile), *shared, str(out)]) == 0
    tables = Evaluation.load(out).tables
    assert set(tables["alignment"]["language"]) == {"el", "zh", "tr"}
    assert tables["alignment"].groupby("metric")["layer"].nunique().max() == 1
    found = tables["correlations"]
    languages = found[found["over"] == "languages"]
    assert languages["note"].str.contains("3 are too few").all()
    assert languages["p"].isna().all()
    sentences = found[found["over"] == "sentences"]
    assert set(sentences["language"]) == {"el", "zh", "tr"}
    assert (sentences["units"] == 30).all()
    assert "3 are too few" in capsys.readouterr().out
    other = [
        "evaluate",
        str(llama),
        "--task",
        "translation",
        "--data",
        str(text),
        "--langs",
        "en",
        "--source",
        "zh",
    ]
    assert main([*other, "--new-tokens", "4", "--profile", str(profile), *shared, str(out)]) == 1
    assert "no alignment of these checkpoints" in capsys.readouterr().err


@pytest.fixture(scope="module")
def xquad() -> list[Item]:
    if not XQUAD.is_dir():
        pytest.skip("the shared data are not here")
    return TASKS["xquad"].read(Request(str(XQUAD)))


def test_xquad_from_the_shared_data(xquad, llama, tmp_path):
    assert len(xquad) == 10 * 1190
    assert len({item.id for item in xquad}) == 1190
    options = ["--langs", "en,ar,zh", "--limit", "2", "--new-tokens", "4", "--draws", "20", "--no-language"]
    out = tmp_path / "out"
    assert (
        main(["evaluate", str(llama), "--task", "xquad", "--data", str(XQUAD), *options, "--out", str(out)])
        == 0
    )
    answers = Evaluation.load(out).tables["answers"]
    assert answers.groupby("language")["item"].apply(tuple).nunique() == 1


def test_right_answers_score_in_full_on_xquad(xquad):
    items = by_language(item for item in xquad if item.language in ("ar", "el", "hi", "zh"))
    right = {language: [item.references[0] for item in own] for language, own in items.items()}
    for scorer in ("contains", "exact", "squad-exact"):
        assert {one.value for one in measure(scorer, items, right).values()} == {100}


def test_files_of_mlqa_and_of_the_hub(tmp_path):
    folder = tmp_path / "MLQA_V1"
    (folder / "test").mkdir(parents=True)
    squad_file(folder / "test" / "test-context-en-question-en.json", [("a", "Cats sleep.", "Who?", "Cats")])
    squad_file(folder / "test" / "test-context-en-question-zh.json", [("b", "Cats sleep.", "谁？", "Cats")])
    squad_file(folder / "test" / "dev-context-zh-question-zh.json", [("c", "猫睡觉。", "谁？", "猫")])
    (item,) = TASKS["mlqa"].read(Request(str(folder)))
    assert (item.id, item.language, item.references) == ("a", "en", ("Cats",))
    assert item.input.startswith("Passage: Cats sleep.\nQuestion: Who?")
    for shard in range(2):
        path = tmp_path / "hub" / "xquad.zh" / f"validation-{shard:05}-of-00002.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        row = {
            "id": f"z{shard}",
            "context": "猫睡觉。",
            "question": "谁？ {context}",
            "answers": {"text": ["猫 "], "answer_start": [0]},
        }
        pd.DataFrame([row]).to_parquet(path)
    items = TASKS["xquad"].read(Request(str(tmp_path / "hub")))
    assert [item.id for item in items] == ["z0", "z1"]
    assert items[0].references == ("猫",)
    assert items[0].input == "文章：猫睡觉。\n问题：谁？ {context}\n回答："


def test_files_of_flores(tmp_path):
    lines = {
        "eng_Latn": "The cat.\nA dog.",
        "zho_Hans": "猫。\n狗。",
        "zho_Hant": "貓。\n狗。",
        "arb_Arab": "قطة.\nكلب.",
    }
    (tmp_path / "devtest").mkdir()
    for code, text in lines.items():
        (tmp_path / "devtest" / f"{code}.devtest").write_text(text, encoding="utf-8")
    items = TASKS["flores"].read(Request(str(tmp_path)))
    assert {item.language for item in items} == {"ar", "zh"}
    found = TASKS["flores"].read(Request(str(tmp_path), ["zh", "zho_Hant"], limit=1))
    assert [item.references[0] for item in found] == ["猫。", "貓。"]
    assert found[0].instruction == "Translate the following sentence into Chinese."
    (back,) = TASKS["flores"].read(Request(str(tmp_path), ["en"], source="zh", limit=1))
    assert (back.input, back.references) == ("猫。", ("The cat.",))


def test_evaluation_asks_as_training_first_does():
    from repalign_training.data.instructions import translation_request

    (item,) = TASKS["translation"].read(Request("everyday", ["zh"], limit=1))
    assert item.instruction == translation_request("en", "zh")
    assert TRANSLATION_REQUEST.format(target="Greek") == translation_request("en", "el")


def test_the_phrasebook_asks_the_same_in_every_language():
    items = TASKS["phrasebook"].read(Request(limit=5))
    ids = {lang: [item.id for item in items if item.language == lang] for lang in ("en", "zh", "tr")}
    assert ids["en"] == ids["zh"] == ids["tr"]
    assert {"who", "yes-no", "gap"} <= {item.kind for item in items}


def test_checkpoints_of_the_demo_family_are_asked_briefly(llama, tmp_path, save_model, capsys):
    folder = save_model(tmp_path / "tuned")
    recipe = {
        "corpus": "everyday",
        "sources": {"translation": {"kind": "phrasebook-translation", "brief": True}},
    }
    Card("tuned", recipe, "", None, "input-first", [], 0, 1, 1, {}, 1.0).write(folder)
    options = ["--task", "translation", "--langs", "zh", "--limit", "2", "--new-tokens", "2", "--no-language"]
    assert main(["evaluate", str(folder), *options, "--out", str(tmp_path / "out")]) == 0
    found = Evaluation.load(tmp_path / "out")
    assert set(found.tables["answers"]["instruction"]) == {"Chinese:"}
    assert "|input-first|" in found.signatures["tuned"]
    assert "languages" not in found.tables
    told = answer(
        Checkpoint.named(str(folder)), [Item("0", "zh", "Say", "x", ("y",))], "t", 2, template="raw"
    )
    assert "|raw|" in told.signature


def test_answers_are_kept_by_weights_precision_and_length(llama, tmp_path, save_model):
    one, two = (locate(Checkpoint.named(str(path))) for path in (llama, save_model(tmp_path / "two", seed=1)))
    kept = [(one, "float32", 5), (two, "float32", 5), (one, "bfloat16", 5), (one, "float32", 6)]
    assert len({AnswerStore(*how).path for how in kept}) == 4


def test_an_encoder_decoder_answers_from_its_start(tmp_path, save_tokenizer):
    import transformers

    tokenizer = save_tokenizer(tmp_path)
    small = {
        "d_model": 32,
        "d_kv": 8,
        "d_ff": 64,
        "num_layers": 2,
        "num_heads": 4,
        "decoder_start_token_id": 2,
        "eos_token_id": 1,
    }
    torch.manual_seed(0)
    model = transformers.T5ForConditionalGeneration(
        transformers.T5Config(vocab_size=len(tokenizer), **small)
    ).eval()
    model.save_pretrained(tmp_path)
    generator = Generator(locate(Checkpoint.named(str(tmp_path))), device="cpu", dtype="float32")
    said = [2]
    with torch.no_grad():
        for _ in range(6):
            ids = torch.tensor([tokenizer(PROMPTS[1])["input_ids"]])
            said.append(
                int(model(input_ids=ids, decoder_input_ids=torch.tensor([said])).logits[0, -1].argmax())
            )
    found = generator.answer(PROMPTS, 6, progress=False)[1]
    upto = said.index(1) if 1 in said else 7
    assert found.tokens == upto - 1
    assert found.text == tokenizer.decode(said[1:upto], skip_special_tokens=True).strip()


def test_a_tokenizer_that_closes_its_texts_asks_the_same(llama, tmp_path):
    import shutil

    from tokenizers import processors
    from transformers import AutoTokenizer

    closing = shutil.copytree(llama, tmp_path / "closing")
    tokenizer = AutoTokenizer.from_pretrained(closing)
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 1)]
    )
    tokenizer.save_pretrained(closing)
    plain, closed = (
        Generator(locate(Checkpoint.named(str(path))), device="cpu", dtype="float32")
        for path in (llama, closing)
    )
    assert closed.tokenizer("a")["input_ids"][-1] == 1
    assert closed.answer(PROMPTS, 6, progress=False) == plain.answer(PROMPTS, 6, progress=False)


def test_a_language_asked_for_needs_a_wording_also_on_the_hub(monkeypatch):
    row = {"id": "0", "context": "c", "question": "q", "answers": {"text": ["a"], "answer_start": [0]}}
    monkeypatch.setattr("repalign.evaluation.questions.hub_rows", lambda *rest: [row])
    assert "ro" not in {item.language for item in TASKS["xquad"].read(Request())}
    with pytest.raises(RepalignError, match="no prompt for language named 'ro'"):
        TASKS["xquad"].read(Request(languages=["en", "ro"]))


def test_the_page_is_offline_inert_and_drawn_again_without_a_model(llama, questions, tmp_path, capsys):
    folder = tmp_path / "hostile"
    folder.mkdir()
    hostile = "</script><script>alert(1)</script><b>"
    squad_file(folder / "xquad.en.json", [("q", hostile, hostile, hostile), ("r", "a", "b", "c")])
    out = tmp_path / "out"
    options = [
        "--task",
        "xquad",
        "--data",
        str(folder),
        "--new-tokens",
        "2",
        "--no-language",
        "--out",
        str(out),
    ]
    assert main(["evaluate", str(llama), *options]) == 0
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "alert(1)" in page
    assert "<script>alert(1)" not in page
    assert "<b>" not in page.partition('id="examples"')[2].partition("<script")[0]
    again = tmp_path / "again.html"
    assert main(["report", str(out), "--out", str(again)]) == 0
    assert again.read_text(encoding="utf-8") == page
    assert main(["report", str(out), "--figure", "curves"]) == 1
    assert "--figure needs results of `layers` or `compare`" in capsys.readouterr().err


MISTAKES = [
    (["--task", "xquat"], "no task named 'xquat'; did you mean 'xquad'"),
    (["--task", "xquad", "--data", "nowhere"], "no folder nowhere"),
    (["--task", "xquad", "--data", "{empty}"], "no questions in .*expected files such as xquad.zh.json"),
    (["--task", "xquad", "--data", "{data}", "--langs", "en,zz"], "no language named 'zz'"),
    (["--task", "xquad", "--data", "{broken}"], r"xquad.en.json, line 3: not JSON"),
    (["--task", "xquad", "--data", "{other}"], r"not in SQuAD's format: 'paragraphs' is missing"),
    (["--task", "xquad", "--data", "{data}", "--scorers", "exakt"], "no scorer named 'exakt'; did you mean 'exact'"),
    (["--task", "xquad", "--data", "{data}", "--judge", "chrff"], "no judge named 'chrff'; did you mean 'chrf'"),
    (["--task", "xquad", "--data", "{data}", "--template", "alpca"], "no template named 'alpca'"),
    (["--task", "xquad", "--data", "{data}", "--prompts", "no.toml"], "no file no.toml with prompts"),
    (["--task", "xquad", "--data", "{data}", "--profile", "nowhere"], "no results in nowhere"),
    (["--task", "xquad", "--data", "{number}"], "question 1 or its paragraph is not a text"),
    (["--task", "xquad", "--data", "{data}", "--prompts", "{number}/own.toml"], r"\[en\] needs `instruction`"),
    (["--task", "flores", "--data", "nowhere"], "no folder nowhere"),
    (["--task", "flores", "--data", "{empty}"], "no .*.devtest in"),
    (["--task", "translation", "--langs", "en"], "nothing to translate 'en' into"),
    (["--task", "phrasebook", "--langs", "de"], "no language named 'de'"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "line"), MISTAKES)
def test_mistakes_are_told_in_one_line(options, line, llama, questions, tmp_path, capsys):
    import re

    folders = {name: tmp_path / name for name in ("empty", "broken", "other", "number")}
    for folder in folders.values():
        folder.mkdir()
    (folders["broken"] / "xquad.en.json").write_text('{\n"data": [\n{"paragraphs": [}\n]}')
    squad_file(folders["number"] / "xquad.en.json", [("1", 5, "Who?", "Cats")])
    (folders["number"] / "own.toml").write_text("en = 3")
    (folders["other"] / "xquad.en.json").write_text('{"data": [{"text": "no paragraphs"}]}')
    filled = [option.format(data=questions, **folders) for option in options]
    assert main(["evaluate", str(llama), *filled, "--out", str(tmp_path / "out")]) == 1
    shown = capsys.readouterr().err.strip().splitlines()[-1]
    assert shown.startswith("repalign: ")
    assert re.search(line, shown), shown


def test_three_checkpoints_are_too_many(llama, capsys):
    assert main(["evaluate", *[str(llama)] * 3, "--task", "phrasebook"]) == 1
    assert "one or two checkpoints" in capsys.readouterr().err


def test_a_wording_of_ones_own(questions, tmp_path):
    path = tmp_path / "own.toml"
    path.write_text('[en]\ninstruction = "Reply."\ninput = "{question} ({context})"\n')
    request = Request(str(questions), ["en"], prompts=path)
    item = TASKS["xquad"].read(request)[0]
    assert (item.instruction, item.input) == ("Reply.", "How many birds? (The dog sees 0 birds.)")
    path.write_text('[en]\ninstruction = "Reply."\ninput = "{question}"\n')
    with pytest.raises(RepalignError, match=r"\[en\] needs"):
        TASKS["xquad"].read(replace(request, languages=["en"]))


def test_evaluate_as_a_library_call_equals_the_command(llama, questions, tmp_path):
    out = tmp_path / "out"
    options = [
        "--data",
        str(questions),
        "--langs",
        "zh",
        "--limit",
        "3",
        "--new-tokens",
        "4",
        "--draws",
        "20",
    ]
    assert main(["evaluate", str(llama), "--task", "xquad", *options, "--out", str(out)]) == 0
    called = evaluate(
        str(llama), task="xquad", data=questions, languages="zh", limit=3, new_tokens=4, draws=20
    )
    saved = Evaluation.load(out)
    assert called.signatures == saved.signatures
    assert called.settings == saved.settings
    for name, table in saved.tables.items():
        pd.testing.assert_frame_equal(called.tables[name], table, check_dtype=False)


def test_evaluate_with_custom_items_and_judge(llama, save_model, tmp_path):
    items = [Item(str(n), "en", "Say", "x", ("y",)) for n in range(3)]
    other = Checkpoint.named(str(save_model(tmp_path / "other", seed=1)))

    def first_wins(item, first, second):
        return 1

    result = evaluate(
        [str(llama), other], "echo", items=items, scorers="exact", new_tokens=2, judge=first_wins,
        detect=False, draws=20, store=False,
    )  # fmt: skip
    assert result.title == "other against tiny-llama on echo"
    assert result.tables["wins"][["judge", "position_biased"]].values.tolist() == [["first_wins", 1.0]]
    without = evaluate(
        str(llama), "echo", items=items, scorers=["exact"], new_tokens=2, detect=False, draws=20
    )
    assert "wins" not in without.tables


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"task": "xquat"}, "no task named 'xquat'; did you mean 'xquad'"),
        ({"scorers": "exakt"}, "no scorer named 'exakt'; did you mean 'exact'"),
        ({"scorers": []}, "no scorers; give one or more"),
        ({"judge": "chrff"}, "no judge named 'chrff'; did you mean 'chrf'"),
        ({"template": "alpca"}, "no template named 'alpca'"),
        ({"task": "echo", "items": [Item("0", "en", "", "", ("y",))]}, "'echo' is not a registered task"),
        ({"task": "echo", "items": [Item("0", "en", "", "", ("y",))], "scorers": "f1"}, "new_tokens has no default"),
        ({"checkpoints": []}, "at least one checkpoint is needed"),
        ({"checkpoints": ["base", "base"]}, "two checkpoints have the same name"),
        ({"checkpoints": "m-lama"}, "no checkpoint named 'm-lama'"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_reported_before_a_model_is_loaded(change, line, monkeypatch):
    import repalign.evaluation.run as module

    monkeypatch.setattr(module, "answer", lambda *rest, **more: pytest.fail("a checkpoint was read"))
    monkeypatch.setattr("repalign.checkpoints.resolving.make", lambda *rest: None)
    arguments = {"checkpoints": "m-llama", "task": "phrasebook", "detect": False} | change
    with pytest.raises(RepalignError, match=line):
        evaluate(**arguments)
