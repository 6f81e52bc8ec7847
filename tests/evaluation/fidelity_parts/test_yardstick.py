"""What the lights are judged by: sets of one size, whatever the sizes of the two sides are."""

import numpy as np
import pytest

from synthmed.evaluation.context import Features
from synthmed.evaluation.fidelity_parts import verdicts
from synthmed.evaluation.fidelity_parts.strata import Stratum
from synthmed.evaluation.fidelity_parts.yardstick import KEYS, Yardsticks, judged


def draws(n, seed, lost=False):
    """Features of one distribution; ``lost``: of one of its two sides."""
    values = np.random.default_rng(seed).normal(size=(n, 16))
    values[:, 0] = 3 * (np.abs(values[:, 0]) if lost else values[:, 0])
    return values


@pytest.fixture
def judge(make_side, make_context):
    """Judges so many synthetic images, by features, against so many real ones of two a patient."""

    def run(n_real, synthetic, groups=None, seed=0):
        real = draws(n_real, 100 + seed)
        sides = (
            make_side("real", np.zeros((n_real, 1, 2, 2)), [f"p{i // 2}" for i in range(n_real)]),
            make_side("synthetic", np.zeros((len(synthetic), 1, 2, 2)), groups),
        )
        part = Stratum("total", "", "", np.arange(n_real), np.arange(len(synthetic)))
        blurred = real + np.array([0.2] + [0.0] * 15)
        yard = Yardsticks(np.arange(n_real), real, 0.5, blurred, blurred + 0.2, 1.0)
        return judged(make_context(*sides), part, Features(synthetic, "made/1", "none"), yard)

    return run


@pytest.mark.parametrize("seed", range(3))
def test_few_images_of_the_real_distribution_lose_nothing(judge, seed):
    """120 perfect images beside halves of 500 lost .31 of the coverage by their number alone."""
    entry = judge(1000, draws(120, seed), seed=seed)
    assert verdicts.loss(entry)[0] == "green"
    assert abs(entry["coverage_loss"]["value"]) < 0.06
    assert all(entry[key]["n_real"] == entry[key]["n_synthetic"] == 120 for key in KEYS)


@pytest.mark.parametrize("seed", range(3))
def test_few_images_of_half_the_variety_are_red(judge, seed):
    assert verdicts.loss(judge(1000, draws(120, seed, lost=True), seed=seed))[0] == "red"


def test_the_control_loses_variety_and_not_only_images(judge, monkeypatch):
    """Images of both sides of the mean, as few as the control's, lose nothing by the same rule."""
    from synthmed.evaluation.fidelity_parts import samples

    entry = judge(400, draws(400, 0))
    assert entry["coverage_control"]["low"] > verdicts.LOST
    half = entry["coverage_control"]["n_synthetic"]
    assert 60 < half < entry["coverage_control"]["n_real"] == 200
    monkeypatch.setattr(samples, "_one_side", lambda both, _: [rows[1::2] for rows in both])
    random = judge(400, draws(400, 0))["coverage_control"]
    assert random["n_synthetic"] == 100
    assert random["low"] < 0.0 < random["high"]
    assert abs(random["value"]) < 0.05


def test_sets_too_small_for_neighbours_are_not_judged(judge):
    for n_real, made in ((200, 5), (10, 60)):
        entry = judge(n_real, draws(made, 0))
        assert [entry[key] for key in KEYS] == [None] * 5
        assert "have 5" in entry["not_measurable"] or "have 4" in entry["not_measurable"]
    assert verdicts.loss(entry)[0] == "grey"
