from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tiny_runs import largest_file

from synthmed.errors import SynthmedError
from synthmed.training.disk import write_json, writing


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (errno.ENOSPC, r"^the disk is full \[somewhere\]. Mend that and continue with --resume"),
        (errno.EDQUOT, r"^the disk is full "),
        (errno.EROFS, r"^cannot write: Read-only file system \[somewhere\]"),
        (errno.EACCES, r"^cannot write: Permission denied "),
    ],
)
def test_what_cannot_be_written_is_one_clear_error(code: int, message: str) -> None:
    with pytest.raises(SynthmedError, match=message), writing(Path("somewhere")):
        raise OSError(code, os.strerror(code))


def test_other_errors_pass() -> None:
    with pytest.raises(FileNotFoundError), writing(Path("somewhere")):
        Path("/no/such/file").read_text()
    with pytest.raises(ValueError, match="x"), writing(Path("somewhere")):
        raise ValueError("x")


def test_safetensors_own_errors_are_understood(tmp_path: Path) -> None:
    message = "cannot write: File too large"
    with largest_file(10_000), pytest.raises(SynthmedError, match=message), writing(tmp_path):
        save_file({"a": torch.zeros(10_000)}, tmp_path / "a.safetensors")


def test_json_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.json"
    write_json(file, {"n": 1})

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(KeyboardInterrupt):
            write_json(file, {"n": 2})
    assert json.loads(file.read_text()) == {"n": 1}
    write_json(file, {"n": 3})
    assert json.loads(file.read_text()) == {"n": 3}
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]
