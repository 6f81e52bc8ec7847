from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_sources import write_dicom, write_volume
from PIL import Image

from synthmed.datasets.importers.detect import detect
from synthmed.datasets.importers.registry import IMPORTERS, make_importer
from synthmed.errors import SynthmedError


def test_content_decides(tmp_path: Path) -> None:
    write_dicom(tmp_path / "d/a/noname", 1)
    (tmp_path / "d/readme.txt").write_text("x")
    write_volume(tmp_path / "n/a.nii.gz", np.zeros((2, 2, 2), np.int16))
    (tmp_path / "c/cats").mkdir(parents=True)
    picture = Image.fromarray(np.zeros((2, 2), np.uint8))
    picture.save(tmp_path / "c/cats/1.png")
    (tmp_path / "t").mkdir()
    picture.save(tmp_path / "t/1.png")
    np.savez(tmp_path / "m.npz", train_images=np.zeros(2))
    (tmp_path / "o").mkdir()
    (tmp_path / "o/1.xml").write_text("<eCitation/>")
    found = {name: detect(tmp_path / name)[0] for name in ("d", "n", "c", "m.npz", "o")}
    assert found == {"d": "dicom", "n": "nifti", "c": "classes", "m.npz": "medmnist", "o": "openi"}
    with pytest.raises(SynthmedError, match="without a table"):
        detect(tmp_path / "t")
    (tmp_path / "t/metadata.csv").write_text("file_name\n1.png\n")
    assert detect(tmp_path / "t") == ("table", "metadata.csv is there")


def test_nothing_known(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("x")
    with pytest.raises(SynthmedError, match="nothing that can be imported"):
        detect(tmp_path)
    with pytest.raises(SynthmedError, match="no such"):
        detect(tmp_path / "missing")


@pytest.mark.parametrize("name", IMPORTERS)
def test_every_importer_is_made_and_pickled(name: str, tmp_path: Path) -> None:
    import json
    import pickle

    np.savez(tmp_path / "a.npz", x=np.zeros(1))
    importer = make_importer(name, tmp_path, {})
    assert pickle.loads(pickle.dumps(importer)) == importer
    assert json.loads(json.dumps(importer.describe()))["format"] == name
