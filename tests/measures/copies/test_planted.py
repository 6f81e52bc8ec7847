"""Planted copies are what they say, and the self-test counts those that are found."""

from dataclasses import replace

import numpy as np
import pytest

from synthmed.errors import SynthmedError
from synthmed.measures.copies.detector import CopyDetector
from synthmed.measures.copies.kinds import USUAL_KINDS, self_test_kinds
from synthmed.measures.copies.planted import PLANTED, Planter, plant, self_test
from synthmed.measures.copies.symmetries import ALL, USUAL


def blur(images):
    """Stands in for a codec."""
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(images, (0, 0, 0.8, 0.8))


@pytest.fixture(scope="module")
def detector(sets):
    return CopyDetector.fit(sets["train"], sets["holdout"], holdout_groups=None)


def test_half_of_the_usual_kinds_lie_outside_the_search():
    usual = list(PLANTED.values())[:8]
    assert [planter.name for planter in usual] == list(USUAL_KINDS)
    assert sum(not planter.inside_search for planter in usual) >= 4
    assert all(
        isinstance(planter, Planter) and PLANTED[planter.name] is planter for planter in usual
    )


@pytest.mark.parametrize("codec", [True, False])
@pytest.mark.parametrize(
    ("positions", "further"),
    [(("identity",), {"inverted"}), (USUAL, {"inverted"}), (ALL, {"inverted", "upside-down"})],
)
def test_a_self_test_plants_what_is_searched_and_as_much_that_is_not(positions, further, codec):
    names = self_test_kinds(positions, codec)
    assert len(set(names)) == len(names)
    assert ("codec" in names) is codec
    inside = {name for name in names if PLANTED[name].inside(positions)}
    assert inside & {"inverted", "upside-down"} == further
    assert further <= set(names)
    assert len(inside) <= len(names) / 2
    assert PLANTED["mirrored"].inside(positions) is ("mirror" in positions)


