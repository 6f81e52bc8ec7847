"""What an image is: specs, frames, windows, readers and writers."""

from synthmed.imaging.frame import Frame
from synthmed.imaging.reading import check_image, image_frames, open_image, open_mask, open_slice
from synthmed.imaging.spec import ImageSpec
from synthmed.imaging.windows import WINDOWS, window_for

__all__ = [
    "WINDOWS",
    "Frame",
    "ImageSpec",
    "check_image",
    "image_frames",
    "open_image",
    "open_mask",
    "open_slice",
    "window_for",
]
