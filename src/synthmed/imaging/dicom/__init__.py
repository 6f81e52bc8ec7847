"""Read DICOM images: headers, frames, values in their unit."""

from synthmed.imaging.dicom.header import read_header
from synthmed.imaging.dicom.opening import dicom_frames, open_dicom

__all__ = ["dicom_frames", "open_dicom", "read_header"]
