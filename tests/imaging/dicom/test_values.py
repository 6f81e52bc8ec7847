"""Values in their unit: rescale, HU, modality LUT, polarity, windows, spacing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dicom_files import lut_item, noise, write_dicom
from pydicom import Dataset
from pydicom.sequence import Sequence

from synthmed.errors import SynthmedError
from synthmed.imaging import open_image
from synthmed.imaging.dicom import open_dicom

LUNG = {"WindowCenter": "-600", "WindowWidth": "1500"}


def test_hounsfield_units_are_had_back_exactly(tmp_path: Path) -> None:
    stored = np.array([[0, 24, 1024, 1104, 4095, 9000]], np.uint16).repeat(2, 0)
    path = write_dicom(
        *(tmp_path / "a.dcm", stored),
        Modality="CT",
        RescaleSlope="1",
        RescaleIntercept="-1024",
        PixelSpacing=["0.5", "0.25"],
    )
    x, spec = open_image(path)
    assert (spec.unit, spec.modality, spec.spacing) == ("HU", "CT", (0.5, 0.25))
    assert (spec.scale, spec.offset) == (2047.5, 1023.5)
    np.testing.assert_allclose(x[0, 0, [0, 4]], [-1, 1])
    assert x.max() > 1  # a value beyond the range is not clipped
    np.testing.assert_array_equal(np.rint(spec.to_value(x))[0], stored.astype(int) - 1024)


def test_every_hounsfield_unit_survives_float32(tmp_path: Path) -> None:
    stored = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    path = write_dicom(
        tmp_path / "a.dcm", stored, Modality="CT", RescaleSlope=1, RescaleIntercept=-32768
    )
    x, spec = open_dicom(path)
    assert abs(spec.to_value(x)[0] - (stored.astype(float) - 32768)).max() < 0.01


@pytest.mark.parametrize(
    ("tags", "unit", "low", "high"),
    [
        ({}, "stored value", 0, 4095),
        ({"Modality": "CT"}, "stored value", 0, 4095),  # CT without rescale is not in HU
        ({"RescaleSlope": "2", "RescaleIntercept": "10"}, "rescaled value", 10, 8200),
        ({"RescaleSlope": "-1", "RescaleIntercept": "0"}, "rescaled value", -4095, 0),
        ({"Modality": "PT", "RescaleSlope": "0.5", "Units": "BQML"}, "BQML", 0, 2047.5),
        ({"RescaleSlope": "1", "RescaleIntercept": "0", "RescaleType": "OD"}, "OD", 0, 4095),
        ({"RescaleType": "HU", "RescaleIntercept": "-1024"}, "HU", -1024, 3071),
        ({"Modality": "CT", "RescaleSlope": "1", "RescaleType": "US"}, None, 0, 4095),
    ],
)
def test_units_and_ranges(
    tmp_path: Path, tags: dict[str, Any], unit: str | None, low: float, high: float
) -> None:
    stored = noise(4, 6, bits=12)
    path = write_dicom(tmp_path / "a.dcm", stored, BitsStored=12, **tags)
    x, spec = open_dicom(path)
    assert unit is None or spec.unit == unit
    assert (spec.to_value(np.array(-1)), spec.to_value(np.array(1))) == (low, high)
    slope, intercept = float(tags.get("RescaleSlope", 1)), float(tags.get("RescaleIntercept", 0))
    np.testing.assert_allclose(spec.to_value(x)[0], stored * slope + intercept, atol=1e-3)


def test_monochrome1_is_inverted_once(tmp_path: Path) -> None:
    stored = noise(4, 6, bits=10)
    plain, _ = open_dicom(write_dicom(tmp_path / "a.dcm", stored, BitsStored=10))
    path = write_dicom(
        *(tmp_path / "b.dcm", stored),
        BitsStored=10,
        PhotometricInterpretation="MONOCHROME1",
        PresentationLUTShape="INVERSE",  # says the same again: no second inversion
        WindowCenter="500",
        WindowWidth="101",
    )
    x, spec = open_dicom(path)
    np.testing.assert_allclose(x, -plain, atol=1e-6)
    assert spec.scale < 0
    np.testing.assert_array_equal(np.rint(spec.to_value(x))[0], stored)  # the file's own values
    assert spec.window == (449.5, 549.5)


def test_modality_lut_goes_before_rescale(tmp_path: Path) -> None:
    stored = np.array([[0, 1, 2, 3, 9]], np.uint8).repeat(2, 0)
    item = lut_item(1, 12, [100, 200, 4000], ModalityLUTType="OD")
    path = write_dicom(
        *(tmp_path / "a.dcm", stored), ModalityLUTSequence=Sequence([item]), RescaleSlope="7"
    )
    x, spec = open_dicom(path)
    np.testing.assert_allclose(spec.to_value(x)[0, 0], [100, 100, 200, 4000, 4000], atol=1e-3)
    assert (spec.unit, spec.to_value(np.array(1))) == ("OD", 4095)


@pytest.mark.parametrize(
    ("tags", "window"),
    [
        ({}, None),
        ({"WindowCenter": "40", "WindowWidth": "401"}, (-160.5, 239.5)),
        ({"WindowCenter": ["40", "600"], "WindowWidth": ["401", "1600"]}, (-160.5, 239.5)),
        ({**LUNG, "VOILUTFunction": "LINEAR_EXACT"}, (-1350, 150)),
        ({**LUNG, "VOILUTFunction": "SIGMOID"}, (-1350, 150)),
        ({"WindowCenter": "40", "WindowWidth": "0"}, None),
        ({"WindowCenter": "40"}, None),
        ({"VOILUTSequence": Sequence([lut_item(10, 8, [0, 1, 2, 3])])}, (10, 13)),
    ],
)
def test_the_window_is_recorded_and_not_applied(
    tmp_path: Path, tags: dict[str, Any], window: tuple[float, float] | None
) -> None:
    stored = noise(4, 6, bits=12)
    x, spec = open_dicom(write_dicom(tmp_path / "a.dcm", stored, BitsStored=12, **tags))
    assert spec.window == window
    np.testing.assert_array_equal(np.rint(spec.to_value(x))[0], stored)


def group(keyword: str, **tags: Any) -> Dataset:
    inner, outer = Dataset(), Dataset()
    for name, value in tags.items():
        setattr(inner, name, value)
    setattr(outer, keyword, Sequence([inner]))
    return outer


def test_enhanced_files_have_their_values_frame_by_frame(tmp_path: Path) -> None:
    stored = noise(2, 4, 6, bits=12)
    shared = group("PixelMeasuresSequence", PixelSpacing=["2", "3"])
    frames = [
        group("PixelValueTransformationSequence", RescaleSlope=str(n), RescaleIntercept="1")
        for n in (1, 2)
    ]
    windows = Sequence([group("x", WindowCenter="9", WindowWidth="11").x[0]])
    frames[1].FrameVOILUTSequence = windows
    path = write_dicom(
        *(tmp_path / "a.dcm", stored),
        frames=True,
        SharedFunctionalGroupsSequence=Sequence([shared]),
        PerFrameFunctionalGroupsSequence=Sequence(frames),
    )
    for number, slope in enumerate((1, 2)):
        x, spec = open_dicom(path, number)
        np.testing.assert_allclose(spec.to_value(x)[0], stored[number] * slope + 1.0, atol=0.02)
        assert spec.spacing == (2, 3)
        assert spec.window == (None, (3.5, 13.5))[number]


def test_malformed_optional_tags_count_as_missing(tmp_path: Path) -> None:
    path = write_dicom(
        *(tmp_path / "a.dcm", noise(4, 6, bits=8)),
        PixelSpacing=["0", "1"],
        ImagerPixelSpacing=["0.1", "0.2"],
        WindowCenter="1",
        WindowWidth="2",
        RescaleIntercept="3",
    )
    data = path.read_bytes()
    path.write_bytes(data.replace(b"DS\x02\x002 ", b"DS\x02\x00x "))
    _, spec = open_dicom(path)
    assert (spec.spacing, spec.window) == ((0.1, 0.2), None)


def test_a_slope_of_0_and_nan_pixels_are_refused(tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "a.dcm", noise(4, 6, bits=8), RescaleSlope="0")
    with pytest.raises(SynthmedError, match="slope"):
        open_dicom(path)
    pixels = np.array([[0.5, 2.5], [1, np.nan]], np.float32)
    tags = {"PixelData": None, "BitsStored": None, "HighBit": None}
    for values, wanted in ((pixels[:1], 2.5), (pixels, None)):
        path = write_dicom(tmp_path / "b.dcm", values, FloatPixelData=values.tobytes(), **tags)
        if wanted is None:
            with pytest.raises(SynthmedError, match="not finite"):
                open_dicom(path)
        else:
            x, spec = open_dicom(path)
            assert spec.to_value(x).max() == wanted


def test_shared_samples(shared_data: Path) -> None:
    folder = shared_data / "dicom-samples" / "dicom"
    x, spec = open_image(folder / "RG1_J2KI.dcm")  # a chest: the spine is brighter than a lung
    assert spec.scale < 0
    assert x[0, 550:650, 900:960].mean() > x[0, 550:650, 330:390].mean() + 0.2
    assert open_image(folder / "mlut_18.dcm")[1].unit == "LUT value"
    assert open_image(folder / "vlut_04.dcm")[1].window == (0, 255)
    ct = sorted((shared_data / "head-ct" / "dicom").glob("*.dcm"))[14]
    x, spec = open_image(ct)
    values = spec.to_value(x)
    assert spec.unit == "HU"
    assert values.min() >= -1024.01
    assert 0 < np.median(values[(values > -50) & (values < 150)]) < 60  # brain
