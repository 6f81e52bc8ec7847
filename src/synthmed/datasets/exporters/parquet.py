"""Export to Parquet as Hugging Face `datasets` lays it out: typed columns, images inside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from synthmed.datasets.exporters.features import Column, arrow_schema, columns_for, value_of
from synthmed.datasets.exporters.fidelity import codec_psnr, psnr_words
from synthmed.datasets.exporters.job import Job
from synthmed.datasets.exporters.shards import ShardOptions, load, plan_shards
from synthmed.datasets.exporters.tables import cells_of, whole_file
from synthmed.datasets.rows import Row

_GROUP_BYTES, _GROUP_ROWS = 16_000_000, 100


Options = ShardOptions


def write(job: Job, options: ShardOptions) -> None:
    """Write data/<split>-00000-of-00001.parquet, ...

    Row groups hold at most 100 rows and about 16 MB, which is what is held in memory.
    `load_dataset` finds the splits by these names and the types in the schema's metadata.
    """
    columns, done = columns_for(job.rows), 0
    for split, shards in plan_shards(job.rows, options.shard_size):
        for number, rows in enumerate(shards):
            path = job.out / "data" / f"{split}-{number:05d}-of-{len(shards):05d}.parquet"
            if path.exists():  # whole, and of this plan
                names = set(pq.read_table(path, columns=["file_name"])["file_name"].to_pylist())
                for _, row in rows:
                    if job.name(row) not in names:
                        job.reject(row, "could not be read when its shard was written")
                job.written += len(names)
            else:
                _shard(job, path, [row for _, row in rows], columns)
            done += len(rows)
            job.step(done)


def _shard(job: Job, path: Path, rows: list[Row], columns: dict[str, Column]) -> None:
    schema = arrow_schema(columns)
    with whole_file(path) as stream, pq.ParquetWriter(stream, schema) as writer:
        for group in _groups(job, rows, columns):
            writer.write_table(pa.Table.from_pylist(group, schema=schema))
            job.written += len(group)


def _groups(
    job: Job, rows: list[Row], columns: dict[str, Column]
) -> Iterator[list[dict[str, Any]]]:
    """Give the cells of the rows, in groups of bounded size."""
    figures = codec_psnr(job.info)
    group: list[dict[str, Any]] = []
    size = 0
    for row in rows:
        data = load(job, row)
        if data is None:
            continue
        cells = {**cells_of(row), "file_name": job.name(row), "boxes": row.boxes}
        cells["codec_psnr"] = psnr_words(row, figures)
        cells["image"] = _image(row.file, data)
        cells["mask"] = None if row.mask_file is None else _image(row.mask_file, data)
        cells["masks"] = [
            {"name": name, "image": _image(file, data)} for name, file in row.masks.items()
        ]
        own = sum(map(len, data.values()))
        if group and (size + own > _GROUP_BYTES or len(group) >= _GROUP_ROWS):
            yield group
            group, size = [], 0
        group.append({name: value_of(cells.get(name), kind) for name, kind in columns.items()})
        size += own
    if group:
        yield group


def _image(file: Path, data: dict[Path, bytes]) -> dict[str, Any]:
    return {"bytes": data[file], "path": file.name}
