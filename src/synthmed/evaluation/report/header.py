"""What stands at the head of a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any


@dataclass(frozen=True)
class Header:
    """Who was compared with whom, by which command and software.

    The sets are dicts of facts with at least ``name`` and ``n``; ``path``, ``groups``, ``types``
    ({name: n}), ``content_hash``, ``licences`` and ``generator`` have their own words on the
    page, and other facts are shown after them.

    Attributes:
        title: The report's heading.
        created: The date. The caller gives it, so that equal runs give equal reports.
        command: The command that was given.
        software: Versions by name.
        real: Facts of the real set.
        synthetic: Facts of the synthetic set.
        train: Facts of the generator's training set.
        holdout: Facts of the hold-out set.
        settings: All settings of the run, JSON values.
        warnings: What concerns the whole report.
    """

    title: str
    created: str
    command: str
    software: Mapping[str, str]
    real: Mapping[str, Any]
    synthetic: Mapping[str, Any]
    train: Mapping[str, Any] | None = None
    holdout: Mapping[str, Any] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def sides(self) -> dict[str, dict[str, Any]]:
        """The sets that are there, by role; of an absolute path only the last part is kept."""
        roles = ("synthetic", "real", "train", "holdout")
        found = {role: getattr(self, role) for role in roles}
        return {role: _relative(facts) for role, facts in found.items() if facts is not None}

    def to_dict(self) -> dict[str, Any]:
        """The header as in report.json; its warnings stand with the others there."""
        sides = self.sides
        return {
            "title": self.title,
            "created": self.created,
            "command": self.command,
            "software": dict(self.software),
            **{role: sides.get(role) for role in ("real", "synthetic", "train", "holdout")},
            "settings": dict(self.settings),
        }


def _relative(facts: Mapping[str, Any]) -> dict[str, Any]:
    path = PurePath(str(facts.get("path") or ""))
    return {**facts, "path": path.name} if path.is_absolute() else dict(facts)
