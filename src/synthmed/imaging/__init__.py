"""What an image is: specs, frames, readers and writers."""

from synthmed.imaging.frame import Frame
from synthmed.imaging.reading import check_image, open_image, open_mask
from synthmed.imaging.spec import ImageSpec

__all__ = ["Frame", "ImageSpec", "check_image", "open_image", "open_mask"]
