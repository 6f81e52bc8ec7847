"""What is measured of each pair of a source and its edit, image by image, with the controls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.datasets.rows import Row
from synthmed.errors import SynthmedError
from synthmed.evaluation.context import Context
from synthmed.evaluation.edits_frames import boxes_of, common
from synthmed.evaluation.edits_pairing import Index, Pairs
from synthmed.imaging.frame import Frame
from synthmed.imaging.reading import open_mask
from synthmed.measures.edits.contrast import filled, local_contrast
from synthmed.measures.edits.locality import locality
from synthmed.measures.edits.structure import gradient_correlation
from synthmed.measures.structure import ssim
from synthmed.synthesis.calibration_structure import Measure, inside_frames

STRUCTURE = ("ssim", "gradient_correlation")
_CHUNK = 32
_MEASURES: dict[str, Measure] = {"ssim": ssim, "gradient_correlation": gradient_correlation}

Values = dict[str, npt.NDArray[np.float64]]


@dataclass(frozen=True)
class ByImage:
    """Values of each pair; not-a-number where one is not defined.

    Attributes:
        structure: By row of the table, "edits", "identity" (each source against itself),
            "swapped" and "swapped again" (each source against edits of two other patients): each
            (N,) by measure. Inside the frames of both images, so that padding does not count;
            not-a-number where that is under 11 pixels on a side.
        masks: (N,) each: `inside`, `outside`, `share`, `area` of the change; `before`, `after`
            and `filled` contrast of what is masked (the last with it filled by its surroundings).
        masked: (N,) whether the source has a mask.
        partners: (N,) the pair whose edit is "swapped"; -1 where there is no other patient.
        problems: Masks that cannot be read: `file_name`, `reason`.
        thin: Number of edits that are too thin for their structure to be measured.
    """

    structure: dict[str, Values]
    masks: Values
    masked: npt.NDArray[np.bool_]
    partners: Index
    problems: list[dict[str, str]]
    thin: int = 0


def by_image(context: Context, pairs: Pairs) -> ByImage:
    """Measure all pairs, some at a time.

    Args:
        context: The compared sides.
        pairs: Edits and their sources.
    """
    seed, real, made = context.settings.seed, context.real, context.synthetic
    partners = swapped_partners(context, pairs, seed), swapped_partners(context, pairs, seed, -1)
    names = ("edits", "identity", "swapped", "swapped again")
    structure = {name: {key: np.full(len(pairs), np.nan) for key in STRUCTURE} for name in names}
    boxes = boxes_of(real, pairs.sources), boxes_of(made, pairs.edits)
    keys = ("inside", "outside", "share", "area", "before", "after", "filled")
    masks: Values = {key: np.full(len(pairs), np.nan) for key in keys}
    masked, problems = np.zeros(len(pairs), dtype=bool), list[dict[str, str]]()
    for start in range(0, len(pairs), _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, len(pairs)))
        sources = real.images(pairs.sources[rows])
        edits = made.images(pairs.edits[rows])
        others = [made.images(pairs.edits[other[rows]]) for other in partners]
        numbers = rows, None, *(other[rows] for other in partners)
        for name, images, which in zip(names, (edits, sources, *others), numbers, strict=True):
            one = boxes[0][rows]
            inside = one if which is None else common(one, boxes[1][which])
            for key, measure in _MEASURES.items():
                structure[name][key][rows] = inside_frames(measure, sources, images, inside)
        opened = [_mask(real.rows[i], real.size, problems) for i in pairs.sources[rows]]
        masked[rows] = [mask is not None for mask in opened]
        if masked[rows].any():
            found = _of_masks(sources, edits, opened, seed + start)
            for key, values in found.items():
                masks[key][rows[masked[rows]]] = values
    for name, other in zip(names[2:], partners, strict=True):
        for values in structure[name].values():
            values[other < 0] = np.nan
    thin = int(np.isnan(structure["edits"]["ssim"]).sum())
    return ByImage(structure, masks, masked, partners[0], problems, thin)


def swapped_partners(context: Context, pairs: Pairs, seed: int, direction: int = 1) -> Index:
    """Give each pair another one of the same type and domains, of another patient.

    The pairs stand in a circle, patient by patient in random order; the partner stands as many
    places on (or back) as the patient with most pairs has.

    Args:
        context: The compared sides.
        pairs: Edits and their sources.
        seed: Seeds the order of the patients.
        direction: 1 or -1.

    Returns:
        (N,) numbers of pairs; -1 where all are of one patient.
    """
    kinds = context.synthetic.kinds[pairs.edits]
    strata = [
        " / ".join(parts)
        for parts in zip(kinds, pairs.source_domains, pairs.target_domains, strict=True)
    ]
    partners = np.full(len(pairs), -1, dtype=np.int64)
    for stratum in sorted(set(strata)):
        rows = np.flatnonzero(np.asarray(strata) == stratum)
        _, code = np.unique(pairs.groups[rows], return_inverse=True)
        place = np.random.default_rng(seed).permutation(code.max() + 1)
        order = rows[np.argsort(place[code], kind="stable")]
        other = np.roll(order, -direction * int(np.bincount(code).max()))
        fits = pairs.groups[order] != pairs.groups[other]
        partners[order[fits]] = other[fits]
    return partners


def _of_masks(sources: Any, edits: Any, opened: list[Any], seed: int) -> Values:
    """Locality and contrast of those pairs whose source has a mask."""
    has = np.asarray([mask is not None for mask in opened])
    masks = np.stack([mask[0] for mask in opened if mask is not None])
    inside = np.stack([mask[1] for mask in opened if mask is not None])
    before, after = sources[has], edits[has]
    width = max(2, sources.shape[-1] // 24)
    change = locality(before, after, masks)
    gone = filled(after, masks, width, inside, seed)
    return {
        "inside": change.inside,
        "outside": change.outside,
        "share": change.share,
        "area": np.where(np.isnan(change.share), np.nan, change.area),
        "before": local_contrast(before, masks, width, inside),
        "after": local_contrast(after, masks, width, inside),
        "filled": local_contrast(gone, masks, width, inside),
    }


def _mask(row: Row, size: int, problems: list[dict[str, str]]) -> Any:
    """The union of a row's masks and where its image lies, (S, S) each; None without a mask."""
    files = [*([row.mask_file] if row.mask_file else []), *row.masks.values()]
    found = None
    for file in files:
        try:
            labels = open_mask(file) != 0
            frame = Frame(size, *labels.shape)
            framed = frame.apply_mask(labels)
        except SynthmedError as error:
            reason = str(error).replace(str(file), file.name)
            problems.append({"file_name": row.file_name, "reason": reason})
            continue
        inside = frame.apply_mask(np.ones_like(labels))
        found = (framed, inside) if found is None else (found[0] | framed, found[1] & inside)
    return found
