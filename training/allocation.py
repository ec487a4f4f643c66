"""Spending a budget of sentence pairs: the names of `repalign.scaling`, where their mathematics is."""

from repalign.scaling import allocate, marginal_values, plan, proportional, temperature, uniform

__all__ = ["allocate", "marginal_values", "plan", "proportional", "temperature", "uniform"]
