"""Structure is measured where the image is: padding counts neither as kept nor as lost."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from synthmed.imaging.frame import Frame
from synthmed.measures.structure import ssim
from synthmed.synthesis.calibration_measures import structure_point
from synthmed.synthesis.calibration_structure import inside_frames, too_thin


def test_padding_does_not_count() -> None:
    """Images half as wide as high: with the empty half of the square SSIM was far higher."""
    rng = np.random.default_rng(0)
    fields = gaussian_filter(rng.normal(size=(12, 1, 64, 32)), (0, 0, 3, 3)) * 8
    one = np.clip(fields, -1, 1).astype(np.float32)
    other = np.clip(one + rng.normal(0, 0.25, one.shape), -1, 1).astype(np.float32)
    frame = Frame.for_image(one[0], 64)
    framed = [np.stack([frame.apply(image) for image in images]) for images in (one, other)]
    boxes = np.asarray([frame.inner] * 12)
    point = structure_point(*framed, boxes, [str(i) for i in range(12)], 0)
    assert point["value"] == pytest.approx(ssim(one, other).mean(), abs=1e-6)
    assert ssim(*framed).mean() > point["value"] + 0.1


def test_images_of_several_shapes_keep_their_order() -> None:
    rng = np.random.default_rng(1)
    one, other = rng.uniform(-1, 1, (2, 4, 1, 32, 32))
    boxes = np.asarray([(0, 4, 32, 24), (4, 0, 24, 32), (0, 4, 32, 24), (0, 11, 32, 10)])
    found = inside_frames(ssim, one, other, boxes)
    assert found[0] == ssim(one[:1, :, :, 4:28], other[:1, :, :, 4:28])[0]
    assert found[1] == ssim(one[1:2, :, 4:28], other[1:2, :, 4:28])[0]
    assert found[2] == ssim(one[2:3, :, :, 4:28], other[2:3, :, :, 4:28])[0]
    assert np.isnan(found[3])
    assert (too_thin(32, 11), "32 x 10 pixels" in too_thin(32, 10)) == ("", True)
