"""Balance is exact: every concept the same number of images, from combinations that exist."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from synthmed.datasets.balanced_prompts import balanced, shares, write_prompts
from synthmed.datasets.combinations import allowed, choices_of
from synthmed.datasets.concept_files import read_choices
from synthmed.datasets.folder import read_dataset
from synthmed.datasets.rows import Row
from synthmed.errors import SynthmedError


def row(*labels: str, view: str = "PA", kind: str = "chest X-ray", **facts: object) -> Row:
    made = Row(Path(), "", "train", "g", labels=labels, view=view, image_type=kind)
    for name, value in facts.items():
        setattr(made, name, value)
    return made


# 90 normal rows, few of the others: what a real set looks like.
ROWS = [
    *[row("No Finding") for _ in range(90)],
    *[row("No Finding", view="AP") for _ in range(30)],
    *[row("Cardiomegaly") for _ in range(6)],
    row("Effusion"),
    row("Effusion", "Cardiomegaly", view="AP"),
    row("melanoma", kind="dermatoscopy", view=""),
]


def test_every_concept_has_exactly_the_same_number_of_images() -> None:
    orders = balanced(choices_of(ROWS).combinations, 400)
    assert sum(order.count for order in orders) == 400
    counts = shares(orders)
    assert set(counts) == _concepts()
    assert len(counts) == 4
    # 400 images, some of which count for two concepts: equal shares are 114 or 115
    assert sorted(counts.values()) == [114, 114, 114, 115]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 50, 101, 399])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_numbers_differ_by_one_at_most(count: int, seed: int) -> None:
    orders = balanced(choices_of(ROWS).combinations, count, seed=seed)
    assert sum(order.count for order in orders) == count
    counts = [shares(orders).get(key, 0) for key in _concepts()]
    assert max(counts) - min(counts) <= 1


def _concepts() -> set[tuple[str, str]]:
    combinations = choices_of(ROWS).combinations
    return {(c.image_type, name) for c in combinations for name in c.concepts}


def test_single_concepts_only_are_shared_exactly() -> None:
    single = [c for c in choices_of(ROWS).combinations if len(c.concepts) == 1]
    assert set(shares(balanced(single, 400)).values()) == {100}
    views = Counter(
        {order.prompt: order.count for order in balanced(single, 400) if "finding" in order.prompt}
    )
    assert views == {
        "chest X-ray, PA view, no finding": 50,
        "chest X-ray, AP view, no finding": 50,
    }


def test_combinations_exist_in_the_data() -> None:
    prompts = {order.prompt for order in balanced(choices_of(ROWS).combinations, 500)}
    assert prompts == {c.prompt for c in choices_of(ROWS).combinations}
    assert "chest X-ray, AP view, pleural effusion, cardiomegaly" in prompts
    assert not any("melanoma" in p and "chest" in p for p in prompts)


def test_a_cap_holds_for_each_concept_and_may_end_the_list() -> None:
    orders = balanced(choices_of(ROWS).combinations, 400, cap=20)
    assert max(shares(orders).values()) == 20
    assert set(shares(orders).values()) == {20}
    assert sum(order.count for order in orders) < 400


def test_a_concept_without_a_combination_of_its_own_is_reached_through_others() -> None:
    rows = [row("Effusion"), row("Effusion", "Edema"), row("No Finding")]
    counts = shares(balanced(choices_of(rows).combinations, 300))
    assert len(counts) == 3
    assert max(counts.values()) - min(counts.values()) <= 2


def test_the_same_seed_gives_the_same_list_in_any_order_of_the_rows() -> None:
    one = balanced(choices_of(ROWS).combinations, 37, seed=5)
    other = balanced(choices_of(ROWS[::-1]).combinations, 37, seed=5)
    assert {(o.prompt, o.count) for o in one} == {(o.prompt, o.count) for o in other}
    assert one == balanced(choices_of(ROWS).combinations, 37, seed=5)
    seeds = {
        tuple(o.prompt for o in balanced(choices_of(ROWS).combinations, 2, seed=s))
        for s in range(9)
    }
    assert len(seeds) > 1


def test_patients_come_from_the_data_women_and_men_in_turn() -> None:
    rows = [row("Effusion", sex=s, age=a) for s, a in (("F", 40.0), ("F", 70.0), ("M", 55.0))]
    choices = choices_of([*rows, row("Effusion")])
    orders = balanced(choices.combinations, 40, patients=choices.patients)
    counts = {order.prompt.rpartition(", ")[2]: order.count for order in orders}
    assert counts == {"40-year-old woman": 10, "70-year-old woman": 10, "55-year-old man": 20}


def test_what_the_user_allows() -> None:
    known = choices_of(ROWS).combinations
    (one,) = allowed("chest X-ray: no finding + EFFUSION", known)
    assert one.labels == ("No Finding", "Effusion")
    assert one.concepts == ("pleural effusion",)  # what is absent yields
    (two,) = allowed("effusion+cardiomegaly", [c for c in known if "chest" in c.prompt])
    assert two.prompt == "chest X-ray, pleural effusion, cardiomegaly"
    for text, message in (
        ("effusion", "does not say the image type"),
        ("knee: effusion", "no image type 'knee'.*chest X-ray"),
        ("chest X-ray: unicorn", "no label 'unicorn' of chest X-ray.*Cardiomegaly"),
    ):
        with pytest.raises(SynthmedError, match=message):
            allowed(text, known)


def test_rows_without_labels_count_by_what_their_prompt_shows() -> None:
    smear = row(kind="blood smear", view="", extra={"n_wbc": "1", "n_platelets": "0"})
    (one,) = choices_of([smear, row(kind="")]).combinations
    assert one.prompt == "blood smear, one white cell, no platelets"
    assert one.concepts == ("one white cell", "no platelets")


@pytest.mark.parametrize("bad", [{"count": 0}, {"count": 2_000_000}, {"count": 5, "cap": 0}])
def test_numbers_out_of_range(bad: dict[str, int]) -> None:
    with pytest.raises(SynthmedError, match=r"(count|cap) is"):
        balanced(choices_of(ROWS).combinations, **bad)
    with pytest.raises(SynthmedError, match="nothing to make prompts of"):
        balanced([], 1)


def test_a_large_list() -> None:
    rows = [row("Effusion", f"finding {n}", view=v) for n in range(60) for v in ("PA", "AP", "L")]
    assert sum(o.count for o in balanced(choices_of(rows).combinations, 20_000)) == 20_000


# The YAML of concepts.


def write(folder: Path, text: str) -> Path:
    path = folder / "concepts.yaml"
    path.write_text(text)
    return path


def test_a_file_of_concepts(tmp_path: Path) -> None:
    text = """
