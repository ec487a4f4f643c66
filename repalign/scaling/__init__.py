"""Scaling laws of translation data: how a score grows with sentence pairs, and how to split a budget of them."""

from repalign.scaling.allocation import allocate, marginal_values
from repalign.scaling.baselines import proportional, temperature, uniform
from repalign.scaling.diagnosis import Diagnosis, diagnose
from repalign.scaling.fitting import Fit, fit
from repalign.scaling.forms import FORMS, Form
from repalign.scaling.law import Law
from repalign.scaling.misfit import Misfit, misfit
from repalign.scaling.plan import Plan, plan
from repalign.scaling.runs import Runs, read_runs
from repalign.scaling.selection import compare_forms, leave_one_size_out, preferred
from repalign.scaling.uncertainty import bootstrap, bootstrap_interval, profile_interval

__all__ = [
    "FORMS",
    "Diagnosis",
    "Fit",
    "Form",
    "Law",
    "Misfit",
    "Plan",
    "Runs",
    "allocate",
    "bootstrap",
    "bootstrap_interval",
    "compare_forms",
    "diagnose",
    "fit",
    "leave_one_size_out",
    "marginal_values",
    "misfit",
    "plan",
    "preferred",
    "profile_interval",
    "proportional",
    "read_runs",
    "temperature",
    "uniform",
]
