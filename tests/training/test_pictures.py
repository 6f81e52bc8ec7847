from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from synthmed.training.bars import stage
from synthmed.training.pictures import image_grid, save_grid


def test_a_grid_lays_images_out_in_rows_on_white() -> None:
    x = torch.stack([torch.full((1, 4, 6), v) for v in (-1.0, 0.0, 1.0, 3.0, -2.0)])
    grid = image_grid(x, columns=3, gap=2)
    assert grid.shape == (3, 2 * 6 - 2, 3 * 8 - 2)
    assert grid.dtype == np.uint8
    assert (grid[:, :4, :6] == 0).all()
    assert (grid[:, :4, 8:14] == 128).all()
    assert (grid[:, 6:, :6] == 255).all()  # the fourth, clipped
    assert (grid[:, 6:, 8:14] == 0).all()
    assert (grid[:, :, 6:8] == 255).all()  # the gap
    assert (grid[:, 6:, 16:] == 255).all()  # no sixth image


def test_colours_stay(tmp_path: Path) -> None:
    x = torch.tensor([1.0, -1.0, 0.0])[None, :, None, None].expand(1, 3, 2, 2)
    save_grid(x, 1, tmp_path / "deep" / "grid.png")
    picture = np.asarray(Image.open(tmp_path / "deep" / "grid.png"))
    assert picture.shape == (4, 4, 3)  # twice as large
    assert (picture == [255, 0, 128]).all()


@pytest.mark.parametrize("shown", [True, False])
def test_a_stage_tells_its_progress_on_standard_error(
    shown: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    with stage("counting sheep", shown=shown) as report:
        report(1, 2, {"loss": 0.125})
        report(2, 2, {"loss": 0.0625})
    out, err = capsys.readouterr()
    assert out == ""
    assert ("counting sheep" in err) == shown
    assert ("2 of 2" in err and "loss 0.0625" in err) == shown
