"""Sources and every method's output side by side: real patients' images, never for publishing."""

from __future__ import annotations

import numpy as np
import torch

from benchmarks.data import slug
from benchmarks.translate_frame import Bench, Pair
from benchmarks.translate_methods import made
from benchmarks.translate_setup import Known, judge, method, method_names, title
from synthmed.training.pictures import save_grid

COLUMNS = 12


def contact_sheet(bench: Bench, known: Known, pair: Pair) -> None:
    """Write `pictures/<pair>.png`, one row a method, and the rows' names beside it.

    The first row are the sources, the last real images of the target.
    """
    own = judge(bench)
    images = own.parts[pair[0]].images
    chosen = [i * len(images) // COLUMNS for i in range(COLUMNS)]
    rows, names = [images[chosen]], ["source"]
    for name in method_names(bench, pair)[1:]:
        each = method(bench, known, pair, name)
        rows.append(made(bench.work, each, images, *pair, title(pair))[chosen])
        names.append(name)
    target = own.parts[pair[1]].images
    rows.append(target[[i * len(target) // COLUMNS for i in range(COLUMNS)]])
    names.append("real images of the target")
    file = bench.work / "pictures" / f"{slug(title(pair))}.png"
    save_grid(torch.from_numpy(np.concatenate(rows)), COLUMNS, file)
    lines = [f"{number:2d}  {name}" for number, name in enumerate(names, start=1)]
    file.with_suffix(".txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