@pytest.mark.parametrize("kind", [kind for kind in PLANTED if kind != "codec"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_planted_copy_is_its_source_changed(patients, kind, channels):
    train, others = patients(12, 1, 64, channels), patients(6, 2, 64, channels)
    made = plant(train, others, kinds=[kind], per_kind=6)
    assert made.images.shape == (6, channels, 64, 64)
    assert made.images.dtype == np.float32
    assert np.abs(made.images).max() <= 1
    assert made.kinds == (kind,) * 6
    assert len(set(made.train_rows.tolist())) == 6
    source = train[made.train_rows]
    changed = np.abs(made.images - source).mean(axis=(1, 2, 3))
    assert (changed == 0).all() if kind == "exact" else (changed > 0.005).all()


def test_grey_images_of_three_channels_stay_grey(patients):
    train, others = (np.repeat(patients(8, seed), 3, axis=1) for seed in (1, 2))
    made = plant(train, others, per_kind=2).images
    np.testing.assert_allclose(made[:, 0], made[:, 2], atol=1e-6)


def test_half_of_a_pasted_copy_is_the_training_image(sets):
    made = plant(sets["train"], sets["holdout"], kinds=["half pasted"], per_kind=30)
    same = made.images == sets["train"][made.train_rows]
    assert (np.abs(same.mean(axis=(1, 2, 3)) - 0.5) < 0.02).all()
    rest = np.where(same, np.nan, made.images).reshape(30, -1)
    others = sets["holdout"].reshape(60, -1)
    matches = [np.nanmin(np.nanmax(np.abs(others - row), axis=1)) for row in rest]
    assert max(matches) == 0


def test_a_kinds_copies_depend_on_the_seed_alone(sets):
    both = plant(sets["train"], sets["holdout"], kinds=["shifted", "warped with noise"])
    alone = plant(sets["train"], sets["holdout"], kinds=["warped with noise"])
    other = plant(sets["train"], sets["holdout"], kinds=["warped with noise"], seed=1)
    np.testing.assert_array_equal(both.images[8:], alone.images)
    assert not np.array_equal(other.images, alone.images)


def test_the_codec_is_used_where_it_is_given_and_replaced_where_it_is_not(sets):
    given = plant(sets["train"], sets["holdout"], per_kind=2, through_codec=blur)
    absent = plant(sets["train"], sets["holdout"], per_kind=2)
    assert list(dict.fromkeys(given.kinds)) == list(PLANTED)[:8]
    assert set(absent.kinds) - set(given.kinds) == {"coarse with noise"}
    assert set(given.kinds) - set(absent.kinds) == {"codec"}
    own = np.asarray(given.kinds) == "codec"
    expected = blur(sets["train"][given.train_rows[own]])
    np.testing.assert_allclose(given.images[own], expected, atol=1e-6)


def test_the_self_test_finds_most_copies_and_says_which_kinds(sets, detector):
    result = self_test(sets["train"], sets["holdout"], detector=detector, through_codec=blur)
    assert result.planted == 80
    assert list(result.by_kind) == [*USUAL_KINDS, "inverted", "covered"]
    assert result.found == sum(own["found"] for own in result.by_kind.values())
    assert result.found >= 72
    for kind, own in result.by_kind.items():
        assert own["planted"] == 8
        assert own["low"] <= own["found"] / 8 <= own["high"]
        assert own["inside_search"] is PLANTED[kind].inside_search
    assert result.by_kind["exact"]["found"] == result.by_kind["inverted"]["found"] == 8


def test_a_position_that_is_not_searched_counts_as_outside(sets, detector):
    missed = self_test(sets["train"], sets["holdout"], detector=detector, kinds=["upside-down"])
    assert missed.by_kind["upside-down"]["inside_search"] is False
    assert missed.found <= 1
    result = self_test(sets["train"], sets["holdout"], symmetries=ALL)
    assert result.planted == 96
    for kind in ("upside-down", "inverted"):
        assert result.by_kind[kind]["inside_search"] is True
        assert result.by_kind[kind]["found"] == 8


def test_a_blind_detector_is_seen(sets, detector):
    blind = replace(detector, threshold=float("inf"))
    assert self_test(sets["train"], sets["holdout"], detector=blind).found == 0


def test_copies_of_the_wrong_patient_do_not_count(sets, detector):
    """A detector that flags everything finds nothing where it cannot trace it."""
    lax = replace(detector, threshold=-np.inf)
    other = sets["fresh"]  # the detector knows other training images
    result = self_test(
        np.concatenate([other, sets["train"][30:]]), sets["holdout"], kinds=["exact"], detector=lax
    )
    rows = plant(np.concatenate([other, sets["train"][30:]]), sets["holdout"], kinds=["exact"])
    assert result.found <= (rows.train_rows >= 30).sum() + 1


def test_the_self_test_calibrates_by_itself(sets):
    result = self_test(
        sets["train"],
        sets["holdout"],
        holdout_groups=[f"p{i // 2}" for i in range(60)],
        extract=lambda images: images[:, 0, ::16, ::16].reshape(len(images), -1),
        kinds=["exact", "covered"],
        per_kind=5,
    )
    assert result.planted == 10
    assert result.by_kind["exact"]["found"] == 5


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"kinds": ["codec"]}, "need a codec"),
        ({"kinds": ["swirled"]}, "unknown kind of copy 'swirled'"),
        ({"kinds": []}, "no kind of copy"),
        ({"per_kind": 0}, "0 copies"),
    ],
)
def test_what_cannot_be_planted_is_one_clear_error(sets, given, message):
    with pytest.raises(SynthmedError, match=message):
        plant(sets["train"], sets["holdout"], **given)


def test_a_codec_that_gives_another_shape_is_refused(patients):
    """A codec whose factor does not divide the frame: 50 pixels in, 48 out."""
    train, others = patients(8, 1, 50), patients(8, 2, 50)
    with pytest.raises(SynthmedError, match=r"the codec gives .* \(8, 1, 48, 48\) .* 50, 50"):
        plant(train, others, kinds=["exact", "codec"], through_codec=lambda x: x[..., :48, :48])


def test_sets_of_other_sizes_are_refused(sets):
    with pytest.raises(SynthmedError, match="shapes"):
        plant(sets["train"], sets["holdout"][..., ::2, ::2])


@pytest.mark.slow
def test_planted_copies_are_found_on_real_x_rays(shared_data):
    """155 training images against hold-out images of other patients."""
    from synthmed.datasets.folder import read_dataset
    from synthmed.imaging.frame import Frame
    from synthmed.imaging.reading import open_image

    rows = read_dataset(shared_data / "nih-cxr64").rows

    def images(chosen):
        opened = [open_image(row.file)[0] for row in chosen]
        return np.stack([Frame.for_image(x, 64).apply(x) for x in opened])

    train = [row for row in rows if row.split == "train"][:160]
    held = [row for row in rows if row.split != "train"]
    result = self_test(
        images(train),
        images(held),
        holdout_groups=[row.group_id for row in held],
        train_groups=[row.group_id for row in train],
        per_kind=12,
    )
    assert result.found / result.planted >= 0.95
