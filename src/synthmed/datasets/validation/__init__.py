"""Whether a dataset folder can be trusted: leakage, damage, contradictions, identifiers."""

from synthmed.datasets.validation.checks import validate
from synthmed.datasets.validation.findings import KINDS, LEAKS, Finding, Report

__all__ = ["KINDS", "LEAKS", "Finding", "Report", "validate"]
