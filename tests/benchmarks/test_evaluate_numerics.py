"""The verdicts of evaluate_numerics are right, and its references are what they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest


def test_every_row_is_within_its_target(tmp_path: Path) -> None:
    pytest.importorskip("prdc")
    pytest.importorskip("torchmetrics")
    import json

    from benchmarks.evaluate_numerics import main, tables

    main(["--profile", "smoke", "--results", str(tmp_path)])
    content = json.loads((tmp_path / "evaluate_numerics-smoke.json").read_text())
    distances, shares = tables(content)
    assert {line[-2] for line in distances.lines} == {"yes"}
    assert {line[-1] for line in shares.lines} == {"yes"}
    assert content["rows"]["shares, tied"]["density"]["ties"] > 50
    assert content["rows"]["shares, Gaussian"]["density"]["ties"] == 0


def test_the_double_loop_and_the_square_root_know_closed_forms() -> None:
    from benchmarks.evaluate_references import double_loop, sqrtm_distance

    a, b = np.array([[1.0], [-1.0]]), np.array([[2.0], [0.0]])
    # (1·-1 + 1)³ = 0 within a, (2·0 + 1)³ = 1 within b; between: 27, 1, -1, 1 -> mean 7
    assert double_loop("kid", a, b) == pytest.approx(0 + 1 - 2 * 7)
    draw = np.random.default_rng(0).normal(size=(50, 3))
    assert sqrtm_distance(draw, draw + 2.0) == pytest.approx(12.0)
    assert sqrtm_distance(draw, 2 * draw) == pytest.approx(
        np.trace(np.cov(draw.T)) + (draw.mean(axis=0) ** 2).sum()
    )
    few = draw[:, :2].repeat(40, axis=1)[:30] + np.random.default_rng(1).normal(size=(30, 80))
    assert sqrtm_distance(few, few + 0.5) == pytest.approx(80 * 0.25)


def test_ties_are_counted_and_listed_by_hand() -> None:
    from benchmarks.evaluate_references import four_counts

    real, synthetic = np.array([[0.0], [1.0], [5.0]]), np.array([[2.0], [5.5], [100.0]])
    found = four_counts(real, synthetic, k=1)
    # radii of the real balls: 1, 1, 4: 2 lies at the edge of the ball of 1, and inside that of 5
    assert found["density"] == {"inside": 3, "ties": 1, "tied_rows": [0]}
    assert found["precision"] == {"inside": 2, "ties": 0, "tied_rows": []}
    assert found["coverage"] == {"inside": 2, "ties": 1, "tied_rows": [1]}


@pytest.mark.parametrize(
    ("kind", "entry", "verdict"),
    [
        ("tied", {"ours": 10, "inside": 10, "ties": 2, "prdc": 8}, "yes"),
        ("tied", {"ours": 10, "inside": 10, "ties": 2, "prdc": 9}, "no"),
        ("copied", {"ours": 10, "inside": 10, "ties": 2, "prdc": 9}, "yes"),
        ("copied", {"ours": 10, "inside": 10, "ties": 2, "prdc": 5}, "no"),
        ("Gaussian", {"ours": 9, "inside": 10, "ties": 0, "prdc": 9}, "no"),
    ],
)
def test_counts_that_differ_are_found(kind: str, entry: dict[str, int], verdict: str) -> None:
    from benchmarks.evaluate_numerics import agreement

    assert agreement(kind, entry) == verdict


@pytest.mark.parametrize(("error", "verdict"), [(9e-7, "yes"), (2e-6, "no"), (float("nan"), "no")])
def test_an_error_beyond_the_target_is_found(error: float, verdict: str) -> None:
    from benchmarks.evaluate_numerics import tables

    row: dict[str, Any] = {"value": 1.0, "reference": 1.0, "error": error, "n": 9, "width": 3}
    content = {"rows": {"frechet, Gaussian": {**row, "torchmetrics": "does not run: no torch"}}}
    (line,) = tables(content)[0].lines
    assert line[-2:] == [verdict, "does not run: no torch"]
