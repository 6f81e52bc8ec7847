"""The detector's parts, each against a plain computation."""

import numpy as np
import pytest

from synthmed.errors import SynthmedError
from synthmed.measures.copies import local_match, scores, search
from synthmed.measures.copies.calibration import cross_fitted_alarms, threshold_of
from synthmed.measures.copies.descriptors import descriptors
from synthmed.measures.copies.prepare import local_contrast, prepare, shows
from synthmed.measures.copies.symmetries import ALL, SYMMETRIES, check_symmetries, positioned
from synthmed.measures.copies.twins import merged
from synthmed.measures.copies.views import feature_neighbours


def plain_blocks(query, known, tile=16, step=8, reach=6):
    """The 36 scores of one pair at 64 px, by loops."""
    wide = np.pad(known.astype(float), reach)
    flat = local_match.FLAT * tile

    def unit(patch):
        centred = patch - patch.mean()
        return centred / (np.linalg.norm(centred) + flat)

    shifts = 2 * reach + 1
    maps = np.empty((7, 7, shifts, shifts))
    for i, j, dy, dx in np.ndindex(maps.shape):
        a = query[i * step : i * step + tile, j * step : j * step + tile].astype(float)
        b = wide[i * step + dy : i * step + dy + tile, j * step + dx : j * step + dx + tile]
        maps[i, j, dy, dx] = (unit(a) * unit(b)).sum()
    free = np.empty_like(maps)
    for dy, dx in np.ndindex(shifts, shifts):
        near = maps[:, :, max(0, dy - 1) : dy + 2, max(0, dx - 1) : dx + 2]
        free[:, :, dy, dx] = near.max(axis=(2, 3))
    four = free[:-1, :-1] + free[1:, :-1] + free[:-1, 1:] + free[1:, 1:]
    return (four / 4).max(axis=(2, 3)).ravel()


@pytest.fixture(scope="module")
def local(sets):
    return local_contrast(sets["train"][:6, 0])


def test_block_scores_equal_plain_loops(local):
    pairs = np.array([[0, 1, 9], [2, 8, 3]])  # 8 and 9: images 2 and 3 mirrored
    found = local_match.match_blocks(local[:2], local, pairs, ("identity", "mirror"))
    for i, k in np.ndindex(pairs.shape):
        position, row = divmod(int(pairs[i, k]), 6)
        known = local[row][:, ::-1] if position else local[row]
        np.testing.assert_allclose(found[i, k], plain_blocks(local[i], known), atol=2e-5)


def test_a_negative_fits_as_its_image_does(local):
    pairs = np.tile(np.arange(6), (6, 1))
    plain = local_match.match_blocks(local, local, pairs, ("identity",))
    negative = local_match.match_blocks(-local, local, pairs, ("identity",))
    np.testing.assert_allclose(negative, plain, atol=1e-5)
    own = np.arange(6)
    np.testing.assert_allclose(negative[own, own], [plain_blocks(x, x) for x in local], atol=2e-5)


def test_a_moved_image_fits_itself_and_no_other(local):
    moved = np.roll(local[:1], (3, -4), axis=(1, 2))
    found = local_match.match_blocks(moved, local, np.arange(6)[None], ("identity",))[0]
    inner = found.reshape(6, 6, 6)[:, 1:-1, 1:-1]
    assert inner[0].min() > 1.2 * inner[1:].max()


def test_pieces_of_pairs_change_nothing(local, monkeypatch):
    pairs = np.tile(np.arange(6), (6, 1))
    whole = local_match.match_blocks(local, local, pairs, ("identity",))
    monkeypatch.setattr(local_match, "PIECE", 2)
    np.testing.assert_allclose(
        whole, local_match.match_blocks(local, local, pairs, ("identity",)), atol=1e-5
    )


def test_flat_places_do_not_count(sets):
    image = sets["train"][:1, 0].copy()
    image[:, :, 32:] = -1.0
    shown = local_match.textured(local_contrast(image)).reshape(6, 6)
    assert shown[:, :3].all()
    assert not shown[:, 5].any()


def test_a_straight_border_says_nothing():
    y, x = np.mgrid[:64, :64]
    tissue = np.random.default_rng(0).normal(0, 0.1, (64, 64))
    border = np.tanh((40 - y - 0.1 * x) / 1.5) * 0.75 - 0.25
    images = np.stack([border, border + tissue]).astype(np.float32).clip(-1, 1)
    bare, rich = local_match.textured(local_contrast(images))
    assert not bare.any()
    assert rich.all()


def test_local_contrast_hardly_sees_grey_values_and_turns_with_the_image(sets):
    grey = sets["train"][:4, 0]
    plain = local_contrast(grey)
    for changed in (0.6 * grey + 0.2, 2 * ((grey + 1) / 2) ** 1.4 - 1):
        again = local_contrast(changed.astype(np.float32))
        assert np.corrcoef(plain.ravel(), again.ravel())[0, 1] > 0.97
    for name in SYMMETRIES:
        np.testing.assert_allclose(
            local_contrast(np.ascontiguousarray(positioned(grey, name))),
            positioned(plain, name),
            atol=1e-4,
        )


