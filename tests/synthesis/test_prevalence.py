"""Prevalence: differences beyond chance are named, those that chance explains are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from synthmed.datasets.rows import Row
from synthmed.datasets.splits import group_hashes
from synthmed.synthesis.prevalence import prevalence_differences, prevalence_warnings
from synthmed.training.domains import domain_facts


def card(one: float, other: float, groups: int = 100, images: int = 300) -> dict[str, Any]:
    entry = {"images": images, "groups": groups}
    return {
        "domains": {
            "a": {**entry, "labels": {"pneumonia": one, "no finding": 0.4}},
            "b": {**entry, "labels": {"pneumonia": other, "no finding": 0.4}},
        }
    }


def rows(domain: str, positive: int, negative: int) -> list[Row]:
    labels = [("pneumonia",)] * positive + [("no finding",)] * negative
    return [
        Row(Path(f"{domain}{i}.png"), f"{domain}{i}.png", "val", f"{domain}:{i}", labels=label)
        for i, label in enumerate(labels)
    ]


def test_a_difference_beyond_chance_is_named_with_numbers() -> None:
    told = prevalence_warnings(card(0.1, 0.5), "a", "b")
    assert len(told) == 1
    assert "pneumonia 10% against 50%" in told[0]
    assert "n 100 and 100" in told[0]
    assert "Cohen" in told[0]
    assert "no finding" not in told[0]


def test_equal_prevalence_is_no_warning() -> None:
    assert prevalence_warnings(card(0.3, 0.3), "a", "b") == []
    assert prevalence_warnings(card(0.30, 0.38), "a", "b") == []  # below ten points


@pytest.mark.parametrize(("groups", "named"), [(200, True), (10, False)])
def test_patients_count_not_images(groups: int, named: bool) -> None:
    found = prevalence_differences(card(0.2, 0.4, groups, images=2000), "a", "b")
    assert found[0].label == "pneumonia"
    assert found[0].named is named
    assert found[0].n_source == groups


def test_the_interval_is_newcombes() -> None:
    """Newcombe 1998, table II, method 10: 56/70 - 48/80 has the interval 0.0524 to 0.3339."""
    found = prevalence_differences(
        {
            "domains": {
                "a": {"images": 80, "groups": 80, "labels": {"x": 48 / 80}},
                "b": {"images": 70, "groups": 70, "labels": {"x": 56 / 70}},
            }
        },
        "a",
        "b",
    )[0]
    assert (found.low, found.high) == (
        pytest.approx(0.0524, abs=5e-5),
        pytest.approx(0.3339, abs=5e-5),
    )


def test_a_simulator_of_few_volumes_counts_by_its_images() -> None:
    one = card(0.0, 0.5)
    one["domains"]["a"] |= {"groups": 1, "shared_groups": 1}
    found = prevalence_differences(one, "a", "b")[0]
    assert (found.n_source, found.named) == (300, True)
    assert (found.counted_source, found.counted_target) == ("images of shared groups", "patients")
    told = prevalence_warnings(one, "a", "b")[0]
    assert "n 300 images of shared groups and 100 patients" in told


def test_few_patients_are_no_simulator() -> None:
    one = card(0.0, 0.5)
    one["domains"]["a"]["groups"] = 7
    found = prevalence_differences(one, "a", "b")[0]
    assert (found.n_source, found.counted_source) == (7, "patients")
    every = [
        Row(Path("x"), f"{domain}{p}{i}", "val", f"{domain}:{p}", domain=domain, labels=(label,))
        for domain, sick in (("a", 2), ("b", 4))
        for p in range(7)
        for i in range(100)
        for label in ["sick" if p < sick else "well"]
    ]
    found = prevalence_differences({}, "a", "b", every)[0]
    assert (found.n_source, found.n_target, found.named) == (7, 7, False)


@pytest.mark.parametrize("hashed", [False, True])
def test_rows_of_shared_groups_count_by_image(hashed: bool) -> None:
    every = rows("a", 10, 20) + rows("b", 15, 15)
    for row in every:
        row.domain = row.group_id[0]
        row.group_id = "ct:1" if row.domain == "a" else row.group_id
    shared = {"shared_groups": group_hashes(every[:1]) if hashed else ["ct:1"]}
    found = prevalence_differences(shared, "a", "b", every)[0]
    assert (found.n_source, found.counted_source) == (30, "images of shared groups")
    assert (found.n_target, found.counted_target) == (30, "patients")
    assert prevalence_differences({}, "a", "b", every)[0].n_source == 1


def test_blank_is_unknown_on_the_card_as_among_rows() -> None:
    """Half of one domain's rows, a twentieth of the other's, state a label: the others nothing."""
    every = rows("a", 30, 20) + rows("b", 3, 2)
    for row in every:
        row.domain = row.group_id[0]
    every += [Row(Path("x"), f"a{i}", "val", f"a:x{i}", domain="a") for i in range(50)]
    every += [Row(Path("x"), f"b{i}", "val", f"b:x{i}", domain="b") for i in range(95)]
    of_card = prevalence_differences({"domains": domain_facts(every)}, "a", "b")
    of_rows = prevalence_differences({}, "a", "b", every)
    assert of_card == of_rows
    found = next(each for each in of_rows if each.label == "pneumonia")
    assert (found.source, found.target) == (0.6, 0.6)
    assert (found.n_source, found.n_target) == (50, 5)


def test_a_labelled_domain_without_a_finding_has_the_share_0() -> None:
    one = card(0.5, 0.5)
    one["domains"]["b"] = {"images": 90, "labelled": 80, "labelled_groups": 80, "labels": {}}
    found = prevalence_differences(one, "a", "b")[0]
    assert (found.label, found.target, found.n_target, found.named) == ("pneumonia", 0, 80, True)
    one["domains"]["b"]["labelled"] = one["domains"]["b"]["labelled_groups"] = 0
    assert "the labels of b are not known" in prevalence_warnings(one, "a", "b")[0]


def test_rows_speak_where_the_card_is_silent() -> None:
    every = rows("a", 5, 45) + rows("b", 30, 20)
    for row in every:
        row.domain = row.group_id[0]
    assert "pneumonia 10% against 60%" in prevalence_warnings({}, "a", "b", every)[0]
    for row in every[:50]:
        row.domain = ""  # the images that are about to be translated
    assert "pneumonia 10% against 60%" in prevalence_warnings({}, "a", "b", every)[0]


def test_unlabelled_rows_are_unknown_not_healthy() -> None:
    every = rows("a", 20, 20) + rows("b", 20, 20)
    for row in every:
        row.domain = row.group_id[0]
    bare = [Row(Path("x"), f"x{i}", "val", f"x{i}", domain="b") for i in range(100)]
    assert prevalence_warnings({}, "a", "b", every + bare) == []


def test_labels_of_one_domain_alone_are_a_warning_of_their_own() -> None:
    one = card(0.3, 0.3)
    one["domains"]["a"]["labels"] = {}
    told = prevalence_warnings(one, "a", "b")
    assert len(told) == 1
    assert "the labels of a are not known" in told[0]
    assert prevalence_warnings({}, "a", "b") == []
    assert prevalence_differences({}, "a", "b") == []
    assert prevalence_warnings({"domains": {"a": 3, "b": None}}, "a", "b") == []


def test_many_labels_are_cut_short() -> None:
    made = card(0.1, 0.5)
    for i in range(8):
        made["domains"]["b"]["labels"][f"label {i}"] = 0.6
    assert "and 4 more labels" in prevalence_warnings(made, "a", "b")[0]
