"""Progress where there is no terminal: plain lines, not too many; nothing where none is wanted."""

from __future__ import annotations

import pytest

from synthmed.training import bars
from synthmed.training.bars import stage


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(bars.time, "monotonic", lambda: now[0])
    return now


def test_a_log_file_gets_a_line_every_half_minute(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with stage("training", shown=True) as report:
        for step in range(1, 9):
            clock[0] += 10.0
            report(step, 8, {"loss": 0.5 / step})
    assert capsys.readouterr().err.splitlines() == [
        "training ...",
        "training: 3 of 8, 30 s, 50 s left  loss 0.1667",
        "training: 6 of 8, 60 s, 20 s left  loss 0.08333",
        "training: 8 of 8, 80 s  loss 0.0625",
    ]


def test_what_is_not_wanted_is_not_shown(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with stage("training", shown=False) as report:
        clock[0] += 100.0
        report(1, 8, {})
    assert capsys.readouterr() == ("", "")
