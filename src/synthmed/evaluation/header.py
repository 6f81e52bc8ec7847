"""What a report says of the sets that it compares."""

from __future__ import annotations

import hashlib
import platform
from collections import Counter
from collections.abc import Mapping
from datetime import date
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from synthmed.evaluation.context import Context
from synthmed.evaluation.sides import Side

if TYPE_CHECKING:
    from synthmed.evaluation.report import Header

_LIBRARIES = ("synthmed", "torch", "numpy", "scipy", "scikit-learn", "matplotlib", "pillow")


def header_of(context: Context, *, settings: Mapping[str, Any], command: str) -> Header:
    """Say who was compared, with what, and how it was asked for.

    Args:
        context: The compared sides.
        settings: All settings, as JSON values.
        command: The command that was given.
    """
    from synthmed.evaluation.report import Header

    software = {name: version(name) for name in _LIBRARIES}
    return Header(
        title=f"{context.synthetic.path.resolve().name} against {context.real.path.resolve().name}",
        created=date.today().isoformat(),
        command=command,
        software={"python": platform.python_version(), **software},
        real=side_facts(context.real),
        synthetic=side_facts(context.synthetic),
        train=side_facts(context.train) if context.train else None,
        holdout=side_facts(context.holdout) if context.holdout else None,
        settings={**settings, "size": context.real.size, "channels": context.real.pixels.shape[1]},
        warnings=context.warnings,
    )


def side_facts(side: Side) -> dict[str, Any]:
    """Describe a side: its name, numbers of images, groups and types, and a hash of its files.

    The path is only its last part; no name of a patient is given.
    """
    facts: dict[str, Any] = {
        "name": side.name,
        "path": side.path.resolve().name,
        "n": len(side),
        "groups": len(set(side.groups)),
        "types": dict(Counter(str(kind) for kind in side.kinds).most_common()),
        "content_hash": hashlib.sha256("\n".join(sorted(side.digests)).encode()).hexdigest(),
        "rejected": len(side.rejected),
    }
    licences = side.info.get("licences") or sorted(
        {str(row.extra["licence"]) for row in side.rows if row.extra.get("licence")}
    )
    if licences:
        facts["licences"] = licences
    generation = side.info.get("generation", {})
    for key in ("generator", "generator_hash", "seed", "steps", "guidance", "solver"):
        if generation.get(key) is not None:
            facts[key] = generation[key]
    return facts
