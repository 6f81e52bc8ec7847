"""Domains: which rows have one, and what batches, pairs, captions and the card make of it.

A domain is where an image comes from: a device, a site, a dose, a sequence, a simulator's setting.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from synthmed.datasets.phrases import clean
from synthmed.datasets.rows import Row
from synthmed.errors import SynthmedError
from synthmed.training.captions import label_of
from synthmed.training.settings import Recipe

LEAST_IMAGES = 8
"""Training images that a domain needs for a mean and a standard deviation of its own latents."""
LEAST_GROUPS = 8
"""Validation patients that a domain needs for a calibration (`synthmed calibrate`)."""


def check_domains(recipe: Recipe, rows: Sequence[Row]) -> list[str]:
    """See that the rows of a domain recipe have domains to translate between.

    Args:
        recipe: The run.
        rows: The run's rows; only those of train and val count.

    Returns:
        The domains of the training rows, sorted.

    Raises:
        SynthmedError: Rows without a domain, fewer than two domains, a domain that has
            validation rows and no training rows, or one of fewer than eight training images whose
            latents are to be normalised.
    """
    used = [row for row in rows if row.split in ("train", "val")]
    if blank := [row for row in used if not row.domain]:
        raise SynthmedError(
            f"{len(blank)} of {len(used)} training and validation rows have no domain",
            where=blank[0].file,
            mend="Fill the column `domain`, give the source `columns: {domain: {const: NAME}}`, or "
            "import a folder per domain with synthmed import --from domains.",
        )
    train, val = (Counter(r.domain for r in used if r.split == split) for split in ("train", "val"))
    if unseen := sorted(val.keys() - train.keys()):
        raise SynthmedError(
            f"the domain {unseen[0]!r} has validation rows and no training rows",
            mend="Give it training rows, or leave its rows out with the source's `where`.",
        )
    if len(train) < 2:
        raise SynthmedError(
            f"all training rows are of one domain, {min(train)!r}",
            mend="Translation needs two domains or more; else set condition.kind to text or label.",
        )
    _check_sizes(recipe, train)
    _warn_of_few(used)
    return sorted(train)


def _warn_of_few(rows: Sequence[Row]) -> None:
    """Name the domains that cannot be calibrated for want of validation patients."""
    for name in sorted({row.domain for row in rows}):
        held_out = {r.group_id for r in rows if r.domain == name and r.split == "val"}
        if not held_out:
            said = "no validation image: nothing will be measured on it"
        elif len(held_out) < LEAST_GROUPS and not _is_simulator(rows, name):
            said = (
                f"{len(held_out)} validation patients; synthmed calibrate needs {LEAST_GROUPS}: "
                "split with a larger share for val, such as 0.6,0.3,0.1"
            )
        else:
            continue
        warnings.warn(f"the domain {name!r} has {said}", stacklevel=3)


def _is_simulator(rows: Sequence[Row], name: str) -> bool:
    """Whether some patient of a domain is in both splits, as a shared group may be."""
    train, val = (
        {r.group_id for r in rows if r.domain == name and r.split == split}
        for split in ("train", "val")
    )
    return bool(train & val)


def _check_sizes(recipe: Recipe, counts: Counter[str]) -> None:
    name = min(counts, key=lambda name: (counts[name], name))
    if recipe.flow.latent_normalisation == "domain" and counts[name] < LEAST_IMAGES:
        raise SynthmedError(
            f"the domain {name!r} has {counts[name]} training images; the mean and standard "
            f"deviation of its latents need {LEAST_IMAGES}",
            mend="Give it more images, or set flow.latent_normalisation to none.",
        )


def balance_keys(recipe: Recipe, rows: Sequence[Row]) -> list[str]:
    """What each row counts as when batches are balanced.

    Its domain where that is a condition, else its image type.
    """
    by_domain = "domain" in recipe.condition.names
    return [row.domain if by_domain else row.image_type for row in rows]


def pairing_keys(recipe: Recipe, rows: Sequence[Row]) -> list[str]:
    """Within what noise may be paired with latents: rows of different keys never exchange noise.

    The domain and the label, as far as they are conditions; the image type where neither is. A text
    is no key: almost every row would have its own.
    """
    names, keys = recipe.condition.names, balance_keys(recipe, rows)
    if "label" not in names:
        return keys
    labels = [label_of(row) for row in rows]
    return [f"{a}\0{b}" for a, b in zip(keys, labels, strict=True)] if "domain" in names else labels


def without_domain(row: Row) -> Row:
    """A row for captions whose view and further columns do not repeat its domain.

    Translation changes the domain and keeps the text, so the text must not name the domain: of the
    domain "FLAIR" the column `sequence` with the cell "FLAIR" is left out. The row's own `text` is
    never changed.
    """
    said = clean(row.domain).casefold()
    extra = {key: cell for key, cell in row.extra.items() if clean(cell).casefold() != said}
    view = "" if clean(row.view).casefold() == said else row.view
    return replace(row, view=view, extra=extra)


def domain_facts(rows: Sequence[Row], shared: Collection[str] = ()) -> dict[str, dict[str, Any]]:
    """What the card says of each domain.

    Args:
        rows: The training rows.
        shared: Groups that the recipe allows in several splits.

    Returns:
        By domain: `images` and `groups` (patients); `labelled` and `labelled_groups`, the same of
        the images that state labels; `shared_groups`, how many of the latter are shared; and
        `labels`: for each label its share of the labelled images.
        A row without labels is unknown, not free of findings; a stated "no finding" is a label.
        Differences between the domains' shares are the known cause of invented findings in
        translation (Cohen et al. 2018, arXiv:1805.08841).
    """
    facts: dict[str, dict[str, Any]] = {}
    for name in sorted({row.domain for row in rows}):
        own = [row for row in rows if row.domain == name]
        labelled = [row for row in own if row.labels]
        counts = Counter(label for row in labelled for label in set(row.labels))
        facts[name] = {
            "images": len(own),
            "groups": len({row.group_id for row in own}),
            "labelled": len(labelled),
            "labelled_groups": len({row.group_id for row in labelled}),
            "shared_groups": len({row.group_id for row in labelled} & set(shared)),
            "labels": {label: counts[label] / len(labelled) for label in sorted(counts)},
        }
    return facts
