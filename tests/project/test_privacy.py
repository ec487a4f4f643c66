"""No secret and no name of a user is in any byte that a command writes beside its results."""

from __future__ import annotations

import shlex
import shutil
import socket
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from evaluation.factories import squad_file
from evaluation.stand_in_judge import StandIn, serving
from repalign_training.__main__ import main as train

from repalign.checkpoints import Checkpoint
from repalign.checkpoints.fetching import fetch
from repalign.commands.command_line import recorded
from repalign.commands.main import main
from repalign.corpora import as_corpus
from repalign.errors import RepalignError
from repalign.privacy import without_home, without_secrets

USER, KEY = "zacharias-quill", "sk-SECRET-abcdef123456"
WORDS = {"en": "dog {n} sees birds", "zh": "狗 {n} 看见 鸟", "el": "σκύλος {n} βλέπει"}


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The home of a user of that name, with a secret in the environment."""
    folder = tmp_path / "home" / USER
    folder.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setattr(Path, "home", lambda: folder)
    monkeypatch.setenv("REPALIGN_HOME", str(folder / ".cache" / "repalign"))
    for name in ("REPALIGN_JUDGE_KEY", "HF_TOKEN"):
        monkeypatch.setenv(name, KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return folder


def written(folder: Path) -> dict[Path, str]:
    """The contents of all files; those of parquet also without compression."""
    files = {}
    for path in filter(Path.is_file, folder.rglob("*")):
        files[path] = path.read_bytes().decode("utf-8", "replace")
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            files[path] += f"{table.schema.metadata} {table.to_pydict()}"
    return files


def check(folder: Path) -> None:
    files = written(folder)
    assert files
    for path, text in files.items():
        for secret in (USER, KEY, "URLSECRET"):
            assert secret not in text, f"{path}: ...{text[max(0, text.index(secret) - 200) :][:300]}"


@pytest.fixture
def network(monkeypatch) -> list[str]:
    """Hosts that were looked up, other than this machine; the hub is not declared offline."""
    hosts: list[str] = []
    resolve = socket.getaddrinfo

    def asked(host, *rest, **more):
        if host not in ("127.0.0.1", "localhost"):
            hosts.append(str(host))
            raise OSError("no network")
        return resolve(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", asked)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    return hosts


@pytest.fixture
def models(folder, llama, save_model) -> list[str]:
    shutil.copytree(llama, folder / "models" / "first")
    shutil.copytree(llama, folder / "checkpoint-7")  # directly in the home, which would name it
    save_model(folder / "models" / "second", seed=1)
    return [str(folder / "models" / name) for name in ("first", "second")]


@pytest.fixture
def text(folder) -> str:
    corpus = folder / "text"
    corpus.mkdir()
    for language, words in WORDS.items():
        (corpus / f"{language}.txt").write_text(
            "\n".join(words.format(n=n) for n in range(24)), encoding="utf-8"
        )
    (corpus / "documents.txt").write_text("\n".join(f"d{n // 2}" for n in range(24)))
    return str(corpus)


def test_layers_compare_and_inside(folder, models, text, network, tmp_path, capsys):
    metric = folder / "own.py"
    metric.write_text(
        "from repalign.metrics import Scores, metric\n"
        "@metric(label='own', bounds=(0, 1), reference='none')\ndef own(pair):\n    return Scores(0.5)\n"
    )
    options = [
        "--corpus",
        text,
        "--clusters",
        f"{text}/documents.txt",
        "--draws",
        "10",
        "--metrics",
        f"mexa,{metric}:own",
    ]
    first, second = models
    twin = str(folder / "checkpoint-7")
    for name, command in {
        "layers": ["layers", "--ckpt", first, second, twin, *options],
        "compare": ["compare", first, second, *options],
        "inside": ["inside", first, "--corpus", text, "--draws", "10", "--random-controls", "2"],
        "quantisation": ["quantisation", first, second, "--corpus", text, "--draws", "10"],
    }.items():
        out = tmp_path / name
        assert main([*command, "--out", str(out)]) == 0, capsys.readouterr().err
        check(out)
    page = (tmp_path / "compare" / "report.html").read_text(encoding="utf-8")
    assert "repalign compare ~/models/first ~/models/second --corpus ~/text" in page
    assert not network


def test_evaluate(folder, models, network, tmp_path, capsys):
    data = folder / "xquad"
    for part in ("a", "b"):  # the same questions twice, of which a note says where
        (data / part).mkdir(parents=True)
        squad_file(
            data / part / "xquad.en.json", [(f"q{n}", f"I see {n}.", "How many?", str(n)) for n in range(3)]
        )
    command = [
        "evaluate",
        *models,
        "--task",
        "xquad",
        "--data",
        str(data),
        "--new-tokens",
        "2",
        "--no-language",
    ]
    out = tmp_path / "out"
    with serving(StandIn([(401, {}, KEY.encode())])) as api:
        url = f"{api.url}?key=URLSECRET"
        for status in (1, 0):
            assert main([*command, "--judge", "chat:m", f"--judge-url={url}", "--out", str(out)]) == status
            check(out)
            shown = capsys.readouterr()
            assert KEY not in shown.out + shown.err
            assert "URLSECRET" not in shown.out + shown.err
            assert "counted once" in shown.out
    check(folder / ".cache" / "repalign")
    assert not network


@pytest.mark.parametrize("module", ["huggingface_hub", "datasets"])
def test_messages_about_the_hub(module, folder, network, monkeypatch):
    """A mirror whose address has a token, and an address that was signed for one download."""
    reason = f"401 for https://me:URLSECRET@mirror/api?token=URLSECRET with {KEY}\nand more"

    def refuse(*args, **options):
        raise ValueError(reason) if module == "datasets" else OSError(reason)

    monkeypatch.setattr("huggingface_hub.snapshot_download", refuse)
    monkeypatch.setattr("huggingface_hub.HfApi.dataset_info", lambda *args, **options: None)
    monkeypatch.setattr("datasets.load_dataset", refuse)
    with pytest.raises(RepalignError, match=r"401 for https://mirror/api\?\*\*\* with \*\*\*;") as refused:
        fetch(Checkpoint.named("owner/name")) if module == "huggingface_hub" else as_corpus("owner/name")
    assert "SECRET" not in str(refused.value)
    assert not network


def test_the_network_is_asked_only_for_an_id_of_the_hub(folder, network):
    """What the tests above rest on: a request would be seen."""
    with pytest.raises(RepalignError, match="cannot fetch 'owner/name' from the hub"):
        fetch(Checkpoint.named("owner/name"))
    assert set(network) == {"huggingface.co"}


def test_a_card(folder, tmp_path):
    pairs = folder / "pairs.jsonl"
    pairs.write_text(
        "".join(f'{{"instruction": "Say {n}", "input": "", "output": "word {n}"}}\n' for n in range(40))
    )
    recipe = tmp_path / "own.toml"
    recipe.write_text(
        'languages = ["en"]\nmixture = "own_en"\ntemplate = "brief"\n'
        f'[sources.own]\nkind = "instructions"\npath = "{pairs}"\n'
        "[tokenizer]\nvocabulary = 300\n[train]\nbatch = 8\nmax_length = 64\nheld_out = 4\n[model]\n"
        "hidden_size = 16\nintermediate_size = 32\nnum_hidden_layers = 1\nnum_attention_heads = 2\nnum_key_value_heads = 2\n"
    )
    assert train([str(recipe), "--out", str(tmp_path / "out")]) == 0
    check(tmp_path / "out")
    assert "~/pairs.jsonl" in (tmp_path / "out" / "repalign.json").read_text()
    assert train([str(recipe), "--out", str(tmp_path / "out")]) == 0  # it is still the same run


def test_a_recorded_command(folder, monkeypatch):
    home = str(folder)
    argv = [
        "evaluate", f"{home}/a b/m", home, f"--data={home}/d", f"{home}x/m", "--metrics", f"mexa,{home}/own.py:m",
        "--judge-url=https://me:pw@host:8/v1?key=1#f", "--judge", f"chat:{KEY}", "~/m", "",
    ]  # fmt: skip
    line = recorded(argv)
    assert line == (
        f"repalign evaluate ~/'a b/m' ~ --data ~/d {home}x/m --metrics 'mexa,~/own.py:m' "
        "'--judge-url=https://host:8/v1?***' --judge 'chat:***' ~/m ''"
    )
    assert len(shlex.split(line)) == len(argv) + 2
    monkeypatch.setenv("REPALIGN_KEEP_PATHS", "1")
    assert recorded(["layers", f"{home}/m", KEY]) == f"repalign layers {home}/m '***'"


def test_what_lies_directly_in_the_home_folder(folder, save_model):
    save_model(folder / "checkpoint-7")
    assert Checkpoint.named(str(folder / "checkpoint-7")).name == "home/checkpoint-7"
    for language, words in WORDS.items():
        (folder / f"{language}.txt").write_text(words)
    assert as_corpus(str(folder)).name == "home"


def test_links_to_the_home_folder_name_the_user_too(folder, tmp_path, monkeypatch):
    link = tmp_path / "link"
    link.symlink_to(folder)
    monkeypatch.setattr(Path, "home", lambda: link)
    assert without_home({"a": [f"{folder}/m", f"{link}/m", 3]}) == {"a": ["~/m", "~/m", 3]}
    monkeypatch.setattr(Path, "home", lambda: Path("/"))
    assert without_home("/data/m") == "/data/m"


@pytest.mark.parametrize("key", ["x", "EMPTY"])
def test_a_short_key_is_hidden_as_a_word(key, monkeypatch):
    monkeypatch.setenv("REPALIGN_JUDGE_KEY", key)
    assert without_secrets(f"an xEMPTY text, {key}") == "an xEMPTY text, ***"
