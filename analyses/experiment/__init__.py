"""The paper's experiment on a pretrained model, which `pretrained.py` runs: plan, questions, kept results, claims, figures."""
