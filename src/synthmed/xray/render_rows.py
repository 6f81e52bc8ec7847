"""The files and rows of renders: images, masks, and all that a render can be replayed from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed import __version__
from synthmed.datasets.rows import Row
from synthmed.imaging.spec import ImageSpec, spec_range
from synthmed.imaging.writing import write_mask, write_png
from synthmed.xray.exposure import Exposure
from synthmed.xray.render_plan import Job, slug
from synthmed.xray.scene import Scene

DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/dataDrivenMedia"
NOTICE = (
    "Simulated X-ray, rendered from a patient's CT. It derives from that patient and is not "
    "anonymous: what holds for the CT (consent, access, law) holds for it. Not for diagnosis or "
    "treatment; not to be passed off as a radiograph."
)
MODALITY = "X-ray"


@dataclass(frozen=True)
class Subject:
    """What all renders of one CT have in common.

    Attributes:
        number: Number of the CT in the run, from 0.
        group_id: The patient's pseudonym.
        split: "train", "val" or "test".
        source_hash: Hash of the volume.
        cells: Contract columns: `body_part`, `image_type`, and `age` and `sex` where known.
    """

    number: int
    group_id: str
    split: str
    source_hash: str
    cells: Mapping[str, Any]


def spec_of(bits: int, scene: Scene | None = None) -> ImageSpec:
    """Give the spec of the written files; spacing is the pixels' on the detector, in mm."""
    spacing = None
    if scene is not None:
        (height, width), (rows, columns) = scene.detector_mm, scene.size
        spacing = (height / rows, width / columns)
    return spec_range(1, bits, 0.0, 2.0**bits - 1, "PNG", spacing=spacing)


def file_name(subject: Subject, job: Job, exposure: Exposure) -> str:
    """Give an image's file name, relative to its split's folder."""
    return f"ct{subject.number:04d}_{job.name}_{slug(exposure.name)}.png"


def cells_of(
    subject: Subject, job: Job, exposure: Exposure, scene: Scene, seed: int, window: Any
) -> dict[str, Any]:
    """Give what a render's row says beyond its files, as JSON values."""
    return {
        **subject.cells,
        "group_id": subject.group_id,
        "modality": MODALITY,
        "view": scene.view,
        "domain": exposure.name,
        "extra": {
            "synthetic": True,
            "derived_from_patient": True,
            "source_hash": subject.source_hash,
            "pose_id": f"ct{subject.number:04d}_{job.name}",
            "seed": seed,
            "scene": json.dumps(asdict(scene)),
            "exposure": json.dumps(asdict(exposure)),
            "display_low": float(window[0]),
            "display_high": float(window[1]),
            "magnification": magnification(scene),
        },
    }


def magnification(scene: Scene) -> float:
    """Give how much larger the isocentre's plane is shown on the detector; 1 for parallel rays."""
    if scene.projection == "parallel":
        return 1.0
    return scene.source_detector_mm / scene.source_isocentre_mm


def write_image(
    path: Path, image: npt.NDArray[np.float32], bits: int, cells: Mapping[str, Any]
) -> None:
    """Write an image, marked as simulated, with what it was made of.

    Raises:
        SynthmedError: The disk is full.
    """
    extra = cells["extra"]
    chunks = {
        "Software": f"synthmed {__version__}",
        "Source": "simulated X-ray, rendered from a CT",
        "Disclaimer": NOTICE,
        "DigitalSourceType": DIGITAL_SOURCE_TYPE,
        **{name: str(extra[name]) for name in ("seed", "scene", "exposure", "source_hash")},
    }
    write_png(path, image, chunks, _xmp(chunks["Software"]), bits=bits)


def write_masks(image: Path, masks: Mapping[str, npt.NDArray[np.bool_]]) -> dict[str, str]:
    """Write the masks of an image where `DatasetWriter` puts them, 255 inside.

    Returns:
        The file of each mask, relative to the split's folder.
    """
    names = {}
    for index, (organ, mask) in enumerate(masks.items()):
        names[organ] = f"masks/{image.stem}__{index}.png"
        write_mask(image.parent / names[organ], mask.astype(np.uint8) * 255)
    return names


def row_of(entry: Mapping[str, Any], out: Path, bits: int) -> tuple[Row, ImageSpec]:
    """Make the row of a journal's entry, and the spec of its image."""
    cells = dict(entry["cells"])
    folder = out / entry["split"]
    masks = {organ: folder / name for organ, name in entry["masks"].items()}
    row = Row(folder / entry["file"], entry["file"], entry["split"], masks=masks, **cells)
    scene = Scene.from_dict(json.loads(cells["extra"]["scene"]))
    return row, spec_of(bits, scene)


def file_hash(path: Path) -> str:
    """Give the SHA-256 of a file, "" if it is not there."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _xmp(software: str) -> str:
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
        'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">'
        f"<xmp:CreatorTool>{software}</xmp:CreatorTool>"
        f"<Iptc4xmpExt:DigitalSourceType>{DIGITAL_SOURCE_TYPE}</Iptc4xmpExt:DigitalSourceType>"
        '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    )
