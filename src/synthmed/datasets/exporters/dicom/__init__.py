"""Export to DICOM: Secondary Capture, or a DX, CR, CT or MR object on request."""

from synthmed.datasets.exporters.dicom.writer import Options, write

__all__ = ["Options", "write"]
