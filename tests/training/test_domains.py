from __future__ import annotations

import dataclasses
import warnings
from collections import Counter
from pathlib import Path

import pytest
import torch

from synthmed.datasets.captions import caption
from synthmed.datasets.rows import Row
from synthmed.errors import SynthmedError
from synthmed.training.batches import BalancedBatches
from synthmed.training.domains import (
    balance_keys,
    check_domains,
    domain_facts,
    pairing_keys,
    without_domain,
)
from synthmed.training.pairing import key_numbers, paired_noise
from synthmed.training.settings import ConditionSettings, FlowSettings, Recipe

SIZES = {"a": 90, "b": 10}


def recipe_of(kind: str = "domain", normalisation: str = "none") -> Recipe:
    flow = FlowSettings(latent_normalisation=normalisation)
    return Recipe(condition=ConditionSettings(kind=kind), flow=flow)


def rows_of(*domains: str, split: str = "train") -> list[Row]:
    """One row for each name."""
    return [
        Row(
            Path(f"{n}.png"), f"{n}.png", split, f"p{n // 2}", domain=name, image_type="chest X-ray"
        )
        for n, name in enumerate(domains)
    ]


def both(*domains: str) -> list[Row]:
    """The same names in train and in val."""
    return rows_of(*domains) + rows_of(*domains, split="val")


def test_the_domains_of_the_training_rows_are_given() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = both("b", "a", "b") + rows_of("", "c", split="test")  # test rows play no part
        assert check_domains(recipe_of(), rows) == ["a", "b"]


def test_rows_without_a_domain_are_counted_and_the_mend_is_told() -> None:
    with pytest.raises(SynthmedError) as caught:
        check_domains(recipe_of(), both("a", "", "b", ""))
    text = str(caught.value)
    assert text.startswith("4 of 8 training and validation rows have no domain [1.png]")
    assert "columns: {domain: {const: NAME}}" in text
    assert "synthmed import --from domains" in text


def test_one_domain_is_none() -> None:
    with pytest.raises(SynthmedError, match=r"of one domain, 'a'\. Translation needs two"):
        check_domains(recipe_of(), both("a", "a"))


def test_a_domain_of_validation_rows_alone_is_refused() -> None:
    rows = rows_of("a", "b") + rows_of("a", "z", split="val")
    with pytest.raises(SynthmedError, match=r"'z' has validation rows and no training rows"):
        check_domains(recipe_of(), rows)


def test_a_domain_without_validation_rows_is_a_warning() -> None:
    rows = rows_of("a", "b") + rows_of("a", split="val")
    with pytest.warns(UserWarning, match="'b' has no validation image"):
        check_domains(recipe_of(), rows)


def test_normalisation_needs_eight_images_of_each_domain() -> None:
    rows = both(*"aaaaaaaaa", *"bbbbbbb")
    with pytest.raises(SynthmedError, match=r"'b' has 7 training images.*need 8.*to none"):
        check_domains(recipe_of(normalisation="domain"), rows)
    assert check_domains(recipe_of(), rows) == ["a", "b"]
    assert check_domains(recipe_of(normalisation="domain"), both(*"aaaaaaaa", *"bbbbbbbb"))


@pytest.mark.parametrize(("balance", "share"), [(0.0, 0.5), (0.5, 0.25), (1.0, 0.1)])
def test_batches_are_balanced_by_domain(balance: float, share: float) -> None:
    rows = rows_of(*(name for name, size in SIZES.items() for _ in range(size)))
    keys = balance_keys(recipe_of("text+domain"), rows)
    batches = BalancedBatches(keys, 500, balance, 0)
    drawn = Counter(keys[i] for step in range(40) for i in batches.draw(step)[0])
    assert drawn["b"] / drawn.total() == pytest.approx(share, abs=0.015)  # sd .0035
    assert set(balance_keys(recipe_of("text"), rows)) == {"chest X-ray"}


def test_noise_is_exchanged_inside_domain_or_label_or_type() -> None:
    rows = rows_of("a", "b")
    rows[0].labels = ("opacity", "effusion")
    wanted = {
        "domain": ["a", "b"],
        "text+domain": ["a", "b"],
        "label": ["opacity, effusion", "chest X-ray"],
        "text": ["chest X-ray"] * 2,
    }
    for kind, keys in wanted.items():
        assert pairing_keys(recipe_of(kind), rows) == keys


