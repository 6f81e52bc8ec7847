"""Devices and dtypes: what "auto" takes, what is refused."""

from __future__ import annotations

import pytest
import torch

from synthmed.errors import SynthmedError
from synthmed.models import device as module
from synthmed.models.device import autocast, has_bfloat16, pick_device, pick_dtype

CPU = torch.device("cpu")


def test_auto_takes_a_gpu_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for there, kind in ((True, "cuda"), (False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        assert pick_device("auto").type == kind
    assert pick_device("cpu") == CPU


@pytest.mark.parametrize("name", ["abacus", "cuda:99", "", "cpu:x"])
def test_a_device_that_is_not_here(name: str) -> None:
    with pytest.raises(SynthmedError, match=f"no device '{name}' here"):
        pick_device(name)


def test_auto_takes_bfloat16_where_the_processor_computes_in_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for there, kind in ((True, "bfloat16"), (False, "float32")):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda there=there: there)
        assert has_bfloat16(CPU) == there
        assert pick_dtype("auto", "cpu") == kind
        assert pick_dtype("float32", "cpu") == "float32"
        assert pick_dtype("bfloat16", "cpu") == "bfloat16"
    assert not has_bfloat16(torch.device("mps"))


@pytest.mark.parametrize("name", ["float16", "half", ""])
def test_another_dtype_is_refused(name: str) -> None:
    with pytest.raises(SynthmedError, match="unknown dtype"):
        pick_dtype(name, "cpu")
    with pytest.raises(SynthmedError, match="unknown dtype"):
        autocast(CPU, name)


@pytest.mark.parametrize(
    ("dtype", "supported", "result"),
    [
        ("bfloat16", True, torch.bfloat16),
        ("bfloat16", False, torch.float32),
        ("float32", True, torch.float32),
    ],
)
def test_autocast_acts_where_asked_for_and_supported(
    monkeypatch: pytest.MonkeyPatch, dtype: str, supported: bool, result: torch.dtype
) -> None:
    monkeypatch.setattr(module, "has_bfloat16", lambda device: supported)
    matrix = torch.eye(4)
    with autocast(CPU, dtype):
        assert (matrix @ matrix).dtype == result
    assert (matrix @ matrix).dtype == torch.float32
