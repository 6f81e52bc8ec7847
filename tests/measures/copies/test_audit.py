"""The audit finds copies, lets other patients pass, and refuses what cannot be judged."""

import numpy as np
import pytest

from synthmed.errors import SafetyError, SynthmedError
from synthmed.measures.copies import detector
from synthmed.measures.copies.audit import find_copies
from synthmed.measures.copies.prepare import prepare, shows
from synthmed.measures.copies.symmetries import ALL, positioned
from synthmed.measures.intervals import wilson


def near_copies(train, rng, noise=0.05):
    """What an overfitted generator makes: training images, a little noisy."""
    return np.clip(train + rng.normal(0, noise, train.shape), -1, 1).astype(np.float32)


@pytest.fixture(scope="module")
def mixed(sets):
    """Thirty images of other patients and twelve copies, of training rows 5, 12, 19, ..."""
    rows = np.arange(5, 89, 7)
    copied = near_copies(sets["train"][rows], np.random.default_rng(0))
    copied[::3] = copied[::3, :, :, ::-1]
    synthetic = np.concatenate([sets["fresh"], copied])
    groups = [f"p{i // 2}" for i in range(60)]
    return rows, find_copies(synthetic, sets["train"], sets["holdout"], holdout_groups=groups)


def test_copies_are_found_and_traced(mixed):
    rows, result = mixed
    found = {finding.synthetic: finding.train for finding in result.findings}
    assert set(range(30, 42)) <= set(found)
    assert [found[30 + i] for i in range(12)] == rows.tolist()
    assert len(found) <= 13  # one of thirty others at most, at a rate of about 1 / 61
    assert result.matches[30:].tolist() == rows.tolist()


def test_the_result_says_what_it_rests_on(mixed):
    _, result = mixed
    scores = [finding.score for finding in result.findings]
    assert scores == sorted(scores, reverse=True)
    assert min(scores) > result.threshold >= np.sort(result.holdout_scores)[-1]
    assert result.rate == (len(scores) / 42, *wilson(len(scores), 42))
    alarms = round(result.false_alarms[0] * 60)
    assert result.false_alarms == (alarms / 60, *wilson(alarms, 60))
    assert (result.n, result.n_train, result.n_holdout) == (42, 90, 60)
    assert result.quantile == pytest.approx(1 / 61)  # 60 images cannot resolve 1 %
    assert result.method.startswith("local-match/2: 64 px")
    assert set(result.views) == {"pixels"}
    view = result.views["pixels"]
    assert (view.values[:, 0] >= view.values[:, 1]).all()
    assert (view.rows[:, 0] != view.rows[:, 1]).all()


def test_other_patients_and_their_mean_pass(sets):
    """Images that are close to everything are no copies: a mean, and blurred patients."""
    from scipy.ndimage import gaussian_filter

    blurred = gaussian_filter(sets["fresh"], (0, 0, 1.5, 1.5))
    typical = np.stack([sets["train"][i : i + 30].mean(axis=0) for i in (0, 30, 60)])
    synthetic = np.concatenate([sets["fresh"], blurred, typical])
    result = find_copies(synthetic, sets["train"], sets["holdout"], holdout_groups=None)
    assert result.rate[0] < 0.06
    assert result.false_alarms[0] < 0.1


def test_the_same_images_give_the_same_result_in_any_pieces(sets, monkeypatch):
    synthetic = np.concatenate([sets["fresh"][:10], sets["train"][:4]])
    whole = find_copies(synthetic, sets["train"], sets["holdout"], holdout_groups=None)
    monkeypatch.setattr(detector, "QUERIES", 5)
    pieces = find_copies(synthetic, sets["train"], sets["holdout"], holdout_groups=None)
    np.testing.assert_allclose(whole.scores, pieces.scores, rtol=1e-4)
    assert [f.train for f in whole.findings] == [f.train for f in pieces.findings]


def test_positions_are_found_only_if_they_are_searched(sets):
    turned = np.rot90(sets["train"][:20], 1, (-2, -1)).copy()
    usual = find_copies(turned, sets["train"], sets["holdout"], holdout_groups=None)
    more = find_copies(
        turned,
        sets["train"],
        sets["holdout"],
        holdout_groups=None,
        symmetries=("identity", "quarter-turn"),
    )
    assert usual.rate[0] < 0.2
    assert more.rate[0] > 0.9


