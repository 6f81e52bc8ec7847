"""Dataset folders: read, write, captions, splits, and a torch Dataset."""

from synthmed.datasets.folder import DatasetFolder, read_dataset
from synthmed.datasets.row_reading import Rejected
from synthmed.datasets.rows import SPLITS, Row

__all__ = ["SPLITS", "DatasetFolder", "Rejected", "Row", "read_dataset"]
