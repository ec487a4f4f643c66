"""What docs/security.md promises, a test for each claim: checkpoints, corpora and results are data, never code."""

from __future__ import annotations

import ast
import builtins
import json
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import torch

from repalign.checkpoints import Checkpoint
from repalign.checkpoints.fetching import DOWNLOADED
from repalign.commands.main import main
from repalign.corpora import as_corpus
from repalign.errors import RepalignError
from repalign.models.loading import load_model, read_config, read_tokenizer
from repalign.models.locating import locate

ROOT = Path(__file__).parents[2]


@cache
def nodes() -> list[tuple[str, ast.AST]]:
    """Every part of the sources, and its file."""
    files = [path for room in ("repalign", "training") for path in sorted((ROOT / room).rglob("*.py"))]
    return [
        (path.relative_to(ROOT).as_posix(), node)
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    ]


@cache
def called() -> list[tuple[str, str, dict[str, ast.expr]]]:
    """Every call in the sources: file and line, the name as written, and the keyword arguments."""
    return [
        (
            f"{path}:{node.lineno}",
            ast.unparse(node.func),
            {one.arg: one.value for one in node.keywords if one.arg},
        )
        for path, node in nodes()
        if isinstance(node, ast.Call)
    ]


@cache
def imported() -> list[tuple[str, str]]:
    """Every import in the sources: file, and the module with the name."""
    plain = [(path, one.name) for path, node in nodes() if isinstance(node, ast.Import) for one in node.names]
    return plain + [
        (path, f"{node.module}.{one.name}")
        for path, node in nodes()
        if isinstance(node, ast.ImportFrom)
        for one in node.names
    ]


def constant(value: ast.expr | None) -> object:
    return value.value if isinstance(value, ast.Constant) else None


@pytest.fixture
def copy(llama, tmp_path) -> Path:
    return shutil.copytree(llama, tmp_path / "model")


def load(folder: Path) -> None:
    weights = locate(Checkpoint.named(str(folder)))
    load_model(weights, read_config(weights), torch.float32, "cpu")
    read_tokenizer(weights)


