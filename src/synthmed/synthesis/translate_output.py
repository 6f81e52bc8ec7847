"""What a translation writes: an image file a source, then tables, rejected.csv, dataset.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from synthmed.datasets.exporters.fidelity import NOT_MEASURED
from synthmed.datasets.exporters.kinds import kind_of
from synthmed.datasets.exporters.provenance import EDITED_NOTICE, NOTICE
from synthmed.datasets.exporters.tables import csv_bytes
from synthmed.datasets.rows import Row
from synthmed.datasets.writing import DatasetWriter, spec_columns
from synthmed.imaging.spec import FloatArray, ImageSpec, spec_8bit
from synthmed.imaging.writing import write_atomic, write_png
from synthmed.synthesis.provenance import DIGITAL_SOURCE_TYPE, SOFTWARE, xmp_packet
from synthmed.synthesis.translate_items import Source, Sources

REJECTED = "rejected.csv"
COMPOSITE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""IPTC's "Edited using Generative AI"; images of no patient stay `DIGITAL_SOURCE_TYPE`."""
_MOVED = ("seed", "prompt", "negative_prompt")  # of a generated source, beside what we write
# Of the source's dataset.json; the last two say whose patients are unknown.
_CARRIED = ("sources", "licences", "split_rule", "import", "unknown_patients")


@dataclass(frozen=True)
class Output:
    """The dataset folder of a translation.

    Attributes:
        out: The folder.
        settings: What decides the bytes; JSON values. `target`, `depths` by source domain,
            `generator`, `generator_hash`, `guidance`, `steps`, `solver`, `detail`, `inversion`,
            `codec_psnr` by image type.
    """

    out: Path
    settings: Mapping[str, Any]

    def path(self, source: Source) -> Path:
        """Give the path of a translation."""
        return self.out / source.row.split / source.row.file_name

    def write(self, source: Source, image: FloatArray, spec: ImageSpec) -> None:
        """Write one image with the source's bits (8, or 16 where it has more), marked as edited.

        Args:
            source: What it was made of.
            image: (1 or 3, H, W) in [-1, 1].
            spec: The source's spec.

        Raises:
            SynthmedError: The disk is full, or the image holds NaN.
        """
        bits = 16 if spec.bits > 8 else 8
        chunks = self._chunks(source, bits)
        write_png(self.path(source), image, chunks, xmp_packet(chunks), bits=bits)

    def row(self, source: Source, spec: ImageSpec) -> Row:
        """Give a translation's row: what the source's says, the target's domain, how it was made.

        What the source's row says under the columns of the making (`seed`, `generator`, ...) is
        kept under the same names with "source_" before them.
        """
        made = self._made(source)
        moved = {*made, *_MOVED}
        kept = {
            f"source_{name}" if name in moved else _column(name): value
            for name, value in source.row.extra.items()
        }
        reference = {"source_sop_instance_uid": source.sop_uid} if source.sop_uid else {}
        return replace(
            source.row,
            file=self.path(source),
            domain=str(self.settings["target"]),
            modality=source.row.modality or spec.modality,
            extra={**spec_columns(spec), **reference, **kept, **made},
        )

    def finish(
        self,
        sources: Sources,
        entries: Mapping[str, Mapping[str, Any]],
        rejected: Sequence[tuple[str, str]],
        about: Mapping[str, Any],
    ) -> None:
        """Write the tables in the order of the sources, rejected.csv, and dataset.json last.

        Args:
            sources: The sources.
            entries: What the journal says of each finished one, by `Source.key`.
            rejected: File and reason of what could not be translated.
            about: What dataset.json says besides.

        Raises:
            SynthmedError: The disk is full, or an image is missing.
        """
        specs = {
            key: ImageSpec.from_dict(entry["spec"])
            for key, entry in entries.items()
            if "spec" in entry
        }
        common = max(specs.values(), key=lambda s: (s.channels, s.bits), default=spec_8bit(1, ""))
        derived = any(_derived(s) for s in sources.images if s.key in specs)
        info = {name: sources.info[name] for name in _CARRIED if name in sources.info}
        writer = DatasetWriter(
            self.out,
            replace(common, spacing=None, window=None),  # those are the rows' own
            {
                **info,
                "synthetic": True,
                "derived_from_patient": derived,
                "notice": EDITED_NOTICE if derived else NOTICE,
                "digital_source_type": COMPOSITE if derived else DIGITAL_SOURCE_TYPE,
                "generation": dict(self.settings),
                **about,
            },
        )
        for source in sources.images:
            if source.key in specs:
                writer.add(self.row(source, specs[source.key]), None)
        if rejected:
            lines = [{"file": file, "reason": reason} for file, reason in rejected]
            write_atomic(self.out / REJECTED, b"".join(csv_bytes(lines, ["file", "reason"])))
        writer.finish()

    def _made(self, source: Source) -> dict[str, Any]:
        """How a translation was made, by column."""
        names = ("generator", "generator_hash", "guidance", "steps", "solver", "detail")
        return {
            "synthetic": True,
            "derived_from_patient": _derived(source),
            "source_file": "" if source.loose else source.name,
            "source_hash": source.sha256,
            "source_domain": source.domain,
            "depth": float(self.settings["depths"][source.domain]),
            **{name: self.settings[name] for name in names},
        }

    def _chunks(self, source: Source, bits: int) -> dict[str, str]:
        """The text chunks of a translation's PNG; no name of a file and no text of a patient."""
        derived, made = _derived(source), self._made(source)
        hidden = ("synthetic", "derived_from_patient", "source_file", "source_hash")
        chunks = {
            "Software": SOFTWARE,
            "Source": "synthetic, edited from a real image" if derived else "synthetic",
            "Disclaimer": EDITED_NOTICE if derived else NOTICE,
            "DigitalSourceType": COMPOSITE if derived else DIGITAL_SOURCE_TYPE,
            **{name: str(value) for name, value in made.items() if name not in hidden},
            "domain": str(self.settings["target"]),
        }
        if bits > 8:
            figure = self.settings["codec_psnr"].get(source.row.image_type)
            chunks["codec_psnr"] = NOT_MEASURED if figure is None else f"{figure:.1f} dB"
        return chunks


def _derived(source: Source) -> bool:
    """Whether a source shows a patient: whatever does not say that it was generated."""
    return kind_of(source.row) != "generated"


def _column(name: str) -> str:
    """A column's name, changed where readers would take the column for an image."""
    taken = name == "image" or name.endswith(("_file_name", "_file_names"))
    return f"{name}_of_source" if taken else name
