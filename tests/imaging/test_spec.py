"""The spec: values can be had back, and dictionaries of format 1 still open."""

from __future__ import annotations

import json

import numpy as np

from synthmed.imaging import ImageSpec
from synthmed.imaging.spec import spec_8bit, spec_range


def test_format_1_dictionaries_open() -> None:
    fields = json.loads(
        '{"channels": 3, "bits": 8, "scale": 127.5, "offset": 127.5, "unit": "stored value",'
        ' "source_format": "PNG"}'
    )
    assert ImageSpec.from_dict(fields) == spec_8bit(3, "PNG")


def test_all_fields_survive_json() -> None:
    spec = ImageSpec(1, 12, -2047.5, 1023.5, "HU", "DICOM", (0.5, 0.25), "CT", (-160.0, 240.0))
    assert ImageSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


def test_range_maps_to_one_and_back() -> None:
    spec = spec_range(1, 16, -1024.0, 3071.0, "DICOM", unit="HU")
    np.testing.assert_array_equal(spec.from_value(np.array([-1024, 3071])), [-1, 1])
    assert spec.from_value(np.array([5000])) > 1  # nothing is clipped
    values = np.arange(-1024, 3072)
    np.testing.assert_array_equal(np.rint(spec.to_value(spec.from_value(values))), values)
    assert np.isfinite(spec_range(1, 8, 7.0, 7.0, "NIFTI").from_value(np.array([7.0]))).all()
