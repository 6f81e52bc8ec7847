from __future__ import annotations

import pytest
import torch

from synthmed.errors import SynthmedError
from synthmed.transport import shifted_grid, uniform_grid

ENDS = [(0.0, 1.0), (1.0, 0.0), (0.064, 1.0), (1.0, 0.3), (0.2, 0.7), (0.1, 0.3)]


@pytest.mark.parametrize(("start", "stop"), ENDS)
def test_uniform(start, stop):
    """Equal steps to 1e-15, both ends exact."""
    grid = uniform_grid(7, start, stop)
    assert grid.dtype == torch.float64
    assert grid.shape == (8,)
    assert grid[0].item() == start
    assert grid[-1].item() == stop
    torch.testing.assert_close(
        grid.diff(), torch.full((7,), (stop - start) / 7, dtype=torch.float64), atol=1e-15, rtol=0
    )


@pytest.mark.parametrize("shift", [0.5, 1.0, 3.0])
@pytest.mark.parametrize(("start", "stop"), ENDS)
def test_shifted_has_exact_ends_is_monotone_and_reverses(start, stop, shift):
    grid = shifted_grid(9, start, stop, shift)
    assert grid[0].item() == start
    assert grid[-1].item() == stop
    assert ((grid.diff() > 0) == (stop > start)).all()
    assert torch.equal(shifted_grid(9, stop, start, shift), grid.flip(0))


def test_shifted_equals_the_formula_on_the_whole_way():
    """To 1e-15: sigma' = 3 sigma / (1 + 2 sigma) at sigma = 1, .75, .5, .25, 0."""
    sigma = torch.tensor([1, 2.25 / 2.5, 1.5 / 2, 0.75 / 1.5, 0], dtype=torch.float64)
    torch.testing.assert_close(shifted_grid(4, 0, 1, 3.0), 1 - sigma, atol=1e-15, rtol=0)


def test_shift_above_1_puts_more_steps_near_the_noise():
    assert (shifted_grid(10, 0, 1, 3.0) < 0.5).sum() > (uniform_grid(10, 0, 1) < 0.5).sum()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 0, 1, 1.0), "0 steps"),
        ((4, 0.5, 0.5, 1.0), "two different times"),
        ((4, 0, 1.5, 1.0), "between 0 and 1"),
        ((4, 0, 1, 0.0), "above 0"),
        ((4, 0, 1, float("nan")), "above 0"),
    ],
)
def test_impossible_grids_are_refused(arguments, message):
    with pytest.raises(SynthmedError, match=message):
        shifted_grid(*arguments)