def test_with_label_and_domain_noise_is_exchanged_inside_both() -> None:
    rows = rows_of("a", "b", "a", "b", "a")
    rows[0].labels = rows[1].labels = rows[4].labels = ("opacity",)
    keys = pairing_keys(recipe_of("label+domain"), rows)
    assert keys[0] == keys[4]  # the same domain and the same label
    assert len(set(keys)) == 4  # a and b, with and without it


def test_given_domain_and_label_the_paired_noise_stays_standard_normal() -> None:
    rows = rows_of(*"a" * 16)
    for row in rows[::2]:
        row.labels = ("sick",)
    sick = torch.tensor([bool(row.labels) for row in rows])

    def mean_noise(kind: str) -> float:
        keys = key_numbers(pairing_keys(recipe_of(kind), rows))
        draw = torch.Generator().manual_seed(0)
        found = []
        for _ in range(100):
            x, noise = (torch.randn(16, 4, 4, 4, generator=draw) for _ in range(2))
            x = x + sick[:, None, None, None]
            found.append(paired_noise(x, noise, keys)[sick])
        return float(torch.cat(found).mean())

    assert abs(mean_noise("label+domain")) < 0.015  # sd 1 / sqrt(51 200) = .0044
    assert mean_noise("domain") > 0.05  # the control: inside the domain alone labels skew it


def test_captions_do_not_say_the_domain() -> None:
    row = Row(Path("x"), "x", "train", "p", domain="FLAIR", image_type="brain MRI", view="axial")
    row.extra = {"sequence": "flair", "scanner": "S1", "n": 3}
    row.labels = ("lesion",)
    assert "FLAIR" in caption(row)
    said = without_domain(row)
    assert "FLAIR" not in caption(said)
    assert "lesion" in caption(said)
    assert said.extra == {"scanner": "S1", "n": 3}
    assert row.extra["sequence"] == "flair"  # the row itself is left alone
    lateral = dataclasses.replace(row, domain="lateral", view="Lateral", image_type="chest X-ray")
    assert without_domain(lateral).view == ""
    assert without_domain(dataclasses.replace(lateral, view="PA")).view == "PA"


def test_the_card_counts_images_patients_and_labels_by_domain() -> None:
    rows = rows_of("b", "b", "b", "b", "a")
    rows[0].labels = ("opacity", "opacity", "effusion")
    rows[1].labels = ("opacity",)
    rows[2].labels = rows[3].labels = ("no finding",)
    half = {"effusion": 0.25, "no finding": 0.5, "opacity": 0.5}
    assert domain_facts(rows) == {
        "a": {
            "images": 1,
            "groups": 1,
            "labelled": 0,
            "labelled_groups": 0,
            "shared_groups": 0,
            "labels": {},
        },
        "b": {
            "images": 4,
            "groups": 2,
            "labelled": 4,
            "labelled_groups": 2,
            "shared_groups": 0,
            "labels": half,
        },
    }


def test_images_without_labels_do_not_count_as_free_of_findings() -> None:
    rows = rows_of(*"b" * 10)
    rows[0].labels = ("opacity",)
    rows[1].labels = ("no finding",)
    assert domain_facts(rows)["b"] == {
        "images": 10,
        "groups": 5,
        "labelled": 2,
        "labelled_groups": 1,
        "shared_groups": 0,
        "labels": {"no finding": 0.5, "opacity": 0.5},
    }


def test_a_domain_of_too_few_validation_patients_is_named_early() -> None:
    """`synthmed calibrate` needs eight; renders of one CT, shared by the splits, are let pass."""
    counts = {"a": 9, "b": 3, "ct": 3}
    rows = [
        Row(Path("x.png"), "x.png", split, "ct:1" if name == "ct" else f"{name}:{n}", domain=name)
        for name, held_out in counts.items()
        for n, split in enumerate(["train"] * 8 + ["val"] * held_out)
    ]
    with pytest.warns(UserWarning, match=r"'b' has 3 validation patients.* needs 8") as caught:
        check_domains(recipe_of(), rows)
    assert len(caught) == 1