def test_symmetries_are_the_eight_different_positions():
    image = np.arange(9).reshape(1, 3, 3)
    assert len({positioned(image, name).tobytes() for name in SYMMETRIES}) == 8
    assert check_symmetries(ALL) == tuple(SYMMETRIES)
    assert positioned(image, "mirror")[0, 0].tolist() == [2, 1, 0]
    assert positioned(image, "upside-down")[0, 0].tolist() == [6, 7, 8]
    with pytest.raises(SynthmedError, match="once"):
        check_symmetries(("identity", "identity"))


def test_large_images_are_shrunk_and_odd_sides_rounded(patients):
    assert prepare(patients(2, 1, 128), "x").grey.shape == (2, 64, 64)
    assert prepare(patients(2, 1, 50, 3), "x").grey.shape == (2, 48, 48)
    assert prepare(patients(2, 1, 50, 3), "x").shape == (3, 50, 50)


def chequered(size):
    """Single pixels of two grey values: a standard deviation of 0.015 at this size."""
    y, x = np.mgrid[:size, :size]
    return (0.2 + 0.03 * ((x + y) % 2)).astype(np.float32)[None, None]


def test_what_shows_nothing_is_what_cannot_be_prepared(patients):
    images = np.concatenate([patients(4, 1, 128), chequered(128), np.zeros((1, 1, 128, 128))])
    assert images[4].std() > 1 / 255
    seen = shows(images, "x")
    assert seen.tolist() == [True] * 4 + [False] * 2
    assert len(prepare(images[seen], "x")) == 4
    with pytest.raises(SynthmedError, match="2 x images are even, the first in row 4"):
        prepare(images, "x")
    assert shows(chequered(64), "x").all()  # not shrunk: the pattern is there
    with pytest.raises(SynthmedError, match="x images of 8 × 8"):
        shows(images[..., :8, :8], "x")


def test_descriptors_are_unit_vectors_that_find_their_image(sets):
    train = descriptors(sets["train"][:, 0])
    for name, rows in train.items():
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
        assert (search.closest(rows, rows, 1)[:, 0] == np.arange(90)).all(), name


def test_closest_equals_brute_force_in_any_blocks(monkeypatch):
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=(n, 5)).astype(np.float32) for n in (40, 70))
    brute = np.argsort(-(a @ b.T), axis=1)[:, :4]
    np.testing.assert_array_equal(search.closest(a, b, 4), brute)
    monkeypatch.setattr(search, "BLOCK", 200)
    np.testing.assert_array_equal(search.closest(a, b, 4), brute)


def test_the_candidates_of_a_negative_are_those_of_the_image(sets):
    train = descriptors(sets["train"][:, 0])
    plain, negative = (descriptors(s * sets["train"][:40, 0]) for s in (1, -1))
    found = search.candidates(negative, train, 12)
    assert found.tolist() == search.candidates(plain, train, 12).tolist()
    assert (found[:, 0] == np.arange(40)).all()
    np.testing.assert_allclose(negative["gradients"], plain["gradients"], atol=1e-6)
    assert set(train) > search.SIGNED


def test_candidates_take_every_description_in_turn():
    known = {name: np.eye(6, dtype=np.float32) for name in ("a", "b")}
    queries = {
        "a": np.array([[6, 5, 4, 3, 2, 1]], np.float32),
        "b": np.array([[1, 2, 3, 4, 5, 6]], np.float32),
    }
    assert search.candidates(queries, known, 4).tolist() == [[0, 5, 1, 4]]
    further = [np.array([[3, 0]])]
    assert search.candidates(queries, known, 4, further).tolist() == [[0, 5, 3, 1]]
    everything = search.candidates(queries, known, 99)
    assert sorted(everything[0].tolist()) == list(range(6))


def test_pair_scores_are_the_mean_excess_of_the_best_textured_blocks():
    rng = np.random.default_rng(0)
    blocks = rng.normal(size=(3, 4, 36)).astype(np.float32)
    usual = rng.normal(size=36).astype(np.float32)
    shown = np.ones((3, 36), bool)
    shown[1, :10] = False
    shown[2] = False
    shown[2, :2] = True
    found = scores.pair_scores(blocks, shown, usual)
    for i, k in np.ndindex(3, 4):
        excess = np.sort((blocks[i, k] - usual)[shown[i]])[::-1]
        count = max(scores.FEWEST, int(np.ceil(scores.SHARE * shown[i].sum())))
        assert found[i, k] == pytest.approx(excess[:count].sum() / count, abs=1e-5)


def test_the_usual_fit_counts_textured_blocks_only():
    blocks = np.ones((2, 3, 36), np.float32)
    blocks[1] = 5
    shown = np.ones((2, 36), bool)
    shown[1, :4] = False
    shown[:, 4] = False
    usual = scores.usual_fit(blocks, shown)
    assert usual[:4].tolist() == [1.0] * 4
    assert usual[4] == 0.0
    assert usual[5:].tolist() == [3.0] * 31


