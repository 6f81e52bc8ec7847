from __future__ import annotations

import pytest

from synthmed.training.schedule import Schedule


def test_the_rate_warms_up_then_falls_along_a_cosine() -> None:
    schedule = Schedule(steps=110, warmup=10, final=0.05)
    assert [schedule.rate(step) for step in (0, 4, 9)] == pytest.approx([0.1, 0.5, 1.0])
    assert schedule.rate(10) == 1.0
    assert schedule.rate(60) == pytest.approx(0.05 + 0.95 / 2)  # half way: cos(pi/2) = 0
    assert schedule.rate(110) == pytest.approx(0.05)
    rates = [schedule.rate(step) for step in range(10, 110)]
    assert rates == sorted(rates, reverse=True)


def test_the_rate_stays_at_its_end_beyond_the_last_step() -> None:
    schedule = Schedule(steps=20, warmup=0, final=0.1)
    assert schedule.rate(0) == 1.0
    assert schedule.rate(500) == pytest.approx(0.1)


def test_a_warm_up_longer_than_the_training_is_no_error() -> None:
    schedule = Schedule(steps=3, warmup=10)
    assert [schedule.rate(step) for step in range(3)] == pytest.approx([0.1, 0.2, 0.3])
