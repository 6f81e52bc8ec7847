"""Several processes give what one gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from synthmed.errors import SynthmedError
from synthmed.evaluation.utility_parts.designs import Design
from synthmed.evaluation.utility_parts.table import utility_table

DESIGNS = [Design("real", "real"), Design("synthetic", "synthetic", synthetic="synthetic", ratio=1)]


def table(make_set, **more):
    real, test, made = (make_set(16, i, strength=2.0, name="ptx"[i]) for i in range(3))
    return utility_table(
        real,
        test,
        made,
        labels=["a", "b"],
        designs=DESIGNS,
        seeds=(0, 1),
        classifier="small-cnn:16",
        steps=3,
        batch_size=4,
        bootstraps=20,
        **more,
    )


@pytest.mark.slow
def test_two_workers_give_the_same_table(make_set, tmp_path) -> None:
    told: list[str] = []
    two = table(make_set, store=tmp_path / "two", workers=2, progress=told.append)
    assert sorted(told) == sorted(f"trained: {d.name}, seed {s}" for d in DESIGNS for s in (0, 1))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        one = table(make_set, store=tmp_path / "one")
    finally:
        torch.set_num_threads(threads)
    assert one == two
    names = [sorted(file.name for file in (tmp_path / n).iterdir()) for n in ("one", "two")]
    assert names[0] == names[1]
    for name in names[0]:
        kept = [np.load(tmp_path / n / name) for n in ("one", "two")]
        assert np.array_equal(*kept)


def test_nothing_is_started_for_what_is_there(make_set, tmp_path, monkeypatch) -> None:
    one = table(make_set, store=tmp_path)
    monkeypatch.setattr(
        "synthmed.evaluation.utility_parts.workers.ProcessPoolExecutor",
        lambda *_: pytest.fail("a process was started"),
    )
    assert table(make_set, store=tmp_path, workers=2) == one


def test_workers_without_a_store_are_refused(make_set) -> None:
    with pytest.raises(SynthmedError, match="need a store"):
        table(make_set, workers=2)
