"""Halves of the real set, and cuts, by whole groups."""

import numpy as np

from synthmed.evaluation.fidelity_parts.halves import cut, halves


def uneven():
    """60 patients of 1 to 5 images, of two types."""
    sizes = np.arange(60) % 5 + 1
    groups = np.repeat([f"p{i:02d}" for i in range(60)], sizes)
    kinds = np.repeat(np.where(np.arange(60) % 3, "x-ray", "ultrasound"), sizes)
    return groups, kinds


def test_no_patient_is_in_both_halves_and_both_are_of_one_size():
    groups, kinds = uneven()
    for seed in range(5):
        a, b = halves(groups, kinds, 1000, seed)
        assert len(a) == len(b) >= 0.95 * len(groups) / 2
        assert not set(groups[a]) & set(groups[b])


def test_types_are_dealt_evenly():
    groups, kinds = uneven()
    a, b = halves(groups, kinds, 1000, 0)
    counts = [(kinds[half] == "x-ray").sum() for half in (a, b)]
    assert abs(counts[0] - counts[1]) <= 5


def test_halves_are_cut_and_seeded():
    groups, kinds = uneven()
    a, b = halves(groups, kinds, 30, 0)
    assert (len(a), len(b)) == (30, 30)
    again = halves(groups, kinds, 30, 0)
    np.testing.assert_array_equal(a, again[0])
    assert set(a) != set(halves(groups, kinds, 30, 1)[0])


def test_one_patient_has_no_halves():
    a, b = halves(np.asarray(["p"] * 9), np.asarray(["x-ray"] * 9), 100, 0)
    assert (len(a), len(b)) == (0, 0)


def test_a_cut_keeps_groups_whole_but_one():
    groups, _ = uneven()
    rows = cut(groups, 50, 0)
    assert len(rows) == 50
    names, kept = np.unique(groups[rows], return_counts=True)
    every = {name: (groups == name).sum() for name in names}
    assert sum(n < every[name] for name, n in zip(names, kept, strict=True)) <= 1
    np.testing.assert_array_equal(cut(groups, 1000, 0), np.arange(len(groups)))
    assert len(cut(groups, 0, 0)) == 0
