"""What the benchmarks share: resuming, withheld timings, rates, the test for quality, the docs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from synthmed.errors import SafetyError, SynthmedError


def test_results_continue_and_refuse_another_model(tmp_path: Path) -> None:
    from benchmarks.common import Results

    results = Results(tmp_path, "x", "smoke", {"model": "a", "sizes": (1, 2)}, False)
    results.add("one", {"value": 1})
    results.add("two", {"withheld": "busy"})
    again = Results(tmp_path, "x", "smoke", {"model": "a", "sizes": (1, 2)}, False)
    assert not again.lacks("one")
    assert again.lacks("two")
    assert again.lacks("three")
    with pytest.raises(SynthmedError, match="another model"):
        Results(tmp_path, "x", "smoke", {"model": "b", "sizes": (1, 2)}, False)
    assert Results(tmp_path, "x", "smoke", {"model": "b"}, True).rows == {}


@pytest.mark.parametrize(("others", "withheld"), [(0.4, False), (0.6, True)])
def test_a_busy_machine_writes_no_timing(
    others: float, withheld: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from benchmarks.timing import watched

    monkeypatch.setattr("benchmarks.timing._others", lambda before, after: others)
    row: dict[str, object] = {}
    with watched(row, 0.0):
        pass
    assert ("withheld" in row) == withheld


def test_the_load_of_others_leaves_out_this_process() -> None:
    from benchmarks.timing import _others

    before, after = (10.0, 100.0, 5.0), (20.0, 118.0, 13.0)  # 18 of 20 core-seconds, 8 of them ours
    assert _others(before, after) == pytest.approx(1.0)


def test_rates_and_ratios() -> None:
    from benchmarks.timing import paired_ratio, rate, ratio

    fast, slow = rate([1.0, 1.1, 0.9], [8, 8, 8]), rate([2.0, 2.0, 2.0], [8, 8, 8])
    assert fast["value"] == pytest.approx(8)
    assert fast["low"] < 8 < fast["high"]  # type: ignore[operator]
    times = ratio(fast, slow)
    assert times["value"] == pytest.approx(2)
    assert times["low"] < 2 < times["high"]  # type: ignore[operator]
    assert rate([1.0], [8])["low"] is None
    paired = paired_ratio([1.0, 2.0, 3.0], [2.0, 4.0, 6.0])  # drift is no error
    assert [paired[key] for key in ("value", "low", "high")] == pytest.approx([2, 2, 2])


def test_worse_images_are_found_and_equal_ones_pass() -> None:
    from benchmarks.quality import RealSide, distances, passes
    from benchmarks.samplers import Order

    draw = np.random.default_rng(0)
    real = {name: draw.normal(0, 1, (40, 16)) for name in "ab"}
    groups = {name: [f"{name}{i // 2}" for i in range(40)] for name in "ab"}
    margins = {metric: dict.fromkeys("ab", 0.02) for metric in ("KID", "CMMD")}
    side = RealSide(real, groups, margins, "made")
    orders = [Order(f"{n}-{i}", "", n, f"{n}{i // 2}") for n in "ab" for i in range(40)]
    base = {name: draw.normal(0, 1, (40, 16)) for name in "ab"}
    near = {name: x + draw.normal(0, 0.001, x.shape) for name, x in base.items()}
    far = {"a": base["a"], "b": base["b"] + 0.5}
    found = [{"distances": distances(side, orders, made, base)} for made in (near, far)]
    assert [passes(row) for row in found] == [True, False]
    assert found[1]["distances"]["KID"]["a"]["passes"]  # only the type that is worse


def test_prompts_are_shared_evenly_and_shuffled_ones_keep_their_noise(sources: Path) -> None:
    from benchmarks.data import read_rows
    from benchmarks.quality import judged_types, orders_of
    from benchmarks.samplers import Sampling, Variant, _chosen

    rows = read_rows(sources, "test")
    types = judged_types(rows, {}, None)
    orders = orders_of(rows, types, 31)
    assert [order.image_type for order in orders] == types * 16
    assert len({order.seed for order in orders}) == 32
    assert {order.group for order in orders} <= {row.group_id for row in rows}
    mixed = _chosen(Variant("x", "synthmed", Sampling(), 8, shuffled=True), orders)
    assert [order.seed for order in mixed] == [order.seed for order in orders]
    assert sorted(order.text for order in mixed) == sorted(order.text for order in orders)
    assert [order.text for order in mixed] != [order.text for order in orders]


def test_a_model_that_saw_the_judging_patients_is_refused(sources: Path) -> None:
    from benchmarks.data import read_rows, refuse_overlap

    from synthmed.datasets.splits import group_hashes

    rows = read_rows(sources, "test")
    with pytest.raises(SafetyError, match="1 of the judging groups"):
        refuse_overlap(rows, {"training_groups": group_hashes(rows[:1])})


def test_the_page_shows_the_results_that_are_kept() -> None:
    from benchmarks.render_docs import PAGE, RESULTS, render

    assert render(PAGE.read_text(), RESULTS) == PAGE.read_text(), "run benchmarks.render_docs"


def test_smoke_results_are_never_shown(tmp_path: Path) -> None:
    from benchmarks.common import Results
    from benchmarks.render_docs import section

    facts = {"settings": {"sizes": [1, 2, 3]}, "model": {"image_size": 8, "name": "m", "hash": "h"}}
    for profile in ("smoke", "cpu"):
        row = {"mebibytes": {"smoke": 111.0, "cpu": 222.0}[profile], "withheld": "busy"}
        results = Results(tmp_path, "generate_memory", profile, facts, False)
        assert "222" not in section("generate_memory", tmp_path)
        results.add("synthmed generate, 1 images, run 1", row)
    shown = section("generate_memory", tmp_path)
    assert "222" in shown
    assert "withheld" in shown
    assert "111" not in shown
    assert section("training_throughput", tmp_path) == "*Not yet run.*\n"
