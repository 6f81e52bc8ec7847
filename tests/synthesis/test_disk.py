from __future__ import annotations

import errno
import os
import re
from pathlib import Path
from typing import Any

import pytest
from killed_runs import run
from test_resume import contents

from synthmed.datasets import read_dataset
from synthmed.errors import SynthmedError


# The writes: the plan, batches of 3, 2 and 3 images, the table and dataset.json.
@pytest.mark.parametrize(
    ("full_at", "made"),
    [(1, 8), (2, 8), (4, 8), (5, 5), (6, 5), (7, 3), (9, 3), (10, 0), (11, 0)],
)
def test_a_full_disk_is_one_error_with_nothing_half_written(
    full_at: int, made: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path / "whole")
    out, calls = tmp_path / "out", 0
    write_bytes = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        nonlocal calls
        calls += 1
        if calls < full_at:
            return write_bytes(path, data)
        write_bytes(path, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    message = (
        f"the disk is full [{out}]. "
        "Free some space and give the same command again: finished images are kept."
    )
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(SynthmedError, match=f"^{re.escape(message)}$"):
            run(out)
    reference = contents(tmp_path / "whole")
    left = contents(out)
    left.pop("rows.jsonl.partial", None)
    assert left.items() <= reference.items()
    assert run(out).made == made
    assert contents(out) == reference


def test_a_full_disk_in_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0

    def full(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    run(tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(SynthmedError, match=r"^the disk is full "):
            run(tmp_path / "out")
    journal = (tmp_path / "out" / "rows.jsonl.partial").read_text()
    assert journal.count("\n") == 3
    assert journal.endswith("\n")
    assert run(tmp_path / "out").made == 5
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    assert len(read_dataset(tmp_path / "out").rows) == 8


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: Any, **__: Any) -> int:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), "/somewhere")

    monkeypatch.setattr(Path, "write_bytes", denied)
    with pytest.raises(
        SynthmedError, match=r"^cannot write: Read-only file system \[/somewhere\]$"
    ):
        run(tmp_path / "out")
