"""Frame: invertible, the same for image, mask and boxes, recorded."""

from __future__ import annotations

import json

import numpy as np
import pytest

from synthmed.errors import SynthmedError
from synthmed.imaging import Frame
from synthmed.imaging.writing import to_uint16


def test_same_size_square_is_the_identity_bit_for_bit() -> None:
    x = np.random.default_rng(0).uniform(-1, 1, (3, 16, 16)).astype(np.float32)
    frame = Frame(16, 16, 16)
    np.testing.assert_array_equal(frame.apply(x), x)
    np.testing.assert_array_equal(frame.undo(x), x)


def test_padding_without_resizing_is_undone_bit_for_bit() -> None:
    x = np.random.default_rng(0).uniform(-1, 1, (1, 16, 9)).astype(np.float32)
    frame = Frame(16, 16, 9)
    square = frame.apply(x)
    assert square.shape == (1, 16, 16)
    assert frame.inner == (0, 3, 16, 9)
    assert (square[:, :, :3] == -1).all()
    assert (square[:, :, 12:] == -1).all()
    np.testing.assert_array_equal(frame.undo(square), x)


def test_shrinking_by_a_whole_factor_is_the_area_average() -> None:
    x = np.random.default_rng(0).uniform(-1, 1, (2, 32, 16)).astype(np.float32)
    expected = x.reshape(2, 8, 4, 4, 4).mean(axis=(2, 4))
    square = Frame(8, 32, 16).apply(x)
    np.testing.assert_allclose(square[:, :, 2:6], expected, atol=1e-6)


def test_antialias_removes_what_the_small_grid_cannot_hold() -> None:
    x = np.where(np.indices((64, 64)).sum(0) % 2, 1.0, -1.0)[None]  # a chessboard of pixels
    assert abs(Frame(24, 64, 64).apply(x)).max() < 0.3


@pytest.mark.parametrize("shape", [(40, 60), (61, 37), (20, 23)])
def test_smooth_images_come_back(shape: tuple[int, int]) -> None:
    y, x = np.mgrid[: shape[0], : shape[1]]
    image = (0.8 * np.sin(y / 9) * np.cos(x / 11))[None].astype(np.float32)
    frame = Frame.for_image(image, 32)
    back = frame.undo(frame.apply(image))
    assert back.shape == image.shape
    assert abs(back - image).mean() < 0.02


def test_window_is_stretched_clipped_and_undone() -> None:
    x = np.linspace(-1, 1, 64, dtype=np.float32).reshape(1, 8, 8)
    frame = Frame(8, 8, 8, window=(-0.5, 0.25))
    framed = frame.apply(x)
    inside = (x >= -0.5) & (x <= 0.25)
    np.testing.assert_allclose(framed[inside], (x[inside] + 0.5) / 0.375 - 1, atol=1e-6)
    assert (framed[x < -0.5] == -1).all()
    assert (framed[x > 0.25] == 1).all()
    np.testing.assert_allclose(frame.undo(framed), np.clip(x, -0.5, 0.25), atol=1e-6)


def test_values_stay_in_range_when_enlarged() -> None:
    x = np.where(np.indices((5, 5)).sum(0) % 2, 1.0, -1.0)[None]
    assert abs(Frame(32, 5, 5).apply(x)).max() <= 1


def test_image_mask_and_boxes_move_alike() -> None:
    mask = np.zeros((60, 40), dtype=np.uint16)
    mask[12:30, 8:20] = 700
    frame = Frame(30, 60, 40)
    framed = frame.apply_mask(mask)
    assert framed.dtype == np.uint16
    assert set(np.unique(framed)) == {0, 700}
    x, y, w, h = frame.apply_boxes([[8, 12, 12, 18]])[0]
    rows, columns = np.nonzero(framed)
    assert (columns.min(), rows.min()) == (x, y)
    assert (np.ptp(columns) + 1, np.ptp(rows) + 1) == (w, h)
    image = frame.apply(np.where(mask, 1.0, -1.0)[None])
    np.testing.assert_array_equal(image[0] > 0, framed > 0)
    np.testing.assert_array_equal(frame.undo_mask(framed), mask)


def test_masks_never_get_new_labels_and_stacks_work() -> None:
    labels = np.random.default_rng(0).choice([0, 3, 9], (2, 50, 31))
    framed = Frame(16, 50, 31).apply_mask(labels)
    assert framed.shape == (2, 16, 16)
    assert set(np.unique(framed)) <= {0, 3, 9}


def test_sixteen_bit_labels_and_images_pass_through_a_frame() -> None:
    labels = np.random.default_rng(0).integers(0, 65536, (11, 7)).astype(np.uint16)
    frame = Frame.for_image(labels[None], 11)
    framed = frame.apply_mask(labels)
    assert framed.dtype == np.uint16
    np.testing.assert_array_equal(frame.undo_mask(framed), labels)
    small = Frame.for_image(labels[None], 5).apply_mask(labels)
    assert set(np.unique(small)) <= {0, *labels.ravel()}
    x = (labels[None] / 32767.5 - 1).astype(np.float32)
    np.testing.assert_array_equal(to_uint16(frame.undo(frame.apply(x)))[0], labels)


def test_boxes_come_back_exactly() -> None:
    boxes = [[0.0, 0.0, 123.0, 77.0], [5.5, 7.25, 30.1, 0.0]]
    frame = Frame(64, 77, 123)
    np.testing.assert_allclose(frame.undo_boxes(frame.apply_boxes(boxes)), boxes, atol=1e-9)
    assert frame.apply_boxes([]) == []


def test_a_line_of_pixels_keeps_one_pixel() -> None:
    frame = Frame(8, 1, 1000)
    assert frame.apply(np.zeros((1, 1, 1000))).shape == (1, 8, 8)
    assert frame.inner[2] == 1


@pytest.mark.parametrize("window", [None, (-0.5, 0.5)])
def test_a_frame_survives_json(window: tuple[float, float] | None) -> None:
    frame = Frame(64, 100, 80, window)
    assert Frame.from_dict(json.loads(json.dumps(frame.to_dict()))) == frame


def test_nonsense_is_refused() -> None:
    for arguments in [(0, 4, 4), (4, 4, 4, (1.0, -1.0)), (4, 4, 4, None, "magic")]:
        with pytest.raises(SynthmedError):
            Frame(*arguments)  # type: ignore[arg-type]
    with pytest.raises(SynthmedError, match="this frame is for 4 x 5"):
        Frame(4, 4, 5).apply(np.zeros((1, 5, 4)))
