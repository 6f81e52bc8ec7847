from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from synthmed.datasets import read_dataset
from synthmed.datasets.importers import import_dataset

XML = """<?xml version="1.0" encoding="utf-8"?>
<eCitation><uId id="CXR7"/>
<MedlineCitation><Article><Abstract>
<AbstractText Label="COMPARISON">None.</AbstractText>
<AbstractText Label="FINDINGS">Heart is <b>large</b>.</AbstractText>
<AbstractText Label="IMPRESSION">Cardiomegaly.</AbstractText>
</Abstract></Article></MedlineCitation>
<MeSH><major>Cardiomegaly/borderline</major><major>normal</major><automatic>heart</automatic></MeSH>
<parentImage id="CXR7_1_IM-0001-3001"/><parentImage id="CXR7_1_IM-0001-4001"/>
</eCitation>
"""
BOMB = (
    '<?xml version="1.0"?><!DOCTYPE e [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    "<eCitation><uId id='x'/><AbstractText Label='FINDINGS'>&b;</AbstractText></eCitation>"
)


def test_xml_reports_without_images(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "7.xml").write_text(XML)
    (source / "8.xml").write_text("<eCitation><uId id='CXR8'/></eCitation>")
    (source / "bomb.xml").write_text(BOMB)
    (source / "other.xml").write_text("<html/>")
    (source / "broken.xml").write_text("<eCitation>")
    result = import_dataset(source, tmp_path / "out", jobs=1)
    assert (result.images, result.reports, result.rejected) == (0, 1, 4)
    (line,) = (tmp_path / "out/reports.jsonl").read_text().splitlines()
    row = json.loads(line)
    assert row["report"] == "FINDINGS: Heart is large.\nIMPRESSION: Cardiomegaly."
    assert row["labels"] == ["cardiomegaly", "no finding"]
    assert row["split"] in {"train", "val", "test"}
    assert "CXR7" not in line
    reasons = (tmp_path / "out/rejected.csv").read_text()
    assert "the report is empty" in reasons
    assert "DTDForbidden" in reasons
    assert json.loads((tmp_path / "out/dataset.json").read_text())["reports"] == 1


def test_images_carry_their_report(tmp_path: Path) -> None:
    source = tmp_path / "in"
    (source / "images").mkdir(parents=True)
    (source / "7.xml").write_text(XML)
    Image.fromarray(np.zeros((4, 5), np.uint8)).save(source / "images/CXR7_1_IM-0001-3001.png")
    result = import_dataset(source, tmp_path / "out", format="openi", jobs=1)
    assert (result.images, result.reports, result.rejected) == (1, 0, 1)
    assert read_dataset(tmp_path / "out").rows[0].report.startswith("FINDINGS: Heart")
    assert "IM-0001-4001" in (tmp_path / "out/rejected.csv").read_text()


def test_csv_form_with_views_and_splits(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "indiana_reports.csv").write_text(
        "uid,MeSH,Problems,image,indication,comparison,findings,impression\n"
        "1,normal,normal,x,Pain.,,Clear.,Normal.\n2,m,A b;C,x,,,,\n"
    )
    (source / "indiana_projections.csv").write_text(
        "uid,filename,projection\n1,1_a.dcm.png,Frontal\n1,../1_b.png,Lateral\n"
    )
    (source / "splits.csv").write_text("uid,split\n1,val\n")
    (tmp_path / "pictures").mkdir()
    Image.fromarray(np.zeros((4, 5), np.uint8)).save(tmp_path / "pictures/1_a.dcm.png")
    Image.fromarray(np.zeros((4, 5), np.uint8)).save(tmp_path / "1_b.png")
    import_dataset(source, tmp_path / "out", jobs=1, images=tmp_path / "pictures")
    (row,) = read_dataset(tmp_path / "out").rows
    assert (row.split, row.view, row.labels) == ("val", "frontal", ("no finding",))
    assert row.extra["indication"] == "Pain."
    reasons = (tmp_path / "out/rejected.csv").read_text()
    assert "1_b.png" in reasons
    assert "names no image" in reasons
