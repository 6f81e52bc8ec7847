import hashlib
import warnings
from pathlib import Path

import numpy as np
import pytest

import synthmed.evaluation.store as module
from synthmed.errors import SynthmedError
from synthmed.evaluation.store import FeatureStore


def images(n, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (n, 1, 16, 16))


def test_features_are_computed_once_and_depend_on_the_images(make_side, tmp_path: Path) -> None:
    told: list[str] = []
    store = FeatureStore(tmp_path, told.append)
    side = make_side("real", images(300))
    first = store(side, "pixels-16")
    assert len(told) == 2  # chunks
    again = FeatureStore(tmp_path, told.append)(side, "pixels-16")
    assert len(told) == 2
    assert np.array_equal(first.values, again.values)
    other = store(make_side("real", images(300, 1)), "pixels-16")
    assert len(told) == 4
    assert not np.array_equal(first.values, other.values)


def test_a_killed_run_continues_behind_its_last_chunk(make_side, tmp_path: Path) -> None:
    side, told = make_side("real", images(600)), []
    whole = FeatureStore(tmp_path / "a")(side, "pixels-16").values

    def stop(text: str) -> None:
        told.append(text)
        if len(told) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        FeatureStore(tmp_path / "b", stop)(side, "pixels-16")
    again = FeatureStore(tmp_path / "b", told.append)(side, "pixels-16")
    assert len(told) == 4  # two chunks were kept, the third is made now
    assert np.array_equal(again.values, whole)


def test_extractors_do_not_share_files(make_side, tmp_path: Path) -> None:
    store, side = FeatureStore(tmp_path), make_side("real", images(5))
    assert store(side, "pixels-16").values.shape == (5, 256)
    assert store(side, "statistics").values.shape == (5, 49)
    assert store(side, "statistics").id != store(side, "pixels-16").id


def test_an_unknown_extractor_is_one_clear_error(make_side, tmp_path: Path) -> None:
    with pytest.raises(SynthmedError, match="unknown extractor 'pixel'"):
        FeatureStore(tmp_path)(make_side("real", images(2)), "pixel")


def test_an_extractor_that_knows_the_judged_patients_is_named(
    make_side, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Knowing:
        id, preprocessing = "knowing/1", "none"
        groups = (hashlib.sha256(b"a").hexdigest(),)

        def __call__(self, x):
            return np.asarray(x).reshape(len(x), -1)

    monkeypatch.setattr(module, "load_extractor", lambda _: Knowing())
    store = FeatureStore(tmp_path)
    with pytest.warns(UserWarning, match=r"knowing/1 was trained on the patients of 2 of 3 real"):
        found = store(make_side("real", images(3), groups=["a", "a", "b"]), "knowing")
    assert found.id == "knowing/1"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        store(make_side("real", images(2), groups=["b", "c"]), "knowing")
        store(make_side("synthetic", images(2), groups=["a", "c"]), "knowing")
