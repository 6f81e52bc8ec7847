"""Framing for translation: to the square and back, the difference alone, what is refused."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image
from translation_sets import grey

from synthmed.errors import SynthmedError
from synthmed.imaging.frame import Frame
from synthmed.imaging.writing import write_png
from synthmed.synthesis.translate_images import finished, open_framed


@pytest.fixture
def film(tmp_path: Path) -> Path:
    write_png(tmp_path / "film.png", grey(1, 30, 20), bits=16)
    return tmp_path / "film.png"


def test_a_grey_image_fills_three_channels_of_a_padded_square(film: Path) -> None:
    framed = open_framed(film, 15, grey_only=True)
    assert framed.x.shape == (1, 30, 20)
    assert framed.square.shape == (3, 15, 15)
    assert np.array_equal(framed.square[0], framed.square[2])
    assert np.array_equal(framed.square[:1], Frame.for_image(framed.x, 15).apply(framed.x))
    assert framed.spec.bits == 16


def test_what_the_model_made_comes_back_in_the_sources_size(film: Path) -> None:
    framed = open_framed(film, 15, grey_only=False)
    made = finished(framed, framed.square, None)
    assert made.shape == (1, 30, 20)
    assert made.dtype == np.float32
    assert np.abs(made - framed.x).mean() < 0.1


def test_no_difference_gives_the_source_exactly(film: Path) -> None:
    framed = open_framed(film, 15, grey_only=False)
    assert np.array_equal(finished(framed, framed.square, framed.square), framed.x)


@pytest.mark.parametrize("shift", [0.3, -1.9])
def test_a_difference_is_added_where_it_is(film: Path, shift: float) -> None:
    """Up to twice the range of an image; the padding round the source has no part in it."""
    framed = open_framed(film, 15, grey_only=False)
    top, left, height, width = framed.frame.inner
    rebuilt = np.full((3, 15, 15), -shift / 2, np.float32)
    edited = rebuilt.copy()
    edited[:, top : top + height // 2, left : left + width] += shift
    made = finished(framed, edited, rebuilt)
    expected = np.clip(framed.x + shift, -1, 1)
    np.testing.assert_allclose(made[:, :10], expected[:, :10], atol=0.02 * abs(shift))
    np.testing.assert_allclose(made[:, 20:], framed.x[:, 20:], atol=0.02 * abs(shift))


def test_the_channels_of_grey_images_are_averaged(film: Path) -> None:
    framed = open_framed(film, 30, grey_only=False)
    edited = np.stack([np.full((30, 30), v, np.float32) for v in (0.0, 0.3, 0.6)])
    np.testing.assert_allclose(finished(framed, edited, None), 0.3, atol=1e-6)


def test_colour_is_refused_where_only_grey_is_known(tmp_path: Path) -> None:
    write_png(tmp_path / "skin.png", np.stack([grey(n)[0] for n in range(3)]))
    with pytest.raises(SynthmedError, match="a colour image, and the model knows grey images only"):
        open_framed(tmp_path / "skin.png", 16, grey_only=True)
    framed = open_framed(tmp_path / "skin.png", 16, grey_only=False)
    assert finished(framed, framed.square, None).shape == (3, 24, 20)


def test_equal_channels_are_grey(tmp_path: Path) -> None:
    write_png(tmp_path / "film.png", np.repeat(grey(1), 3, axis=0))
    framed = open_framed(tmp_path / "film.png", 16, grey_only=True)
    assert framed.x.shape == (1, 24, 20)
    assert framed.spec.channels == 1


def test_files_of_several_images_are_refused(tmp_path: Path) -> None:
    pages = [Image.fromarray(np.full((8, 8), level, np.uint8)) for level in (10, 200)]
    pages[0].save(tmp_path / "pages.tiff", save_all=True, append_images=pages[1:])
    volume = nibabel.Nifti1Image(np.zeros((4, 5, 6), np.int16), np.eye(4))
    nibabel.save(volume, tmp_path / "volume.nii.gz")
    for name, count in (("pages.tiff", 2), ("volume.nii.gz", 6)):
        with pytest.raises(SynthmedError, match=f"the file holds {count} images"):
            open_framed(tmp_path / name, 16, grey_only=False)
