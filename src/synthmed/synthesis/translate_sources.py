"""The images that shall be translated: one file, a folder of files, or a dataset folder."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from synthmed.datasets.exporters.dicom.uids import uid
from synthmed.datasets.folder import read_dataset
from synthmed.datasets.splits import content_hash
from synthmed.datasets.table_reading import find_tables
from synthmed.errors import SynthmedError
from synthmed.synthesis.translate_items import Source, Sources, hash_of
from synthmed.synthesis.translate_loose import loose_sources
from synthmed.synthesis.translate_names import places
from synthmed.xray.place_names import without_places


def read_sources(
    path: Path, source: str | None, target: str, known: Sequence[str], split: str | None = None
) -> Sources:
    """List the images to translate, with their domains.

    A dataset folder keeps what its table says. Without `source` every row comes from the domain
    that its column `domain` names; rows of the target domain are left out. With `source` only rows
    of that domain are taken, and rows without a domain are rejected; or all rows are taken, where
    the table names no domain at all. Files without a table come from `source`, and each counts as
    a patient of its own.

    Args:
        path: An image file, a folder of image files, or a dataset folder.
        source: The domain that the images come from; None where the rows say it.
        target: The domain that they are brought to.
        known: The model's domains.
        split: Split of a dataset folder that is taken; None takes all.

    Raises:
        SynthmedError: No such path, no image, no domain known, a domain that the model or the
            dataset does not have.
    """
    if not path.exists():
        raise SynthmedError("no such file or folder", where=path, mend="Check the path.")
    if _is_dataset(path):
        return _of_dataset(path, source, target, known, split)
    if split is not None:
        raise SynthmedError(
            "these images have no splits", where=path, mend="Leave --split out: no table says them."
        )
    if source is None:
        raise SynthmedError(
            "these images do not say which domain they come from",
            where=path,
            mend=f"Give --from, one of {', '.join(known)}.",
        )
    return loose_sources(path, source)


def _is_dataset(path: Path) -> bool:
    if not path.is_dir():
        return False
    try:
        return bool(find_tables(path))
    except SynthmedError:
        return False


def _of_dataset(
    path: Path, source: str | None, target: str, known: Sequence[str], split: str | None
) -> Sources:
    folder = read_dataset(path)
    found = Sources([], info=folder.info)
    for bad in folder.rejected:
        name = (PurePosixPath(bad.table).parent / bad.file_name).as_posix()
        shorter = {path / name: name, path: path.resolve().name}
        found.rejected.append((name, without_places(bad.reason, shorter)))
    rows = [row for row in folder.rows if split in (None, row.split)]
    if folder.rows and not rows:
        raise SynthmedError(
            f"no row of this dataset is in the split {split!r}",
            where=path,
            mend=f"It has {', '.join(sorted({row.split for row in folder.rows}))}.",
        )
    counts = Counter(row.domain for row in rows)
    named = sorted(filter(None, counts))
    if source is not None and named and source not in named:
        raise SynthmedError(
            f"no row of this dataset is of the domain {source!r}",
            where=path,
            mend=f"It has {', '.join(named)}.",
        )
    place, content = places(), content_hash(folder.rows)
    for row in rows:
        name = Path(os.path.relpath(row.file, path)).as_posix()
        domain = source if source and not named else row.domain
        if source is not None and domain != source:
            if not domain:
                found.rejected.append((name, "the row names no domain"))
            continue
        if source is None and domain == target:
            found.left_out += 1
        elif domain not in known:
            what = f"the model knows no domain {domain!r}" if domain else "the row names no domain"
            found.rejected.append((name, f"{what}; known: {', '.join(known)}"))
        else:
            kept = replace(row, file_name=place(row.split, row.file_name))
            exported = uid("instance", content, "sc", name)
            found.images.append(Source(name, kept, domain, hash_of(row.file), exported))
    if not found.images:
        raise _nothing(path, found, known)
    if found.left_out:
        found.notes.append(f"{found.left_out} rows are of {target} already and are left out")
    return found


def _nothing(path: Path, found: Sources, known: Sequence[str]) -> SynthmedError:
    if found.left_out and not found.rejected:
        return SynthmedError(
            "all rows are of the target domain already", where=path, mend="Give another --to."
        )
    first = f"; the first: {found.rejected[0][1]}" if found.rejected else ""
    return SynthmedError(
        f"no row of this dataset can be translated{first}",
        where=path,
        mend=f"Give --from, one of {', '.join(known)}, if the table names no domains.",
    )
