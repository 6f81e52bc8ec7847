"""Import data from hospitals and public sets into dataset folders, de-identified."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthmed.errors import SynthmedError

if TYPE_CHECKING:
    from synthmed.datasets.importers.engine import ImportResult
    from synthmed.datasets.importers.working import Progress

__all__ = ["import_dataset"]


def import_dataset(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    format: str | None = None,
    name: str | None = None,
    split: str | tuple[float, float, float] = (0.8, 0.1, 0.1),
    seed: int = 0,
    salt: str | os.PathLike[str] | None = None,
    jobs: int | None = None,
    info: dict[str, Any] | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> ImportResult:
    """Import a source into a new dataset folder, or continue an import that was stopped.

    With more than one job, call it from a script under ``if __name__ == "__main__":``, as Python's
    process pools ask for.

    Args:
        source: A folder or file.
        out: The dataset folder.
        format: "dicom", "nifti", "table", "classes", "domains", "medmnist" or "openi"; None finds
            out.
        name: Name of the source, the first part of each `group_id`; the source's own by default.
        split: Shares of train, val and test, or a text such as "0.8,0.1,0.1"; used where the source
            names no split.
        seed: Seed of the splits.
        salt: File of the key that makes pseudonyms; `<out>.salt` by default. It is made if missing
            and never lies in the dataset. The same file gives the same pseudonyms.
        jobs: Worker processes; by default one for each processor, 1 works in this process.
        info: What dataset.json says besides, such as licences.
        progress: Called with (items done, items).
        options: Settings of the importer; see its class.

    Returns:
        What was made.

    Raises:
        SynthmedError: An unknown importer or setting, nothing to import, a folder in use, a full
            disk, or no usable file.
    """
    from synthmed.datasets.importers.detect import detect
    from synthmed.datasets.importers.engine import default_jobs, run_import
    from synthmed.datasets.importers.registry import make_importer
    from synthmed.datasets.importers.splitting import parse_shares

    root, folder = Path(source), Path(out)
    if root.is_dir() and folder.resolve().is_relative_to(root.resolve()):
        raise SynthmedError(
            "the dataset may not lie inside its source", where=out, mend="Name another folder."
        )
    chosen = format or detect(root)[0]
    shares = split if isinstance(split, str) else ",".join(map(str, split))
    return run_import(
        make_importer(chosen, root, options),
        folder,
        name=source_name(name or root.resolve().name),
        salt=Path(salt) if salt is not None else folder.with_name(folder.name + ".salt"),
        shares=parse_shares(shares),
        seed=seed,
        jobs=jobs or default_jobs(),
        info=info,
        progress=progress,
    )


def source_name(text: str) -> str:
    """Give a source's name as it stands in `group_id`: letters, digits, dot, hyphen, underscore."""
    return (
        re.sub(r"[^A-Za-z0-9._-]+", "-", text.split(".nii", maxsplit=1)[0]).strip("-.")[:64]
        or "source"
    )
