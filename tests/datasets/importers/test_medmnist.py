from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synthmed.datasets import read_dataset
from synthmed.datasets.importers import import_dataset
from synthmed.datasets.importers.medmnist_labels import KINDS, LABELS
from synthmed.errors import SynthmedError
from synthmed.imaging import open_image


def make(
    path: Path, shape: tuple[int, ...], classes: int = 2, width: int = 1, **more: Any
) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    arrays: dict[str, Any] = {}
    for split, count in {"train": 300, "val": 3, "test": 2}.items():
        arrays[f"{split}_images"] = rng.integers(0, 256, (count, *shape), dtype=np.uint8)
        arrays[f"{split}_labels"] = rng.integers(0, classes, (count, width), dtype=np.uint8)
    arrays.update(more)
    np.savez_compressed(path, **arrays)
    return arrays


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 3)])
def test_images_labels_and_splits_are_kept(tmp_path: Path, shape: tuple[int, ...]) -> None:
    path = tmp_path / "pneumoniamnist_8.npz"
    arrays = make(path, shape)
    import_dataset(path, tmp_path / "out", jobs=1)
    folder = read_dataset(tmp_path / "out")
    assert folder.info["import"]["format"] == "medmnist"
    for split, count in {"train": 300, "val": 3, "test": 2}.items():
        rows = sorted(folder.split(split), key=lambda row: row.extra["index"])
        assert len(rows) == len({row.group_id for row in rows}) == count
        for index in (0, count - 1):
            x, spec = open_image(rows[index].file)
            values = spec.to_value(x).round().astype(np.uint8)
            expected = arrays[f"{split}_images"][index]
            np.testing.assert_array_equal(
                values[0] if len(shape) == 2 else values.transpose(1, 2, 0), expected
            )
            label = int(arrays[f"{split}_labels"][index, 0])
            assert rows[index].labels == (("normal", "pneumonia")[label],)
    assert folder.rows[0].image_type == "chest X-ray"


def test_several_labels_and_unknown_sets(tmp_path: Path) -> None:
    many = make(tmp_path / "chestmnist.npz", (4, 4), width=14)
    import_dataset(tmp_path / "chestmnist.npz", tmp_path / "many", jobs=1)
    rows = sorted(read_dataset(tmp_path / "many").split("test"), key=lambda r: r.extra["index"])
    for row, label in zip(rows, many["test_labels"], strict=True):
        assert row.labels == tuple(np.array(LABELS["chestmnist"])[label.astype(bool)])
    make(tmp_path / "ourset.npz", (4, 4), classes=5)
    import_dataset(tmp_path / "ourset.npz", tmp_path / "ours", jobs=1)
    assert {row.labels[0] for row in read_dataset(tmp_path / "ours").rows} == {
        f"class {n}" for n in range(5)
    }


def test_what_is_no_2d_set_is_refused(tmp_path: Path) -> None:
    make(tmp_path / "organmnist3d.npz", (4, 4, 4))
    with pytest.raises(SynthmedError, match="not read"):
        import_dataset(tmp_path / "organmnist3d.npz", tmp_path / "a", format="medmnist", jobs=1)
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    with pytest.raises(SynthmedError, match="not MedMNIST"):
        import_dataset(tmp_path / "other.npz", tmp_path / "b", format="medmnist", jobs=1)
    np.savez(tmp_path / "objects.npz", train_images=np.array([{}], dtype=object))
    with pytest.raises(SynthmedError, match="cannot read this"):
        import_dataset(tmp_path / "objects.npz", tmp_path / "c", format="medmnist", jobs=1)
    make(tmp_path / "cut.npz", (4, 4))
    data = (tmp_path / "cut.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(data[: len(data) // 2])
    with pytest.raises(SynthmedError, match="cannot read this"):
        import_dataset(tmp_path / "cut.npz", tmp_path / "d", format="medmnist", jobs=1)


def test_tables_name_the_same_sets() -> None:
    assert set(LABELS) == set(KINDS)
    sizes = {flag: len(names) for flag, names in LABELS.items()}
    assert sizes["pathmnist"] == 9
    assert sizes["chestmnist"] == 14
    assert sizes["organamnist"] == 11
    assert sizes["bloodmnist"] == sizes["tissuemnist"] == 8
