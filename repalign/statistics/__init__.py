"""Intervals, significance and multiple comparisons."""
