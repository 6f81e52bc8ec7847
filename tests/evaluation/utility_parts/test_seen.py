"""Whose images a generator saw: cards, marks, refusals."""

from __future__ import annotations

import pytest

from synthmed.datasets.rows import Row
from synthmed.datasets.splits import group_hashes
from synthmed.errors import SafetyError
from synthmed.evaluation.utility_parts.labelled import group_hash
from synthmed.evaluation.utility_parts.seen import UNKNOWN, mark, refuse_seen, seen_groups

N, TWICE = {"a", "b"}, {"a", "b", "c", "d"}


@pytest.mark.parametrize(
    ("seen", "own", "expected"),
    [
        ({"a", "b"}, N, ""),
        ({"a"}, N, ""),
        ({"a", "c"}, N, "saw 2N"),
        ({"a", "b"}, {"a"}, "saw N"),
        ({"a", "x"}, N, "saw other images"),
        ({"x"}, N, "saw other images"),
        ({"c", "x"}, N, "saw 2N and other images"),
        (None, N, UNKNOWN),
    ],
)
def test_marks(seen, own, expected) -> None:
    assert mark(seen, own, {"N": N, "2N": TWICE}) == expected


def test_groups_of_no_single_set_are_still_marked() -> None:
    assert mark({"a", "c"}, {"a"}, {"one": {"a"}, "two": {"c"}}) == "saw more of the real images"


def test_hashes_are_those_of_the_cards(tmp_path) -> None:
    row = Row(tmp_path / "x.png", "x.png", "train", "nih:0001")
    assert group_hashes([row]) == [group_hash("nih:0001")]


def test_a_seen_test_patient_is_refused(make_set) -> None:
    test = make_set(8, 0, name="t")
    refuse_seen(test, {group_hash("someone")}, "it")
    refuse_seen(test, None, "it")
    with pytest.raises(SafetyError, match="1 of the test patients were seen by the generator"):
        refuse_seen(test, {group_hash("t0001")}, "the generator")


def test_validation_groups_count_as_seen() -> None:
    assert seen_groups({"training_groups": ["a"], "validation_groups": ["b"]}) == {"a", "b"}
    assert seen_groups({"training_groups": ["a"]}) == {"a"}


def test_groups_of_the_codec_count_as_seen() -> None:
    card = {"training_groups": ["a"], "validation_groups": ["b"], "codec_groups": ["a", "c"]}
    assert seen_groups(card) == {"a", "b", "c"}
    assert seen_groups({"training_groups": ["a"], "codec_groups": None}) == {"a"}


def test_a_card_that_does_not_say_is_unknown() -> None:
    assert seen_groups(None) is None
    assert seen_groups({"name": "x"}) is None
