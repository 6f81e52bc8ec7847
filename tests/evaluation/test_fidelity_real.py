"""The lights on real images: other patients are never red, damage to them is."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from synthmed.datasets.folder import read_dataset
from synthmed.evaluation.fidelity import fidelity
from synthmed.evaluation.sides import Side
from synthmed.imaging.frame import Frame
from synthmed.imaging.reading import open_image

SIZE = 46  # below 48 pixels MS-SSIM, which takes most of the time, is not measured


@pytest.fixture(scope="module")
def lesions(shared_data):
    """Two parts of 150 dermatoscopic images or fewer, no lesion in both: rows and images."""
    columns = {"group_id": {"template": "ham:{lesion_id}"}, "image_type": {"const": "skin"}}
    rows = read_dataset(shared_data / "ham10000-small", columns=columns).rows
    groups = np.asarray([row.group_id for row in rows])
    order = np.random.default_rng(0).permutation(np.unique(groups))
    parts = []
    for names in np.array_split(order, 2):
        some = [row for row in rows if row.group_id in set(names)][:150]
        images = []
        for row in some:
            image, _ = open_image(row.file)
            images.append(Frame.for_image(image, SIZE).apply(image))
        parts.append((some, np.clip(np.stack(images), -1, 1)))
    return parts


def states(make_context, lesions, change):
    sides = []
    for (rows, images), name in zip(lesions, ("real", "synthetic"), strict=True):
        pixels = change(images) if name == "synthetic" else images
        digests = np.asarray([f"{name}{i}" for i in range(len(rows))])
        sides.append(Side(name, rows[0].file, tuple(rows), pixels, np.arange(len(rows)), digests))
    section = fidelity(make_context(*sides, extractor="statistics"))
    return {light.title.split()[0]: light.state for light in section.lights}


def test_other_patients_are_green_in_realism_and_texture(make_context, lesions):
    found = states(make_context, lesions, lambda images: images)
    assert (found["Realism"], found["Texture"]) == ("green", "green")
    assert "red" not in found.values()


def test_a_blur_of_one_pixel_is_red(make_context, lesions):
    found = states(make_context, lesions, lambda x: gaussian_filter(x, (0, 0, 1, 1)))
    assert (found["Realism"], found["Texture"]) == ("red", "red")


def test_noise_turns_texture_red(make_context, lesions):
    def noisy(images):
        grain = np.random.default_rng(0).normal(0, 0.1, images.shape)
        return np.clip(images + grain, -1, 1)

    assert states(make_context, lesions, noisy)["Texture"] == "red"