def change(path: Path, **settings: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


# Checkpoints


class Payload:
    """What runs when it is unpickled."""

    def __reduce__(self):
        return (exec, ("import pathlib; pathlib.Path('ran').touch()",))


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "adapter_model.bin"])
def test_pickled_weights_are_refused_unopened(name, copy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save(Payload(), copy / name)
    (copy / "model.safetensors").unlink()
    if name.startswith("adapter"):
        (copy / "adapter_config.json").write_text(
            json.dumps({"base_model_name_or_path": "x", "peft_type": "LORA"})
        )
    with pytest.raises(RepalignError, match="pickled weights"):
        load(copy)
    assert not Path("ran").exists()


def test_pickles_beside_the_weights_are_never_read(copy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (
        "pytorch_model.bin",
        "optimizer.pt",
        "training_args.bin",
        "scheduler.pt",
        "rng_state.pth",
        "vocab.pkl",
    ):
        torch.save(Payload(), copy / name)
    load(copy)
    assert not Path("ran").exists()


def test_no_code_of_a_checkpoint_runs(copy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for module in ("modeling_x", "configuration_x", "tokenization_x"):
        (copy / f"{module}.py").write_text("import pathlib; pathlib.Path('ran').touch()")
    classes = {
        "AutoConfig": "configuration_x.X",
        "AutoModelForCausalLM": "modeling_x.X",
        "AutoModel": "modeling_x.X",
    }
    change(copy / "config.json", auto_map=classes)
    change(
        copy / "tokenizer_config.json", auto_map={"AutoTokenizer": ["tokenization_x.X", "tokenization_x.X"]}
    )
    load(copy)  # by the classes of transformers
    change(copy / "config.json", model_type="of_its_own")
    with pytest.raises(RepalignError):
        load(copy)
    assert not Path("ran").exists()


def test_trust_remote_code_is_off_wherever_it_can_be_given():
    autos = [
        (where, name, keywords)
        for where, name, keywords in called()
        if name.endswith(".from_pretrained")
        and ("Auto" in name or "_auto_class" in name or name.startswith("auto."))
    ]
    assert len(autos) >= 4
    assert [
        where for where, _, keywords in autos if constant(keywords.get("trust_remote_code")) is not False
    ] == []
    given = [
        (where, constant(keywords["trust_remote_code"]))
        for where, _, keywords in called()
        if "trust_remote_code" in keywords
    ]
    assert [where for where, value in given if value is not False] == []


def test_neither_code_nor_pickles_are_downloaded():
    assert all(pattern.startswith("*.") for pattern in DOWNLOADED)
    assert not {"*.py", "*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt", "*.so"} & set(DOWNLOADED)


@pytest.mark.parametrize("named_in", ["modules.json", "model.safetensors.index.json"])
def test_a_checkpoint_names_no_file_outside_its_folder(named_in, copy, llama):
    outside = f"../{llama.name}/model.safetensors"
    values = {
        "modules.json": [{"path": "../elsewhere"}],
        "model.safetensors.index.json": {"metadata": {}, "weight_map": {"x": outside}},
    }
    (copy / named_in).write_text(json.dumps(values[named_in]))
    (copy / "model.safetensors").unlink()
    with pytest.raises(RepalignError, match="outside its folder"):
        load(copy)


def test_chat_templates_are_not_rendered(copy):
    """Jinja in a checkpoint's files could at best waste time."""
    change(
        copy / "tokenizer_config.json", chat_template="{% for i in range(10**12) %}{{ 1 / 0 }}{% endfor %}"
    )
    load(copy)
    assert [where for where, name, _ in called() if name.endswith("apply_chat_template")] == []


# Corpora and results


def test_entities_of_xml_are_not_expanded(tmp_path):
    (tmp_path / "x.tmx").write_text(
        '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><tmx><tu>&e;</tu></tmx>'
    )
    with pytest.raises(RepalignError, match="EntitiesForbidden"):
        as_corpus(str(tmp_path / "x.tmx"))
    parsers = {name for _, name in imported() if name.startswith(("xml.", "lxml"))}
    assert parsers == set()


def test_arrays_are_read_without_pickles():
    loads = [(where, keywords) for where, name, keywords in called() if name in ("np.load", "numpy.load")]
    assert loads
    assert [where for where, keywords in loads if constant(keywords.get("allow_pickle")) is not False] == []


def test_nothing_that_unpickles_is_used():
    banned = ("pickle", "cPickle", "dill", "joblib", "cloudpickle", "marshal", "shelve", "yaml")
    assert [(path, name) for path, name in imported() if name.split(".")[0] in banned] == []
    calls = {"torch.load", "pd.read_pickle", "pandas.read_pickle"}
    assert [where for where, name, _ in called() if name in calls] == []


# The program


def test_only_metric_files_are_executed():
    names = {"exec", "eval", "compile", "__import__"} & set(dir(builtins))
    assert {where.split(":")[0] for where, name, _ in called() if name in names} == {
        "repalign/metrics/custom.py"
    }


def test_a_metric_file_runs_only_when_it_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "metric.py").write_text("open('ran', 'w')")
    for command in (["list", "metrics"], ["check-metric", "other.py"], ["report", "."], ["doctor"]):
        main(command)
    assert not Path("ran").exists()
    main(["check-metric", "metric.py"])
    assert Path("ran").exists()


def test_no_package_runs_before_its_metric_is_named(tmp_path):
    """Entry points are listed by their names, which are text in the metadata of a package."""
    code = "open('ran', 'w'); raise SystemExit"
    (tmp_path / "offers.py").write_text(code)
    folder = tmp_path / "offers-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: offers\nVersion: 1\n")
    (folder / "entry_points.txt").write_text("[repalign.metrics]\ntheirs = offers:theirs\n")
    script = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from repalign.commands.main import main; sys.exit(main(sys.argv[1:]))"
    listed = subprocess.run(
        [sys.executable, "-c", script, "list", "metrics"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "offers:theirs" in listed.stdout
    assert not (tmp_path / "ran").exists()


def test_programs_are_started_without_a_shell():
    calls = list(called())
    assert [where for where, _, keywords in calls if "shell" in keywords] == []
    banned = (
        "os.system",
        "os.popen",
        "os.spawn",
        "os.exec",
        "subprocess.getoutput",
        "subprocess.getstatusoutput",
    )
    assert [where for where, name, _ in calls if name.startswith(banned)] == []
    started = [
        where.split(":")[0] for where, name, _ in calls if name in ("subprocess.run", "subprocess.Popen")
    ]
    assert sorted(set(started)) == [
        "repalign/checkpoints/making.py",
        "repalign/models/adapters.py",
        "training/family.py",
    ]


def test_temporary_files_have_names_that_nobody_can_guess():
    calls = [name for _, name, _ in called() if name.startswith(("tempfile.", "mktemp"))]
    safe = ("TemporaryDirectory", "TemporaryFile", "mkdtemp", "mkstemp")
    assert set(calls) <= {f"tempfile.{name}" for name in safe}
    assert [path for path, name in imported() if name.endswith("mktemp")] == []


def test_every_claim_of_the_page_names_a_test_that_exists():
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    rows = [row for row in re.findall(r"^\| (.+) \|$", text, re.MULTILINE) if not row.startswith("claim")]
    assert len(rows) > 25
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    for row in rows:
        named, files = re.findall(r"`(test_\w+)`", row), re.findall(r"`(tests/[\w/]+\.py)`", row)
        assert named or files, row
        assert all(f"def {name}(" in tests for name in named), row
        assert all((ROOT / file).is_file() for file in files), row
