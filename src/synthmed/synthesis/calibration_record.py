"""Keep a calibration in a Generator's card: pair by pair, each write whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synthmed.errors import SynthmedError
from synthmed.imaging.writing import write_atomic
from synthmed.models.bundled import bundled_models
from synthmed.synthesis.journal import remove_temporary

CARD = "synthmed.json"
Entry = dict[str, Any]


@dataclass
class CalibrationRecord:
    """The calibration in a card, as far as it was made with the same settings.

    Attributes:
        card: The file synthmed.json.
        header: What all pairs share: format, settings, extractor, hash of the weights, ...
        domains: The Generator's domains, for the order of the pairs.
        entries: The pairs that are done, by (source, target).
        groups: Hashes of all groups that were measured on, in this run or an earlier one.
    """

    card: Path
    header: Mapping[str, Any]
    domains: Sequence[str]
    entries: dict[tuple[str, str], Entry] = field(default_factory=dict)
    groups: set[str] = field(default_factory=set)

    @classmethod
    def open(
        cls, card: Path, header: Mapping[str, Any], domains: Sequence[str]
    ) -> CalibrationRecord:
        """Take up what an earlier run left; pairs of other settings or weights are forgotten.

        Raises:
            SynthmedError: The card cannot be read.
        """
        record = cls(card, header, domains)
        remove_temporary(card.parent)  # of a run that was killed while it wrote
        kept = read_card(card).get("calibration")
        if isinstance(kept, dict) and all(kept.get(name) == header[name] for name in header):
            pairs, groups = kept.get("pairs"), kept.get("groups")
            record.groups |= set(map(str, groups)) if isinstance(groups, list) else set()
            for entry in pairs if isinstance(pairs, list) else ():
                if isinstance(entry, dict) and {"source", "target"} <= entry.keys():
                    record.entries[entry["source"], entry["target"]] = entry
        return record

    def has(self, source: str, target: str, made_of: Mapping[str, Any]) -> bool:
        """Whether a pair was measured on the same images at the same depths."""
        entry = self.entries.get((source, target), {})
        return bool(entry) and all(entry.get(name) == made_of[name] for name in made_of)

    def add(self, entry: Entry, groups: Iterable[str]) -> None:
        """Write a measured pair into the card; the weights are not touched.

        Args:
            entry: The pair.
            groups: Hashes of the groups that it was measured on.

        Raises:
            SynthmedError: The disk is full, or the card cannot be read or written.
        """
        self.entries[entry["source"], entry["target"]] = entry
        self.groups |= set(groups)
        place = {domain: i for i, domain in enumerate(self.domains)}
        order = sorted(self.entries, key=lambda pair: tuple(place.get(d, len(place)) for d in pair))
        card = read_card(self.card)  # anew: others may have changed another part of it
        pairs = [self.entries[pair] for pair in order]
        card["calibration"] = {**self.header, "groups": sorted(self.groups), "pairs": pairs}
        text = json.dumps(card, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        write_atomic(self.card, text.encode("utf-8"))


def read_card(file: Path) -> dict[str, Any]:
    """Read a card.

    Raises:
        SynthmedError: It is not there, or no JSON object.
    """
    try:
        card = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        card = None
    if not isinstance(card, dict):
        raise SynthmedError(
            "no generator's card that can be read",
            where=file,
            mend="Give the folder of a generator that synthmed train or save wrote.",
        )
    return card


def card_of(model: Path) -> Path:
    """Find the card of a Generator's folder that may be written to.

    Raises:
        SynthmedError: No such folder, or a bundled generator.
    """
    bundled = bundled_models()
    if str(model) in bundled or model in bundled.values():
        raise SynthmedError(
            "a bundled generator stays as it is", where=model, mend="Calibrate a copy of it."
        )
    return model / CARD
