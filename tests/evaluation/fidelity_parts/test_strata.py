"""What is compared, and what is listed as too few."""

import numpy as np

from synthmed.evaluation.fidelity_parts.strata import strata


def sides(make_side, real, synthetic):
    """Sides of 1-pixel images; each is a list of (type, labels, number, patients)."""
    made = []
    for name, parts in (("real", real), ("synthetic", synthetic)):
        kinds = [kind for kind, _, n, _ in parts for _ in range(n)]
        labels = [own for _, own, n, _ in parts for _ in range(n)]
        groups = [f"{name}{k}{i % p}" for k, (_, _, n, p) in enumerate(parts) for i in range(n)]
        images = np.zeros((len(kinds), 1, 1, 1))
        made.append(make_side(name, images, groups=groups, kinds=kinds, labels=labels))
    return made


def test_types_and_labels_with_enough_images(make_side):
    found = strata(
        *sides(
            make_side,
            [("x-ray", ["effusion"], 60, 60), ("x-ray", ["normal"], 30, 30), ("us", [], 19, 19)],
            [
                ("x-ray", ["Effusion "], 50, 50),
                ("x-ray", ["no finding"], 80, 80),
                ("us", [], 90, 90),
            ],
        )
    )
    by_title = {part.title: part for part in found}
    assert [part.title for part in found if not part.reason] == [
        "all images",
        "x-ray",
        "x-ray: effusion",
    ]
    assert "19 real and 90 synthetic images" in by_title["us"].reason
    few = by_title["x-ray: no finding"]  # "normal" is the same
    assert "30 real and 80 synthetic images; 50" in few.reason
    assert (len(by_title["x-ray: effusion"].real), found[0].level) == (60, "total")


def test_a_type_that_one_side_lacks_is_listed(make_side):
    found = strata(
        *sides(make_side, [("x-ray", [], 30, 30), ("us", [], 30, 30)], [("x-ray", [], 30, 30)])
    )
    assert [part.reason for part in found if part.title == "us"] == [
        "30 real and 0 synthetic images; 20 on each side are needed"
    ]


def test_few_patients_have_no_interval(make_side):
    found = strata(*sides(make_side, [("x-ray", [], 30, 3)], [("x-ray", [], 30, 30)]))
    assert [part.title for part in found] == ["all images"]  # one type is no type of its own
    assert "3 groups of real" in found[0].reason
