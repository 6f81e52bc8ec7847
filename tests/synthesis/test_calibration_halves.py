"""Translations are held against the target by the same halvings as the target against itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from synthmed.measures.fidelity import kid
from synthmed.synthesis.calibration_halves import halves, target_distances
from synthmed.synthesis.calibration_measures import matched_point, real_real

WIDTH = 32


def sample(
    rng: np.random.Generator,
    images: int,
    *,
    people: Any = None,
    shift: float = 0.0,
    name: str = "p",
    count: int = 60,
) -> tuple[Any, list[str], Any]:
    """Features of some patients, so many images each, their names, and what is theirs alone."""
    people = rng.normal(size=(count // images, WIDTH)) if people is None else people
    noise = rng.normal(size=(len(people) * images, WIDTH))
    features = np.repeat(people, images, axis=0) * 0.9 + noise * np.sqrt(0.19) + shift
    return features, [f"{name}{i // images}" for i in range(len(features))], people


def matches(seed: int, images: int, shift: float, same: bool, count: int = 60) -> bool:
    rng = np.random.default_rng(seed)
    target, own, people = sample(rng, images, count=count)
    others = people if same else None
    name = "p" if same else "q"
    made, units, _ = sample(rng, images, people=others, shift=shift, name=name, count=count)
    limit = real_real(target, units, own, 0)["high"]
    return matched_point(made, target, units, own, 0)["value"] <= limit


@pytest.mark.parametrize("same", [False, True], ids=["other patients", "the same patients"])
@pytest.mark.parametrize("images", [1, 4])
def test_equal_sets_match_and_shifted_ones_do_not(images: int, same: bool) -> None:
    """With whole sets, shifted ones matched at four images a patient, or with the same patients."""
    assert sum(matches(seed, images, 0.0, same) for seed in range(4)) >= 3
    assert sum(matches(seed, images, 0.5, same) for seed in range(4)) == 0


def test_with_few_patients_of_many_images_whole_sets_called_shifted_ones_equal() -> None:
    """The proof of the fault: the whole set's KID lies below the halves' limit, the new one not."""
    rng = np.random.default_rng(0)
    target, own, people = sample(rng, 4)
    made, units, _ = sample(rng, 4, people=people, shift=0.4)
    limit = real_real(target, units, own, 0)["high"]
    assert kid(target, made) < limit < matched_point(made, target, units, own, 0)["value"]


def test_halves_part_patients_of_both_domains_never_images() -> None:
    source = [f"p{i // 3}" for i in range(30)]
    target = [f"p{i // 2}" for i in range(8, 40)]
    for one, other in halves(source, target, 0, 20):
        for names, mask in ((source, one), (target, other)):
            inside = {name for name, first in zip(names, mask, strict=True) if first}
            outside = {name for name, first in zip(names, mask, strict=True) if not first}
            assert not inside & outside
            assert abs(len(inside) - len(outside)) <= 2
        first = {name for name, mask in zip(source, one, strict=True) if mask}
        second = {name for name, mask in zip(target, other, strict=True) if not mask}
        assert not first & second


def test_no_half_is_empty_though_one_patient_has_most_images() -> None:
    target = [f"p{i}" for i in range(8)] + ["p0"] * 200
    for source in ([f"p{i}" for i in range(8)], [f"q{i}" for i in range(8)]):
        for masks in halves(source, target, 0, 50):
            for mask in masks:
                assert min(mask.sum(), (~mask).sum()) >= 3


def test_both_halves_are_as_often_the_larger() -> None:
    target = ["big"] * 30 + [f"p{i}" for i in range(9)]
    first = [mask[0] for _, mask in halves(["q1", "q2"], target, 0, 200)]
    assert 70 < sum(first) < 130


def test_two_real_halves_differ_as_much_as_two_sets_of_one_kind_do() -> None:
    rng = np.random.default_rng(0)
    target, units = rng.normal(0, 1, (60, 8)), [f"p{i // 2}" for i in range(60)]
    interval = real_real(target, ["q"] * 3, units, seed=0)
    assert interval["low"] < 0 < interval["high"]
    assert real_real(target, ["q"] * 3, units, seed=0) == interval
    people = np.repeat(rng.normal(0, 1, (12, 4)), 5, axis=0) + rng.normal(0, 0.05, (60, 4))
    by_patient = real_real(people, ["q"], [f"p{i // 5}" for i in range(60)], seed=0)
    by_image = real_real(people, ["q"], [f"p{i}" for i in range(60)], seed=0)
    assert by_patient["high"] > 2 * by_image["high"]


def test_the_distances_are_those_of_the_halves() -> None:
    rng = np.random.default_rng(3)
    target, units = rng.normal(size=(20, 4)), [f"p{i}" for i in range(20)]
    masks = [mask for _, mask in halves(["q"], units, 5)]
    expected = [kid(target[mask], target[~mask]) for mask in masks]
    assert target_distances(target, ["q"], units, 5).tolist() == expected
