"""Windows: presets in HU, the file's own, percentiles; and how a Frame uses them."""

from __future__ import annotations

import numpy as np
import pytest

from synthmed.errors import SynthmedError
from synthmed.imaging import Frame
from synthmed.imaging.spec import spec_8bit, spec_range
from synthmed.imaging.windows import WINDOWS, window_for

CT = spec_range(1, 12, -1024.0, 3071.0, "DICOM", unit="HU", modality="CT", window=(-10.0, 90.0))
HU = np.array([[[-1024.0, -160.0, 40.0, 240.0, 3071.0, 0.0]]])


def test_all_presets_rise() -> None:
    for presets in WINDOWS.values():
        assert all(low < high for low, high in presets.values())
    assert {"lung", "mediastinum", "bone", "brain"} <= set(WINDOWS["CT"])


def test_a_preset_shows_what_it_says() -> None:
    x = CT.from_value(HU)
    window = window_for(CT, "mediastinum", x)
    shown = np.clip((x - window[0]) * 2 / (window[1] - window[0]) - 1, -1, 1)
    np.testing.assert_allclose(shown[0, 0], [-1, -1, 0, 1, 1, -0.2], atol=1e-5)
    square = Frame.for_image(np.zeros((1, 6, 6)), 6, window).apply(np.repeat(x, 6, axis=1))
    np.testing.assert_allclose(square[0, 0], shown[0, 0], atol=1e-5)


def test_the_file_s_own_window_and_full() -> None:
    x = CT.from_value(HU)
    low, high = window_for(CT, "file", x)
    np.testing.assert_allclose(CT.to_value(np.array([low, high])), [-10, 90])
    assert window_for(CT, "full", x) == (-1, 1)


def test_an_inverted_image_s_window_still_rises() -> None:
    spec = spec_range(1, 10, 1023.0, 0.0, "DICOM", modality="CR", window=(100.0, 200.0))
    low, high = window_for(spec, "file", np.zeros((1, 2, 2)))
    assert low < high
    np.testing.assert_allclose(spec.to_value(np.array([low, high])), [200, 100])


def test_percentiles_ignore_outliers_and_constants() -> None:
    x = np.linspace(-0.5, 0.5, 1001)[None, None]
    np.testing.assert_allclose(window_for(CT, (1, 99), x), (-0.49, 0.49), atol=1e-9)
    low, high = window_for(CT, (1, 99), np.zeros((1, 4, 4)))
    assert low < high
    for wrong in ((99, 1), (-1, 50), (0, 101)):
        with pytest.raises(SynthmedError, match="percentiles"):
            window_for(CT, wrong, x)


def test_what_is_not_there_is_named() -> None:
    x = np.zeros((1, 2, 2))
    with pytest.raises(SynthmedError, match=r"'liver2'.*lung"):
        window_for(CT, "liver2", x)
    with pytest.raises(SynthmedError, match="names no window"):
        window_for(spec_8bit(1, "PNG"), "file", x)
    with pytest.raises(SynthmedError, match="unknown is called 'lung'"):
        window_for(spec_8bit(1, "PNG"), "lung", x)
    stored = spec_range(1, 12, 0.0, 4095.0, "DICOM", modality="CT")
    with pytest.raises(SynthmedError, match="in HU"):
        window_for(stored, "lung", x)
