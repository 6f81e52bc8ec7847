"""Exports of dataset folders to the formats that hospitals and machine learning expect."""

from synthmed.datasets.exporters.export import ExportResult, export
from synthmed.datasets.exporters.registry import FORMATS

__all__ = ["FORMATS", "ExportResult", "export"]
