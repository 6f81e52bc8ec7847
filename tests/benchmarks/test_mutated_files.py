"""mutated_files: damage is seeded and real, outcomes are told apart, a small run works."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest


def test_damage_is_seeded_and_damages(tmp_path: Path) -> None:
    from benchmarks.mutated_files import digest
    from benchmarks.mutations import CHANGES
    from benchmarks.seed_files import seed_files

    seeds = seed_files(tmp_path / "seeds")
    before = digest(seeds)
    assert len(seeds) > 25
    for name, change in CHANGES.items():
        changed = 0
        for number, seed in enumerate(seeds):
            data = seed.read_bytes()
            first, second = (change(data, np.random.default_rng([number, 7])) for _ in range(2))
            assert first == second
            changed += first != data
        assert changed > 0.8 * len(seeds), name
    assert digest(seeds) == before
    seeds[0].write_bytes(b"x")
    assert digest(seeds) != before


def test_seeds_are_intact(tmp_path: Path) -> None:
    from benchmarks.mutated_files import read
    from benchmarks.seed_files import seed_files

    seeds = list(seed_files(tmp_path))
    assert len(seeds) > 10
    for seed in seeds:
        read(os.fsencode(seed))


def outcomes_for_test(what: str) -> str:
    if what == "crash":
        os.abort()
    if what == "hang":
        time.sleep(60)
    if what == "refused":
        from synthmed.errors import SynthmedError

        raise SynthmedError("no", where="a")
    if what == "memory":
        return str(np.ones(2**25).sum())  # 256 MiB
    if what == "escaped":
        raise KeyError(what)
    return what


def test_a_guarded_call_tells_outcomes_apart() -> None:
    from benchmarks.guarded import Guarded

    guard = Guarded(f"{__name__}:outcomes_for_test", 60.0)
    try:
        pytest.importorskip("resource")
        kinds = {}
        for what in ("result", "refused", "escaped", "crash", "result", "memory"):
            kinds[what] = guard(what)
            assert kinds[what].kind == {"memory": "result"}.get(what, what)
        if kinds["memory"].mebibytes is not None:
            assert kinds["memory"].mebibytes > 250 > 20 > kinds["result"].mebibytes
        guard.limit = 1.0
        assert guard("hang").kind == "hang"
    finally:
        guard.close()


def test_the_verdicts_find_faults() -> None:
    from benchmarks.mutated_files import tables

    row = {"kind": "bomb", "seconds": 0.1, "mebibytes": 5.0, "control_mebibytes": 9.0}
    row |= {"control": "crash"}
    rows = {
        "a": {**row, "outcome": "result"},
        "b": {**row, "outcome": "escaped", "reason": "x", "says_where": False, "mebibytes": 900.0},
        "intact files": {"kind": "intact", "unchanged": False},
    }
    table = tables({"rows": rows, "mebibytes": 768.0})[0]
    assert list(table.lines[0]) == ["bomb", "1", "0", "1", "0", "0", "900", "2"]
    text = table.text()
    assert "a reason: 1 ['b']" in text
    assert "unchanged: NO" in text


@pytest.mark.slow
def test_smoke_profile(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from benchmarks import mutated_files as script

    script.main(["--results", str(tmp_path)])
    out = capsys.readouterr().out
    assert "Other outcomes than a result or a reason: 0" in out
    assert "one printable line with the file: 0" in out
    assert "Intact files unchanged: yes" in out
