"""Numbers with intervals, draws of whole groups, and the shuffled control."""

from __future__ import annotations

import numpy as np
import pytest

from synthmed.evaluation.context import Settings
from synthmed.evaluation.judged_comparison import compared, state_of
from synthmed.evaluation.judged_estimates import (
    ends_over_groups,
    estimate,
    sampled,
    shown,
    shuffled_answers,
)
from synthmed.measures.agreement import auroc


class Kind:
    id = preprocessing = "judge"


def scored(n, seed, shift):
    draw = np.random.default_rng(seed)
    truth = np.arange(n) % 2
    return truth, (draw.normal(size=n) + shift * truth)[:, None], np.arange(n).astype(str)


def test_whole_groups_are_drawn() -> None:
    groups = np.repeat([f"g{i}" for i in range(20)], 5)
    rows = sampled(groups, 50, 0)
    assert len(rows) == 50
    assert (np.diff(rows) > 0).all()
    assert set(np.unique(groups[rows], return_counts=True)[1]) == {5}
    assert len(sampled(groups, 1000, 0)) == 100
    assert (sampled(groups, 50, 1) != rows).any()


def test_numbers_without_an_interval_say_so() -> None:
    one = estimate(0.5, None, (1, 2), ("e", "p"))
    assert (one["low"], one["n_real"], one["n_synthetic"]) == (None, 1, 2)
    assert shown(one) == "0.50"
    assert shown(None) == "–"
    assert shown(estimate(0.5, (0.4, 0.6), (1, 2), ("e", "p"))) == "0.50 [0.40, 0.60]"
    nothing = [np.zeros(4, int), np.zeros(4)]
    assert ends_over_groups(auroc, nothing, np.arange(4), Settings()) is None


def test_the_shuffled_control_is_neither_lucky_nor_unlucky() -> None:
    truth, scores, _ = scored(30, 0, 3.0)
    for seed in range(5):
        wrong = shuffled_answers(truth, lambda y: auroc(y, scores[:, 0]), seed)
        assert sorted(wrong) == sorted(truth)
        assert auroc(wrong, scores[:, 0]) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    ("shift", "state"), [(3.0, "green"), (0.5, "red"), (0.0, "red"), (2.0, "amber")]
)
def test_verdicts(shift, state) -> None:
    settings = Settings(bootstraps=200)
    n = 400 if state != "amber" else 60
    found = compared(scored(n, 0, 3.0), scored(n, 1, shift), [Kind()], settings)
    assert found["state"] == state
    assert found["control_flagged"]
    assert found["difference"]["value"] == pytest.approx(
        found["synthetic"]["value"] - found["real"]["value"], abs=1e-5
    )


def test_too_few_images_to_see_a_loss_are_never_green() -> None:
    settings = Settings(bootstraps=200)
    truth, _, groups = scored(8, 0, 0)
    perfect = truth, truth[:, None] * 1.0, groups
    found = compared(perfect, perfect, [Kind()], settings)
    assert found["difference"]["low"] == 0
    assert not found["control_flagged"] or found["state"] == "green"
    few = tuple(part[:4] for part in perfect)
    found = compared(few, few, [Kind()], settings)
    assert found["state"] != "green"


def test_states_by_hand() -> None:
    assert state_of(None) == state_of({"low": None}) == "grey"
    assert state_of({"low": -0.04, "high": 0.1}) == "green"
    assert state_of({"low": -0.2, "high": -0.06}) == "red"
    assert state_of({"low": -0.2, "high": 0.0}) == "amber"
