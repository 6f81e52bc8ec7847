"""Where and in which precision to compute."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch

from synthmed.errors import SynthmedError


def pick_device(name: str) -> torch.device:
    """Take a GPU where there is one for "auto"; other names are torch's.

    Raises:
        SynthmedError: No such device on this machine.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise SynthmedError(f"no device {name!r} here", mend="Use auto or cpu.") from error
    return device


def has_bfloat16(device: torch.device) -> bool:
    """Whether the processor computes in bfloat16 itself rather than emulating it."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and bool(torch.cpu._is_avx512_bf16_supported())


def autocast(device: torch.device, dtype: str) -> AbstractContextManager[object]:
    """Autocast to bfloat16 if asked for and supported by the processor, else do nothing.

    Raises:
        SynthmedError: Neither "bfloat16" nor "float32".
    """
    if dtype not in ("bfloat16", "float32"):
        raise SynthmedError(f"unknown dtype {dtype!r}", mend="Use bfloat16 or float32.")
    enabled = dtype == "bfloat16" and has_bfloat16(device)
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=enabled)


def pick_dtype(name: str, device: str) -> str:
    """Take bfloat16 where the processor computes in it for "auto".

    Raises:
        SynthmedError: Not "auto", "bfloat16" or "float32".
    """
    if name == "auto":
        return "bfloat16" if has_bfloat16(pick_device(device)) else "float32"
    if name not in ("bfloat16", "float32"):
        raise SynthmedError(f"unknown dtype {name!r}", mend="Use auto, bfloat16 or float32.")
    return name
