"""The section's tables: each number of the synthetic set above that of real patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synthmed.evaluation.fidelity_parts.compare import DISTANCES, DIVERSITY, NEIGHBOURS, TEXTURE
from synthmed.evaluation.fidelity_parts.strata import Stratum
from synthmed.evaluation.sections import Table

NAMES = {
    "kid": "KID",
    "cmmd": "CMMD",
    "frechet": "Fréchet",
    "feature-diversity": "feature diversity",
    "ms-ssim-difference": "MS-SSIM difference",
    "high-frequency-ratio": "fine detail",
    "spectrum-difference": "spectrum difference (dB)",
}
"""How tables call metrics; others go by their own names."""
_HALVES = (
    "'real halves' compares two halves of the real set, no patient in both: what the number is "
    "between equals."
)


def tables(entries: Mapping[str, Any], parts: Sequence[Stratum], within: str) -> list[Table]:
    """Make the section's tables.

    Args:
        entries: By title of a stratum what ``compare.compared`` gave.
        parts: All strata, those that were not compared among them.
        within: Within what diversity was compared.
    """
    made = [
        _table("Distances to real images", DISTANCES, entries, ["Low is good.", _HALVES]),
        _table(
            "Neighbours: realism (precision, density) and variety (recall, coverage)",
            NEIGHBOURS,
            entries,
            ["High is good; a density far above 1 means crowding. " + _HALVES],
        ),
        _table(
            "Diversity and texture",
            (*DIVERSITY, *TEXTURE),
            entries,
            [
                f"Diversity is compared within each {within}; its ratio is 1 where synthetic and "
                "real images are as diverse. MS-SSIM of pairs, synthetic less real: above 0 is "
                "more alike. Fine detail: power above half the Nyquist frequency over that of "
                "the real images; 1 is right.",
                _HALVES,
            ],
        ),
    ]
    few = [[part.title, part.reason] for part in parts if part.reason]
    if few:
        made.append(Table("Not compared", ("images", "reason"), few))
    return made


def _table(
    title: str, names: Sequence[str], entries: Mapping[str, Any], notes: Sequence[str]
) -> Table:
    header = ("images", "compared", "n a side", *(NAMES.get(name, name) for name in names))
    lines = []
    for stratum, entry in entries.items():
        for key, word in (("synthetic", "synthetic"), ("baseline", "real halves")):
            n = entry["n_compared" if key == "synthetic" else "n_baseline"]
            cells = [_cell(entry["metrics"][name][key]) for name in names]
            lines.append([stratum if key == "synthetic" else "", word, f"{n:,}", *cells])
    return Table(title, header, lines, notes)


def _cell(number: Mapping[str, float] | None) -> str:
    if number is None:
        return "not measurable"
    return f"{number['value']:.3g} [{number['low']:.3g}, {number['high']:.3g}]"
