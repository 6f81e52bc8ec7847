"""Where an instance belongs: its patient, study, series and numbers."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from synthmed.datasets.exporters.dicom.uids import uid
from synthmed.datasets.exporters.job import Job
from synthmed.datasets.exporters.kinds import kind_of
from synthmed.datasets.exporters.pixels import number
from synthmed.datasets.rows import Row, as_text


@dataclass(frozen=True)
class Place:
    """Identifiers of one instance.

    Attributes:
        patient: Patient's Name and ID: "SYN-" for generated and edited images, "PSEUDO-" for real
            ones, and 16 hex digits.
        study: Study Instance UID, one a patient.
        series: Series Instance UID, one a patient, image type and series of the dataset.
        instance: SOP Instance UID.
        series_number: Within the study, from 1.
        instance_number: The dataset's own instance number, else the count within the series.
        file: Name of the file, relative to the export.
    """

    patient: str
    study: str
    series: str
    instance: str
    series_number: int
    instance_number: int
    file: str


@dataclass
class Places:
    """Gives every row its place, in the order of the rows.

    Args:
        job: The export.
        sop: What kind of object is written; another kind, other UIDs.
    """

    job: Job
    sop: str
    _series: dict[str, dict[tuple[str, ...], int]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    _counts: dict[tuple[str, ...], int] = field(default_factory=lambda: defaultdict(int))

    def __call__(self, row: Row) -> Place:
        """Give the next row's place."""
        key, job = self.job.key, self.job
        synthetic = kind_of(row) != "real"
        prefix = "SYN-" if synthetic else "PSEUDO-"
        patient = prefix + job.pseudonym(row.group_id).upper()
        own = (row.image_type, as_text(row.extra.get("series_id")))
        known = self._series[patient]
        series_number = known.setdefault(own, len(known) + 1)
        self._counts[(patient, *own)] += 1
        count = self._counts[(patient, *own)]
        stated = number(row, "instance")
        own_number = stated is not None and 0 <= stated < 2**31 and stated == int(stated)
        return Place(
            patient=patient,
            study=uid("study", key, patient),
            series=uid("series", key, patient, self.sop, *own),
            instance=uid("instance", key, self.sop, job.name(row)),
            series_number=series_number,
            instance_number=int(stated) if own_number and stated is not None else count,
            file=f"{row.split}/{patient}/S{series_number:03d}/I{count:06d}.dcm",
        )


def source_uid(row: Row, *, link: bool) -> tuple[str, bool]:
    """Give the SOP Instance UID of the image that a row was edited from.

    Args:
        row: An edited row.
        link: Give the original's UID where the row holds it (column `original_sop_instance_uid`).

    Returns:
        The UID, and whether it is the original one. By default it is the de-identified one: the
        column `source_sop_instance_uid`, else one made of a hash of the source's group and file.
    """
    if link and _is_uid(original := as_text(row.extra.get("original_sop_instance_uid"))):
        return original, True
    if _is_uid(given := as_text(row.extra.get("source_sop_instance_uid"))):
        return given, False
    source = as_text(row.extra.get("source_hash")) or as_text(row.extra.get("source_file"))
    return uid("source", row.group_id, source), False


def _is_uid(text: str) -> bool:
    """Tell whether a text is a UID (PS3.5, 9.1): up to 64 characters, no leading zeros."""
    parts = text.split(".")
    good = all(p.isascii() and p.isdigit() and (p == "0" or p[0] != "0") for p in parts)
    return good and len(parts) > 1 and len(text) <= 64
