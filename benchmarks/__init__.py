"""Benchmarks: what synthmed claims, measured beside a baseline; see docs/benchmarks.md."""