def test_copies_are_found_in_all_eight_positions_and_as_negatives(sets):
    rows = np.arange(40) * 2
    copied = np.stack(
        [
            positioned(sets["train"][row], ALL[i % 8]) * (-1) ** (i // 8)
            for i, row in enumerate(rows)
        ]
    )
    synthetic = np.concatenate([copied, sets["fresh"], -sets["fresh"]])
    result = find_copies(
        synthetic, sets["train"], sets["holdout"], holdout_groups=None, symmetries=ALL
    )
    assert result.matches[:40].tolist() == rows.tolist()
    called = result.scores > result.threshold
    assert called[:40].mean() > 0.9
    assert called[40:].mean() < 0.06
    assert all(name in result.method for name in (*ALL, "negatives"))


def test_negatives_are_found_without_asking(sets):
    inverted = -near_copies(sets["train"][:20], np.random.default_rng(0))
    result = find_copies(inverted, sets["train"], sets["holdout"], holdout_groups=None)
    assert result.rate[0] > 0.9
    assert result.matches.tolist() == list(range(20))


def test_a_fine_pattern_can_be_left_out_before_the_audit(sets):
    """Shrunk to 64 pixels it is even; it must not stop the search among the other images."""
    large = {name: x.repeat(2, axis=2).repeat(2, axis=3) for name, x in sets.items()}
    odd = np.full((1, 1, 128, 128), 0.2, np.float32)
    odd[..., ::2, ::2] += 0.03
    odd[..., 1::2, 1::2] += 0.03
    synthetic = np.concatenate([large["train"][:5], odd])
    given = large["train"], large["holdout"]
    with pytest.raises(SynthmedError, match="even, the first in row 5"):
        find_copies(synthetic, *given, holdout_groups=None)
    kept = synthetic[shows(synthetic, "synthetic")]
    assert len(find_copies(kept, *given, holdout_groups=None).findings) == 5


@pytest.mark.parametrize(("size", "channels"), [(128, 1), (32, 3), (50, 3)])
def test_other_sizes_and_colours_work(patients, size, channels):
    train, holdout = patients(60, 1, size, channels), patients(30, 2, size, channels)
    synthetic = near_copies(train[:20], np.random.default_rng(0), 0.02)
    result = find_copies(synthetic, train, holdout, holdout_groups=None)
    assert result.rate[0] > 0.9
    assert result.matches.tolist() == list(range(20))


def test_few_training_images_of_few_patients_do(sets):
    train = sets["train"][:12]
    groups = [f"p{i // 3}" for i in range(12)]
    synthetic = np.concatenate([near_copies(train, np.random.default_rng(0)), sets["fresh"]])
    result = find_copies(
        synthetic, train, sets["holdout"], holdout_groups=None, train_groups=groups
    )
    assert (result.scores[:12] > result.threshold).all()
    assert (result.scores[12:] > result.threshold).mean() < 0.1


def test_features_are_a_second_view(sets):
    rng = np.random.default_rng(0)
    table = {name: rng.normal(size=(len(x), 8)) for name, x in sets.items()}
    groups = [f"p{i // 2}" for i in range(90)]
    table["train"][1] = table["train"][0]  # two images of one patient
    synthetic, features = sets["train"][:6], table["train"][:6].copy()
    result = find_copies(
        synthetic,
        sets["train"],
        sets["holdout"],
        holdout_groups=None,
        train_groups=groups,
        features=(features, table["train"], table["holdout"]),
    )
    view = result.views["features"]
    assert view.values[:, 0].tolist() == [0.0] * 6
    assert (view.values[:, 1] > 0).all()
    assert (view.rows // 2)[:, 0].tolist() == [0, 0, 1, 1, 2, 2]
    assert not (view.rows[:, 0] // 2 == view.rows[:, 1] // 2).any()
    assert result.method.endswith("features given")


def test_a_candidate_that_only_features_find_is_looked_at(sets, monkeypatch):
    from synthmed.measures.copies import known

    def blind(grey):
        return {"whole": np.zeros((len(grey), 4), np.float32)}

    monkeypatch.setattr(known, "CANDIDATES", 8)
    monkeypatch.setattr(known, "descriptors", blind)
    table, images = np.arange(90.0)[:, None], prepare(sets["train"], "training")
    names, rows = np.arange(90).astype(str), np.arange(40, 60)
    without = known.Known.of(images, names, ("identity",), None).compared(images.take(rows))
    searched = known.Known.of(images, names, ("identity",), table)
    given = searched.compared(images.take(rows), table[rows])
    assert not (without.rows == rows[:, None]).any(axis=1).all()
    assert (given.rows == rows[:, None]).any(axis=1).all()
    usual = np.zeros(36, np.float32)
    assert (given.closest(usual, searched.groups).row == rows).all()


def test_hold_out_images_that_equal_training_images_are_refused(sets):
    holdout = np.concatenate([sets["holdout"], sets["train"][:10]])
    with pytest.raises(SafetyError, match="10 of 70 hold-out images equal training images"):
        find_copies(sets["fresh"], sets["train"], holdout, holdout_groups=None)


def test_a_few_of_them_are_left_out_and_named(sets):
    holdout = np.concatenate([sets["holdout"], sets["train"][:2]])
    with pytest.warns(UserWarning, match="2 of 62 hold-out images equal training images"):
        result = find_copies(sets["train"][:9], sets["train"], holdout, holdout_groups=None)
    assert result.n_holdout == 60
    assert result.rate[0] == 1.0


def test_a_hold_out_set_of_copies_is_refused(sets):
    holdout = near_copies(sets["train"][:40], np.random.default_rng(0), 0.01)
    with pytest.raises(SafetyError, match="40 of 40 hold-out images look like copies"):
        find_copies(sets["fresh"], sets["train"], holdout, holdout_groups=None)


def test_a_few_hold_out_copies_are_named_and_do_not_blind_the_detector(sets):
    doubles = near_copies(sets["train"][[20, 50]], np.random.default_rng(0), 0.02)
    holdout = np.concatenate([sets["holdout"], doubles[..., ::-1]])
    copied = near_copies(sets["train"][:20], np.random.default_rng(1))
    with pytest.warns(UserWarning, match="2 of 62 hold-out images look like copies.*60 and 20"):
        result = find_copies(copied, sets["train"], holdout, holdout_groups=None)
    assert result.suspects == ((60, 20), (61, 50))
    assert result.rate[0] > 0.9
    assert result.false_alarms[0] >= 2 / 62
    assert result.quantile == pytest.approx(1 / 61)


def test_a_picture_in_the_training_set_twice_does_not_hide_its_copies(sets):
    train = np.concatenate([sets["train"], sets["train"][:10], sets["train"][:10]])
    copied = near_copies(train[:10], np.random.default_rng(0))
    result = find_copies(copied, train, sets["holdout"], holdout_groups=None)
    assert result.rate[0] > 0.9


BAD = [
    (lambda s: {"holdout_groups": ["a", "b", "c"] * 20}, "hold-out images of 3 groups"),
    (lambda s: {"holdout_groups": ["a"]}, r"groups of shape \(1,\) for 60 hold-out"),
    (lambda s: {"train_groups": ["a"] * 90}, "training images of 1 groups"),
    (lambda s: {"synthetic": s["fresh"][..., ::2, ::2]}, "beside training images of"),
    (lambda s: {"holdout": np.repeat(s["holdout"], 3, axis=1)}, "beside training images of"),
    (lambda s: {"synthetic": s["fresh"][..., :40]}, "64 × 40 pixels"),
    (lambda s: {"synthetic": s["fresh"][..., :8, :8]}, "8 × 8 pixels"),
    (lambda s: {"synthetic": s["fresh"] * np.float32(0)}, "30 synthetic images are even"),
    (lambda s: {"synthetic": (s["fresh"] * 100).astype(np.uint8)}, "uint8"),
    (lambda s: {"synthetic": s["fresh"][:0]}, "must have shape"),
    (lambda s: {"synthetic": s["fresh"] * np.nan}, "not finite"),
    (lambda s: {"synthetic": s["fresh"] * 127}, "not from -1 to 1"),
    (lambda s: {"train": s["train"][[0] * 20]}, "cannot be told from each other"),
    (lambda s: {"false_alarm": 0.0}, "false-alarm rate of 0"),
    (lambda s: {"symmetries": ("identity", "upside")}, "unknown symmetry 'upside'"),
    (lambda s: {"symmetries": ("mirror",)}, "Begin with 'identity'"),
    (lambda s: {"features": [np.ones((k, 2)) for k in (30, 90, 59)]}, "59 images for 60 hold-out"),
    (lambda s: {"features": [np.ones((k, 2)) for k in (29, 90, 60)]}, "29 images for 30 synthetic"),
    (lambda s: {"features": [np.ones((k, k)) for k in (30, 90, 60)]}, "cannot be compared"),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_what_cannot_be_judged_is_one_clear_error(sets, change, message):
    given = {"synthetic": sets["fresh"], "train": sets["train"], "holdout": sets["holdout"]}
    given |= {"holdout_groups": None, **change(sets)}
    images = [given.pop(name) for name in ("synthetic", "train", "holdout")]
    with pytest.raises(SynthmedError, match=message):
        find_copies(*images, **given)
