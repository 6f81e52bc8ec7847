"""CTs that name no patient: each counts as one of its own, which is said and recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from synthmed.datasets.importers.pseudonyms import Pseudonyms
from synthmed.xray.sources import Source

RECORD = "unknown_patients"
"""Where dataset.json says so; `synthmed.evaluation.patients` reads it."""


def unknown_patients(
    sources: Sequence[Source], pseudonyms: Pseudonyms, *, by_patient: bool
) -> dict[str, Any]:
    """Tell which CTs name no patient, where that may part or mix up patients.

    Args:
        sources: The CTs of a run.
        pseudonyms: Make the groups.
        by_patient: Whether the splits are drawn by patient.

    Returns:
        For dataset.json: the sentence `note` for the user, and `groups`, the `group_id` of each
        such CT. {} where every CT names its patient, and for a single CT that goes to one split.
    """
    nameless = [source for source in sources if source.nameless]
    if not nameless or (len(sources) == 1 and not by_patient):
        return {}
    some = "this" if len(sources) == 1 else f"one of the {len(sources)} CTs"
    what = (  # no name of a file: dataset.json is passed on
        f"volumes these {len(nameless)} are: each file"
        if len(nameless) > 1
        else f"volume {some} is: it"
    )
    note = (
        f"nothing says whose {what} counts as a patient of its own; where a patient has several, "
        "give the files or their folders names that begin with sub-PATIENT"
    )
    groups = [pseudonyms.group(source.subject) for source in nameless]
    return {"note": note, "groups": groups}
