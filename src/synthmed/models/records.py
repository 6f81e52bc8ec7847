"""Records: what conditions an image, one value a conditioner; and the checks on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from synthmed.errors import SynthmedError
from synthmed.models.conditioners import Conditioner

Record = str | Mapping[str, str]
"""A condition: a prompt, or one value a conditioner (`{"text": ..., "domain": ...}`)."""


def tokens_of(conditioners: Mapping[str, Conditioner], records: Sequence[Record]) -> Tensor:
    """Tokens `(B, L, D)` of the records, the conditioners' joined along L in their order.

    Args:
        conditioners: By name.
        records: A prompt counts as the field "text"; a missing field is its conditioner's null.

    Raises:
        SynthmedError: A field that no conditioner reads, an unknown label, a text too long.
    """
    filled = [{"text": record} if isinstance(record, str) else record for record in records]
    for field in (field for record in filled for field in record):
        if field not in conditioners:
            raise SynthmedError(
                f"the model has no condition {field!r}", mend=f"Known: {', '.join(conditioners)}."
            )
    return torch.cat(
        [
            conditioner([record.get(name, "") for record in filled])
            for name, conditioner in conditioners.items()
        ],
        dim=1,
    )


def check_count(records: Sequence[Record], items: Sequence[Any] | Tensor, name: str) -> None:
    """Check that there is one record per item, and at least one.

    Raises:
        SynthmedError: There is not.
    """
    if len(records) != len(items) or len(records) == 0:
        raise SynthmedError(
            f"{len(records)} conditions for {len(items)} {name}", mend="Give one condition each."
        )
