"""The search for near-duplicates: right matches, bounded memory, hostile data."""

from __future__ import annotations

import tracemalloc

import numpy as np
import numpy.typing as npt
from made import picture

from synthmed.datasets.validation.fingerprints import BITS, WIDTH, fingerprint
from synthmed.datasets.validation.near_duplicates import best_matches

Vectors = npt.NDArray[np.float32]
Bits = npt.NDArray[np.uint8]


def made(count: int, seed: int = 0) -> tuple[Vectors, Bits]:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(count, WIDTH)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors, rng.integers(0, 256, (count, BITS // 8), np.uint8)


def test_each_image_finds_its_nearest_copy_across_blocks() -> None:
    vectors, bits = made(5000)
    copies = [(100, 4100), (2600, 4700), (3999, 4999)]
    for source, copy in copies:
        vectors[copy], bits[copy] = vectors[source], bits[source]
    worse = vectors[2600] + 0.01 * vectors[1]
    vectors[7], bits[7] = worse / np.linalg.norm(worse), bits[2600]
    found = list(best_matches(vectors, bits, range(4000), range(4000, 5000)))
    assert [(m.first, m.second) for m in found] == copies
    assert all(0.999 < m.correlation <= 1 for m in found)


def test_both_limits_have_to_be_met() -> None:
    vectors, bits = made(2)
    vectors[1] = vectors[0]
    assert list(best_matches(vectors, bits, [0], [1])) == []  # other bits
    bits[1] = bits[0]
    assert len(list(best_matches(vectors, bits, [0], [1]))) == 1
    vectors[1] = made(1, 5)[0][0]
    assert list(best_matches(vectors, bits, [0], [1])) == []
    assert list(best_matches(vectors, bits, [], [1])) == []
    assert list(best_matches(vectors, bits, [0], [])) == []


def test_images_that_are_all_the_same_give_one_match_each_in_bounded_memory() -> None:
    vectors, bits = (np.repeat(part, 6000, axis=0) for part in made(1))
    tracemalloc.start()
    found = list(best_matches(vectors, bits, range(5000), range(5000, 6000)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found) == 1000
    assert peak < 200e6


def test_images_without_structure_match_nothing() -> None:
    flat = fingerprint(np.full((1, 50, 40), 0.3, np.float32))
    assert not flat.vector.any()
    vectors, bits = np.stack([flat.vector] * 2), np.stack([flat.bits] * 2)
    assert list(best_matches(vectors, bits, [0], [1])) == []


def test_a_fingerprint_knows_neither_size_nor_brightness_nor_colour() -> None:
    grey = np.asarray(picture(3), np.float32)[None] / 127.5 - 1
    one = fingerprint(grey)
    assert one.vector.shape == (WIDTH,)
    assert abs(float(np.linalg.norm(one.vector)) - 1) < 1e-5
    large = np.asarray(picture(3).resize((192, 160)), np.float32)[None] / 127.5 - 1
    assert float(fingerprint(large).vector @ one.vector) > 0.99
    assert float(fingerprint(0.5 * grey - 0.3).vector @ one.vector) > 0.999
    assert np.array_equal(fingerprint(np.repeat(grey, 3, axis=0)).bits, one.bits)
    tiny = fingerprint(np.zeros((3, 1, 1), np.float32))
    assert tiny.thumbnail.shape == (32, 32)


def test_the_pixel_digest_knows_pixels_and_not_files() -> None:
    from synthmed.datasets.validation.looks import pixel_digest
    from synthmed.imaging.spec import spec_8bit

    grey = (np.arange(2 * 3, dtype=np.float32) / 127.5 - 1).reshape(1, 2, 3)
    one = pixel_digest(grey, spec_8bit(1, "PNG"))
    assert pixel_digest(np.repeat(grey, 3, axis=0), spec_8bit(3, "JPEG")) == one
    other = grey.copy()
    other[0, 1, 2] += 1 / 127.5
    assert pixel_digest(other, spec_8bit(1, "PNG")) != one
    assert pixel_digest(grey.reshape(1, 3, 2), spec_8bit(1, "PNG")) != one
    large = np.zeros((1, 1100, 1000), np.float32)
    changed = large.copy()
    changed[0, 1099, 999] = 1  # in the last block
    assert pixel_digest(large, spec_8bit(1, "PNG")) != pixel_digest(changed, spec_8bit(1, "PNG"))
