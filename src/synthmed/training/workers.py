"""Several processes that train one model, started by `accelerate launch` or `torchrun`.

Each process computes an equal share of every batch; gradients and losses are averaged, the first
process alone validates, samples and writes. One process, the usual case, does all of it as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import TypeVar

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list
from torch import distributed, nn

from synthmed.errors import SynthmedError

Value = TypeVar("Value")


def begin(device: str) -> None:
    """Join the other processes, if a launcher started any.

    Args:
        device: The recipe's device; "cpu" keeps the processes off the GPUs.
    """
    PartialState(cpu=device == "cpu" or not torch.cuda.is_available())


def _state() -> PartialState:
    return PartialState(cpu=not torch.cuda.is_available())


def is_first() -> bool:
    """Whether this process is the one that writes."""
    return bool(_state().is_main_process)


def first_process_first() -> AbstractContextManager[None]:
    """The other processes enter the block when the first has left it, and find what it wrote."""
    entered: AbstractContextManager[None] = _state().main_process_first()
    return entered


def wait() -> None:
    """Wait until all processes are here."""
    _state().wait_for_everyone()


def share(count: int) -> slice:
    """This process's part of a batch of `count`.

    Raises:
        SynthmedError: The batch cannot be shared evenly.
    """
    state = _state()
    size, rest = divmod(count, state.num_processes)
    if rest:
        raise SynthmedError(
            f"a batch of {count} cannot be shared by {state.num_processes} processes",
            mend="Choose a batch_size that is a multiple of their number.",
        )
    return slice(size * state.process_index, size * (state.process_index + 1))


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace each process's gradients by their mean over the processes."""
    count = _state().num_processes
    if count == 1:
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    distributed.all_reduce(flat)
    parts = flat.div_(count).split([gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view(gradient.shape))


def average(figures: Mapping[str, float]) -> dict[str, float]:
    """Mean of each figure over the processes."""
    state = _state()
    if state.num_processes == 1:
        return dict(figures)
    values = torch.tensor(list(figures.values()), dtype=torch.float32, device=state.device)
    distributed.all_reduce(values)
    return dict(zip(figures, (values / state.num_processes).tolist(), strict=True))


def agreed(value: Value) -> Value:
    """What the first process says, for all of them."""
    if _state().num_processes == 1:
        return value
    said: list[Value] = broadcast_object_list([value])
    return said[0]
