"""Export to WebDataset: tar shards whose bytes depend on the rows alone."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

from synthmed.datasets.exporters.fidelity import codec_psnr, psnr_words
from synthmed.datasets.exporters.job import Job
from synthmed.datasets.exporters.shards import ShardOptions, load, plan_shards
from synthmed.datasets.exporters.tables import cells_of, whole_file
from synthmed.datasets.rows import Row

Options = ShardOptions


def write(job: Job, options: ShardOptions) -> None:
    """Write <split>-000000.tar, ...: <key>.png (or .jpg), <key>.json, <key>.mask.png.

    The keys count the rows of a split; several masks are <key>.mask-<n>.png, and the JSON's
    `masks` names them.
    """
    figures, done = codec_psnr(job.info), 0
    for split, shards in plan_shards(job.rows, options.shard_size):
        for number, rows in enumerate(shards):
            path = job.out / f"{split}-{number:06d}.tar"
            if path.exists():  # whole, and of this plan
                with tarfile.open(path) as tar:
                    names = {name.split(".")[0] for name in tar.getnames()}
                _count_finished(job, [row for n, row in rows if _key(split, n) not in names])
                job.written += len(names)
            else:
                _shard(job, path, split, rows, figures)
            done += len(rows)
            job.step(done)


def _key(split: str, number: int) -> str:
    return f"{split}_{number:09d}"


def _count_finished(job: Job, missing: list[Row]) -> None:
    for row in missing:
        job.reject(row, "could not be read when its shard was written")


def _shard(
    job: Job, path: Path, split: str, rows: list[tuple[int, Row]], figures: dict[str, float]
) -> None:
    """Write one shard; rows that cannot be read are left out."""
    with (
        whole_file(path) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for number, row in rows:
            data = load(job, row)
            if data is None:
                continue
            key = _key(split, number)
            cells: dict[str, Any] = {**cells_of(row), "file_name": job.name(row)}
            if depth := psnr_words(row, figures):
                cells["codec_psnr"] = depth
            _add(tar, f"{key}.{_suffix(row.file)}", data[row.file])
            if row.mask_file is not None:
                _add(tar, f"{key}.mask.{_suffix(row.mask_file)}", data[row.mask_file])
            names = {}
            for n, (name, file) in enumerate(row.masks.items()):
                names[name] = f"mask-{n}.{_suffix(file)}"
                _add(tar, f"{key}.{names[name]}", data[file])
            if names:
                cells["masks"] = names
            text = json.dumps(cells, ensure_ascii=False, sort_keys=True, default=str)
            _add(tar, f"{key}.json", text.encode("utf-8", "replace"))
            job.written += 1


def _suffix(file: Path) -> str:
    suffix = file.suffix.lower().lstrip(".")
    return "jpg" if suffix == "jpeg" else suffix


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    """Add a file without owner, time or rights of this machine."""
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = len(data), 0, 0o644
    tar.addfile(info, io.BytesIO(data))
