"""The training: repeatable, balanced, safe in its augmentation, and able to learn."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from synthmed.errors import DivergedError, SynthmedError
from synthmed.evaluation.utility_parts import training
from synthmed.evaluation.utility_parts.training import Fitting, Phase, fit, predict
from synthmed.measures.agreement import auroc

FAST = Fitting("small-cnn:16", steps=30, batch_size=16)


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_it_learns_and_is_repeatable(make_set) -> None:
    train, test = make_set(64, 0, strength=2.0), make_set(40, 1, strength=2.0, name="t")
    runs = [fit([Phase([train], [1.0], 30)], 2, FAST, seed) for seed in (0, 0, 1)]
    one, same, other = (predict(run, test.images) for run in runs)
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    assert np.allclose(one.sum(axis=1), 1)
    assert auroc(test.labels, one[:, 1]) > 0.9


def test_torchs_own_generator_stays(make_set) -> None:
    before = torch.random.get_rng_state()
    fit([Phase([make_set(16, 0)], [1.0], 2)], 2, FAST, 0)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_classes_are_drawn_evenly_and_sets_by_their_shares(make_set) -> None:
    rare = make_set(60, 0)
    rare = replace(rare, labels=(np.arange(60) < 6).astype(np.int64))
    other = make_set(20, 1, name="s")
    batches = training._Batches(Phase([rare, other], [0.25, 0.75], 40), 16, seed=0)
    marked = [replace(side, images=side.images * 0 + i) for i, side in enumerate((rare, other))]
    batches.sides = marked
    drawn = [batches.draw(step) for step in range(40)]
    labels = torch.cat([y for _, y in drawn]).float()
    source = torch.cat([x[:, 0, 0, 0] for x, _ in drawn])
    assert 0.44 < float(labels.mean()) < 0.56
    assert 0.69 < float(source.mean()) < 0.81
    again = batches.draw(7)
    assert torch.equal(again[1], drawn[7][1])


def test_unknown_labels_are_never_drawn(make_set) -> None:
    side = make_set(40, 0)
    labels = np.where(np.arange(40) < 20, -1, side.labels)
    images = np.where(labels[:, None, None, None] < 0, 0.77, 0.0).astype(np.float32)
    batches = training._Batches(
        Phase([replace(side, labels=labels, images=images)], [1.0], 5), 16, 0
    )
    assert all(float(batches.draw(step)[0].max()) == 0 for step in range(5))


def test_only_what_is_safe_for_the_type_is_done(make_set, monkeypatch) -> None:
    seen: set[tuple[str, ...]] = set()
    real = training.augment
    monkeypatch.setattr(
        training,
        "augment",
        lambda x, names, draw: (seen.add(tuple(names)), real(x, names, draw))[1],
    )
    kinds = np.asarray(["chest X-ray"] * 20 + [""] * 20)
    batches = training._Batches(
        Phase([make_set(40, 0, kinds=kinds, per_patient=1)], [1.0], 9), 16, 0
    )
    for step in range(9):
        batches.draw(step)
    assert seen == {("shift", "gain"), ()}


def test_the_rate_rises_falls_and_starts_anew() -> None:
    rates = [training._share_of_rate(step, 100) for step in range(100)]
    assert rates[0] == 0.2
    assert max(rates) == 1
    assert rates[-1] < 0.001
    assert all(a > b for a, b in pairwise(rates[5:]))


def test_grey_images_are_repeated() -> None:
    assert training.three_channels(np.zeros((2, 1, 4, 4))).shape == (2, 3, 4, 4)


def test_one_class_trains_nothing(make_set) -> None:
    side = make_set(8, 0)
    with pytest.raises(SynthmedError, match="two classes"):
        fit([Phase([replace(side, labels=side.labels * 0)], [1.0], 2)], 2, FAST, 0)


def test_a_loss_that_is_no_number_is_an_error(make_set) -> None:
    side = make_set(16, 0)
    broken = replace(side, images=np.full((16, 1, 32, 32), np.inf, dtype=np.float32))
    with pytest.raises(DivergedError, match="step 0"):
        fit([Phase([broken], [1.0], 2)], 2, replace(FAST, classifier="resnet:18"), 0)


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"batch_size": 1}])
def test_settings_that_train_nothing_are_refused(wrong) -> None:
    with pytest.raises(SynthmedError, match="train no classifier"):
        Fitting(**wrong)
