"""Measures: arrays in, results out. Knows no data set and no generator."""