chest X-ray:
  concepts: [No Finding, Cardiomegaly, Effusion]
  combinations: [[Cardiomegaly, Effusion]]
  views: [PA, AP]
  ages: [30, 70]
  sexes: [F, M]
dermatoscopy:
  concepts: [melanoma]
"""
    choices = read_choices(write(tmp_path, text))
    assert len(choices.combinations) == 9
    assert choices.patients == {"chest X-ray": [(30.0, "F"), (30.0, "M"), (70.0, "F"), (70.0, "M")]}
    counts = shares(balanced(choices.combinations, 400, patients=choices.patients))
    assert max(counts.values()) - min(counts.values()) <= 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no image type"),
        ("- a", "names no image type"),
        ("chest: [a]", "no keys of 'chest'"),
        ("chest: {concept: [a]}", "unknown key 'concept' of 'chest'"),
        ("chest: {views: [PA]}", "'chest' has no concepts"),
        ("chest: {concepts: a}", "chest: concepts is no list of words"),
        ("chest: {concepts: [a], combinations: 3}", "combinations is no list"),
        ("chest: {concepts: [a], ages: [old]}", "age 'old' is no number"),
        ("chest: {concepts: [a], ages: [200]}", "age 200 is not between"),
        ("chest: {concepts: [a], sexes: [x]}", "sex 'x' is not F or M"),
        ("chest: {concepts: [", "cannot be read"),
        ("[" * 5000, "cannot be read"),
        ("chest: !!python/object:os.system {}", "cannot be read"),
    ],
)
def test_a_bad_file_of_concepts(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SynthmedError, match=message):
        read_choices(write(tmp_path, text))


def test_the_csv_is_what_generate_reads(tmp_path: Path) -> None:
    from synthmed.synthesis.prompts import read_prompts

    orders = balanced(choices_of(ROWS).combinations, 40)
    write_prompts(tmp_path / "p.csv", orders)
    prompts = read_prompts(tmp_path / "p.csv")
    assert [(p.text, p.count) for p in prompts] == [(o.prompt, o.count) for o in orders]
    assert [p.labels for p in prompts] == [o.combination.labels for o in orders]
    assert [p.image_type for p in prompts] == [o.combination.image_type for o in orders]
    assert len({p.id for p in prompts}) == len(prompts)


def test_real_sets_are_balanced(shared_data: Path) -> None:
    folder = read_dataset(shared_data / "busi-breast-us")
    orders = balanced(choices_of(folder.split("train")).combinations, 300)
    assert set(shares(orders).values()) == {100}
