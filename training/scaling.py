"""Scaling laws of translation data: the names of `repalign.scaling`, where their mathematics is.

`repalign scaling` needs it too, and repalign never imports training.
"""

from repalign.scaling import (
    FORMS,
    Runs,
    bootstrap,
    compare_forms,
    diagnose,
    fit,
    leave_one_size_out,
    profile_interval,
    read_runs,
)

__all__ = [
    "FORMS",
    "Runs",
    "bootstrap",
    "compare_forms",
    "diagnose",
    "fit",
    "leave_one_size_out",
    "profile_interval",
    "read_runs",
]
