"""The registry of extractors."""

import subprocess
import sys

import numpy as np
import pytest

from synthmed.errors import SynthmedError
from synthmed.measures.features import ARGUMENTS, EXTRACTORS, load_extractor
from synthmed.measures.small_cnn import Classifier, SmallCNN

NAMES = [name for name in EXTRACTORS if name not in ("hf", "inception")]  # have tests of their own


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classifier")
    Classifier(SmallCNN([3]).eval(), {"type": ("a", "b", "c")}, ("0f",)).save(folder)
    return folder


def images(n=5, size=64, seed=0):
    smooth = np.random.default_rng(seed).uniform(-1, 1, (n, 3, 8, 8))
    return np.kron(smooth, np.ones((1, 1, size // 8, size // 8))).astype(np.float32)


def load(name, folder):
    return load_extractor(name, folder if name == "small-cnn" else None)


@pytest.mark.parametrize("name", NAMES)
def test_contract_of_every_extractor(name, folder):
    """(N, D) float64, finite, row by row, versioned id, repeatable after reopening."""
    extract = load(name, folder)
    x = images()
    features = extract(x)
    assert features.dtype == np.float64
    assert features.shape[0] == 5
    assert features.ndim == 2
    assert np.isfinite(features).all()
    np.testing.assert_allclose(extract(x[2:3]), features[2:3], atol=1e-5)
    assert np.linalg.norm(features[0] - features[1]) > 0.01
    assert extract.id.startswith(f"{name}/1")
    assert extract.preprocessing
    np.testing.assert_array_equal(load(name, folder)(x), features)


@pytest.mark.parametrize("name", NAMES)
def test_grey_images_equal_their_repeated_channels(name, folder):
    x = images()[:, :1]
    extract = load(name, folder)
    np.testing.assert_allclose(extract(x), extract(np.repeat(x, 3, axis=1)), atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_stored_values_are_refused(name, folder):
    extract = load(name, folder)
    with pytest.raises(SynthmedError, match="uint8"):
        extract(np.zeros((2, 3, 64, 64), np.uint8))
    with pytest.raises(SynthmedError, match="from -1 to 1"):
        extract(np.full((2, 3, 64, 64), 200.0))
    with pytest.raises(SynthmedError, match="shape"):
        extract(np.zeros((3, 64, 64)))


@pytest.mark.parametrize("name", ["inception-v3", "Pixels-16", "", "medical"])
def test_an_unknown_extractor_lists_the_known_ones(name):
    known = "medical-64, pixels-16, structure-16, statistics, small-cnn:FOLDER, hf:FOLDER_OR_HUB_ID"
    with pytest.raises(SynthmedError, match=f"Known: {known}, inception:FILE"):
        load_extractor(name)


@pytest.mark.parametrize("name", ARGUMENTS)
@pytest.mark.parametrize("colon", ["", ":"])
def test_what_needs_an_argument_says_which_and_how_to_get_it(name, colon):
    with pytest.raises(SynthmedError, match=f"needs {name}:{ARGUMENTS[name][0]}") as caught:
        load_extractor(name + colon)
    assert ARGUMENTS[name][1] in str(caught.value)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ARGUMENTS])
def test_what_needs_no_argument_takes_none(name):
    with pytest.raises(SynthmedError, match="takes nothing after its name"):
        load_extractor(f"{name}:somewhere")
    with pytest.raises(SynthmedError, match="takes nothing after its name"):
        load_extractor(name, "somewhere")


def test_the_folder_may_stand_in_the_name(folder):
    x = images()
    by_name = load_extractor(f"small-cnn:{folder}")
    assert by_name.id == load_extractor("small-cnn", folder).id
    np.testing.assert_array_equal(by_name(x), load_extractor("small-cnn", folder)(x))


def test_the_registry_is_light():
    code = (
        "import sys, synthmed.measures.features; print({'torch', 'transformers'} & {*sys.modules})"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def test_pixels_are_box_means_of_grey():
    x = images(size=64)
    expected = x.mean(axis=1).reshape(5, 16, 4, 16, 4).mean(axis=(2, 4)).reshape(5, 256)
    np.testing.assert_allclose(load_extractor("pixels-16")(x), expected, atol=1e-6)


@pytest.mark.parametrize("shape", [(50, 70), (16, 16), (12, 9), (100, 64)])
def test_sides_that_do_not_divide_keep_the_mean(shape):
    x = np.random.default_rng(0).uniform(-1, 1, (2, 3, *shape))
    np.testing.assert_allclose(
        load_extractor("pixels-16")(x).mean(axis=1), x.mean(axis=(1, 2, 3)), atol=1e-12
    )


def test_structure_ignores_brightness_and_contrast_and_even_images_give_zeros():
    extract = load_extractor("structure-16")
    x = images()
    np.testing.assert_allclose(extract(x * 0.5 + 0.2), extract(x), atol=1e-5)
    assert np.abs(extract(np.full((1, 3, 32, 32), 0.3))).max() < 1e-9


def test_statistics_see_blur_brightness_and_colour_but_not_place():
    extract = load_extractor("statistics")
    x = np.random.default_rng(0).uniform(-0.6, 0.6, (1, 3, 64, 64))
    blurred = np.kron(x.reshape(1, 3, 32, 2, 32, 2).mean(axis=(3, 5)), np.ones((1, 1, 2, 2)))
    base = extract(x)
    assert base.shape == (1, 49)
    place = np.linalg.norm(extract(np.roll(x, 20, axis=3)) - base)
    for changed in (blurred, x + 0.3, x * np.array([1, 0.2, 1]).reshape(1, 3, 1, 1)):
        assert np.linalg.norm(extract(changed) - base) > 2 * place
    with pytest.raises(SynthmedError, match="16 pixels"):
        extract(x[..., :8, :8])


@pytest.mark.parametrize("size", [16, 17, 18, 33])
def test_statistics_are_finite_at_small_sizes(size: int) -> None:
    images = np.random.default_rng(0).uniform(-1, 1, (2, 1, size, size))
    assert np.isfinite(load_extractor("statistics")(images)).all()
