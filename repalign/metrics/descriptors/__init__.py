"""Measures of one language, or of all languages together."""