def test_a_patients_other_images_do_not_hide_a_copy():
    values = np.array([[0.9, 0.85, 0.8, 0.3, 0.2, 0.1, 0.0]], np.float32)
    rows = np.array([[4, 5, 6, 0, 1, 2, 3]])
    groups = np.array([0, 1, 2, 3, 9, 9, 9])
    own = scores.stand_out(values, rows, groups)
    assert (own.row[0], own.second_row[0]) == (4, 0)
    assert own.score[0] == pytest.approx(0.9 - 0.2, rel=1e-5)  # beside 0.3, 0.2 and 0.1
    assert own.second[0] == pytest.approx(0.3 - 0.2, rel=1e-5)
    alone = scores.stand_out(values, rows, np.arange(7))
    assert alone.score[0] == pytest.approx(0.9 - (0.85 + 0.8 + 0.3) / 3, rel=1e-5)
    one = scores.stand_out(values[:, :3], rows[:, :3], groups)  # one patient only
    assert one.score[0] == pytest.approx(0.9 - (0.85 + 0.8) / 2, rel=1e-5)
    assert one.second_row[0] == 5


def test_a_picture_filed_under_two_patients_makes_them_one(sets):
    images = np.concatenate([sets["train"][:8, 0], sets["train"][2:4, 0] * 0.9 + 0.05])
    groups = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 3])
    joined = merged(groups, descriptors(images.astype(np.float32)))
    assert joined.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 2, 3]


def test_a_picture_filed_with_its_negative_is_one_patient(sets):
    images = np.concatenate([sets["train"][:8, 0], -sets["train"][2:4, 0]])
    joined = merged(np.arange(10), descriptors(images))
    assert joined.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 2, 3]


def test_patients_are_joined_in_any_blocks(sets, monkeypatch):
    from synthmed.measures.copies import twins

    described = descriptors(np.concatenate([sets["train"][:9, 0]] * 2))
    whole = merged(np.arange(18), described)
    monkeypatch.setattr(twins, "BLOCK", 60)
    assert merged(np.arange(18), described).tolist() == whole.tolist() == [*range(9)] * 2


def test_the_threshold_is_the_conformal_quantile():
    values = np.arange(1.0, 200.0)  # 199 scores
    assert threshold_of(values, 0.01) == (198.0, 2 / 200)
    assert threshold_of(values, 0.001) == (199.0, 1 / 200)  # cannot be resolved
    draw = np.random.default_rng(0)
    above = [
        (draw.normal(size=50) > threshold_of(draw.normal(size=99), 0.05)[0]).mean()
        for _ in range(400)
    ]
    assert np.mean(above) == pytest.approx(0.05, abs=0.006)


def test_no_score_gives_no_threshold():
    with pytest.raises(SynthmedError, match="no score of a hold-out image"):
        threshold_of(np.array([]), 0.01)
    names, none = np.arange(9).astype(str), np.zeros(9, bool)
    with pytest.raises(SynthmedError, match="no score of a hold-out image"):
        cross_fitted_alarms(lambda _: np.zeros(9), names, none, 0.01, 0)


def test_false_alarms_are_judged_by_rules_from_other_patients():
    groups = np.repeat([f"p{i}" for i in range(20)], 3)
    values, seen = np.random.default_rng(0).normal(size=60), []

    def scored(usable):
        seen.append(usable)
        return values

    cross_fitted_alarms(scored, groups, np.ones(60, bool), 0.05, seed=0)
    judged = ~np.array(seen)
    assert (judged.sum(axis=0) == 1).all()
    for usable in seen:
        assert not set(groups[usable]) & set(groups[~usable])


def test_false_alarms_come_at_the_rate_asked_for():
    draw = np.random.default_rng(1)
    names, every, total = np.arange(100).astype(str), np.ones(100, bool), 0
    for _ in range(100):
        values = draw.normal(size=100)
        total += cross_fitted_alarms(lambda _, v=values: v, names, every, 0.05, 0)
    assert total / 10_000 == pytest.approx(0.05, abs=0.01)


def test_neighbours_in_features_are_of_two_patients():
    train = np.array([[0.0], [0.1], [5.0], [9.0], [20.0]])
    view = feature_neighbours(np.array([[0.02], [8.0]]), train, ["a", "a", "b", "c", "d"])
    assert view.rows.tolist() == [[0, 2], [3, 2]]
    np.testing.assert_allclose(view.values, [[0.02, 4.98], [1.0, 3.0]])
    assert not view.high_is_close


def test_suspects_are_judged_but_set_no_threshold():
    groups = np.arange(50).astype(str)
    values = np.random.default_rng(0).uniform(size=50)
    values[7] = 9.0
    usable = np.arange(50) != 7
    among = cross_fitted_alarms(lambda _: values, groups, np.ones(50, bool), 0.02, 0)
    apart = cross_fitted_alarms(lambda _: values, groups, usable, 0.02, 0)
    assert apart >= among
    assert apart >= 1  # the suspect itself is an alarm
