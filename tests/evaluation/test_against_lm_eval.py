"""Multiple choice gives the numbers of EleutherAI's lm-evaluation-harness: the same prompts, likelihoods and accuracy.

Skipped where the harness is not installed; its own definitions of the tasks are run here on local files.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from evaluation.factories import belebele_rows, json_lines, mmlu_rows

from repalign.evaluation.run import evaluate

lm_eval = pytest.importorskip("lm_eval", reason="lm-evaluation-harness is not installed")

TASKS = Path(lm_eval.__file__).parent / "tasks"
DEFINITIONS = {
    "belebele": TASKS / "belebele" / "_default_template_yaml",
    "global-mmlu": TASKS / "global_mmlu" / "full" / "en" / "_en_template_yaml",
}


def harness_samples(task: str, file: Path, model: Path) -> list[dict]:
    """What the harness logs for each question of a local file."""
    import yaml
    from lm_eval.models.huggingface import HFLM

    definition = yaml.safe_load(DEFINITIONS[task].read_text())
    definition.pop("dataset_name", None)
    definition.pop("fewshot_split", None)
    definition.pop("fewshot_config", None)
    local = {
        "task": "local", "dataset_path": "json", "test_split": "test",
        "dataset_kwargs": {"data_files": {"test": str(file)}},
    }  # fmt: skip
    found = lm_eval.simple_evaluate(
        HFLM(str(model), device="cpu", dtype="float32", batch_size=4),
        tasks=[definition | local], num_fewshot=0, log_samples=True, bootstrap_iters=0,
    )  # fmt: skip
    return found["samples"]["local"]


@pytest.mark.parametrize("task", DEFINITIONS)
def test_multiple_choice_equals_the_harness(task, save_model, tmp_path):
    model = save_model(tmp_path / "model", initializer_range=0.5)  # so that its choices vary
    rows = mmlu_rows(24) if task == "global-mmlu" else belebele_rows("zho_Hans", 24)
    file = json_lines(tmp_path / "data" / "zho_Hans.jsonl", rows)
    samples = harness_samples(task, file, model)
    found = evaluate(str(model), task, data=file, detect=False, draws=20, dtype="float32").tables
    answers = found["answers"]
    assert answers["instruction"].tolist() == [sample["arguments"][0][0] for sample in samples]
    assert answers["answer"].nunique() > 1
    values = found["choices"]["loglikelihood"].tolist()
    assert values == pytest.approx(
        [float(one[0][0]) for sample in samples for one in sample["resps"]], abs=1e-4
    )
    assert (answers["acc"] / 100).tolist() == [sample["acc"] for sample in samples]
    if "acc_norm" in samples[0]:
        assert [sample["acc_norm"] for sample in samples] == [sample["acc"] for sample in samples]
