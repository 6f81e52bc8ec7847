import hashlib
from dataclasses import replace

import numpy as np
import pytest

from synthmed.errors import SafetyError, SynthmedError
from synthmed.evaluation.overlap import (
    generator_card,
    name_namesakes,
    without_seen,
    without_strangers,
)


def images(n, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (n, 1, 16, 16))


def test_patients_of_the_training_set_are_left_out_and_counted(make_side) -> None:
    real = make_side("real", images(6), groups=list("aabbcd"))
    train = make_side("train", images(3, 1), groups=["b", "b", "x"])
    warnings: list[str] = []
    left = without_seen(real, train, None, warnings)
    assert left.groups.tolist() == ["a", "a", "c", "d"]
    assert warnings == [
        "2 real images are of patients of the training set: left out of the comparison"
    ]


def test_the_same_file_under_another_patient_is_left_out(make_side) -> None:
    real = make_side("real", images(5))
    train = make_side("train", real.images([0, 3]), groups=["x", "y"])
    warnings: list[str] = []
    assert len(without_seen(real, train, None, warnings)) == 3
    assert "2 real images look exactly like a training image of another" in warnings[0]


def test_the_same_pixels_in_another_file_are_left_out(make_side) -> None:
    real = make_side("real", images(5))
    train = make_side("train", real.images([1]), groups=["x"])
    again = replace(train, digests=np.asarray(["another file"]))
    assert len(without_seen(real, again, None, [])) == 4


def test_namesakes_under_another_source_are_named(make_side) -> None:
    real = make_side("real", images(4), groups=["b:1", "b:2", "b:3", "b:4"])
    train = make_side("train", images(4, 1), groups=["a:1", "a:2", "a:8", "a:9"])
    warnings: list[str] = []
    name_namesakes(real, train, warnings)
    assert "2 of 4 real patients have the identifier of a training patient" in warnings[0]
    same = make_side("train", images(2, 1), groups=["b:1", "b:2"])
    few = make_side("train", images(2, 1), groups=["a:1", "a:8"])
    for other in (same, few):
        warnings = []
        name_namesakes(real, other, warnings)
        assert not warnings


def test_patients_that_the_card_names_are_left_out(make_side) -> None:
    real = make_side("real", images(4), groups=list("abcd"))
    card = {"training_groups": [hashlib.sha256(b"c").hexdigest()]}
    warnings: list[str] = []
    assert without_seen(real, None, card, warnings).groups.tolist() == list("abd")
    assert "the generator's card names" in warnings[0]


def test_patients_that_the_given_codec_saw_are_left_out(make_side) -> None:
    real = make_side("real", images(5), groups=list("abcde"))
    own = [hashlib.sha256(b"c").hexdigest()]
    codec = [hashlib.sha256(group).hexdigest() for group in (b"b", b"c", b"z")]
    warnings: list[str] = []
    card = {"training_groups": own, "codec_groups": codec}
    assert without_seen(real, None, card, warnings).groups.tolist() == list("ade")
    assert [text.split(":")[0] for text in warnings] == [
        "1 real images are of patients that the generator's card names",
        "1 real images are of patients that the generator's codec was trained on",
    ]
    unknown = {"training_groups": own, "codec_groups": None}
    assert without_seen(real, None, unknown, []).groups.tolist() == list("abde")
    everyone = {"codec_groups": [hashlib.sha256(g.encode()).hexdigest() for g in "abcde"]}
    with pytest.raises(SafetyError, match="or its codec was trained on 5 of the 5 real images"):
        without_seen(real, None, everyone, [])


def test_a_real_set_that_the_generator_saw_is_refused(make_side) -> None:
    real = make_side("real", images(4), groups=list("abcd"))
    with pytest.raises(SafetyError, match="trained on 4 of the 4 real images"):
        without_seen(real, real, None, [])


def test_sets_without_overlap_stay_as_they_are(make_side) -> None:
    real, train = make_side("real", images(4)), make_side("train", images(4, 1))
    warnings: list[str] = []
    assert len(without_seen(real, train, {"training_groups": []}, warnings)) == 4
    assert not warnings


def test_types_of_one_side_only_are_left_out_and_named(make_side) -> None:
    real = make_side("real", images(4), kinds=["x", "x", "y", "x"])
    synthetic = make_side("synthetic", images(3, 1), kinds=["x", "z", "z"])
    warnings: list[str] = []
    left, right = without_strangers(real, synthetic, warnings)
    assert (len(left), len(right)) == (3, 1)
    assert "1 real images of a type that no synthetic image has ('y')" in warnings[0]
    assert "2 synthetic images of a type that no real image has ('z')" in warnings[1]


def test_sets_without_a_common_type_are_an_error(make_side) -> None:
    real = make_side("real", images(2), kinds=["x", "x"])
    synthetic = make_side("synthetic", images(2), kinds=["y", "y"])
    with pytest.raises(SynthmedError, match="real images are 'x', synthetic ones 'y'"):
        without_strangers(real, synthetic, [])


def test_a_bundled_generator_is_known_by_its_hash(make_side) -> None:
    plain = make_side("synthetic", images(2))
    card = generator_card("base-64", plain)
    assert card is not None
    made = make_side("synthetic", images(2), info={"generation": {"generator_hash": card["hash"]}})
    assert generator_card(None, made) == card
    assert generator_card(None, plain) is None


def test_the_generator_is_known_by_a_column_too(make_side) -> None:
    card = generator_card("base-64", make_side("synthetic", images(2)))
    assert card is not None
    made = make_side("synthetic", images(2))
    for row in made.rows:
        row.extra["generator_hash"] = card["hash"]
    assert generator_card(None, made) == card


def test_another_generator_than_the_sets_is_refused(make_side) -> None:
    made = make_side("synthetic", images(2), info={"generation": {"generator_hash": "0" * 64}})
    with pytest.raises(SynthmedError, match="another generator"):
        generator_card("base-64", made)
    with pytest.raises(SynthmedError, match="no generator here"):
        generator_card("nowhere", made)
