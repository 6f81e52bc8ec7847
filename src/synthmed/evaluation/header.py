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
from synthmed.evaluation.patients import without_patient
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
        real=_real_facts(context.real) | _files(context, "real"),
        synthetic=side_facts(context.synthetic) | _files(context, "synthetic"),
        train=_real_facts(context.train) if context.train else None,
        holdout=_real_facts(context.holdout) if context.holdout else None,
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


def _real_facts(side: Side) -> dict[str, Any]:
    """The same, with the number of images whose patient is unknown, if there are any."""
    unknown = int(without_patient(side).sum())
    return side_facts(side) | ({"patients_unknown": unknown} if unknown else {})


def _files(context: Context, role: str) -> dict[str, Any]:
    """The files of a side by kind, where they were looked at."""
    return {"files": context.files[role]} if role in context.files else {}
