"""The smoke profile of training_throughput measures every part at both sizes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.usefixtures("idle")
def test_smoke_profile_measures_every_part(
    sources: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmarks.usual_loop import cumulative

    from benchmarks import training_throughput as script

    script.main(["--data", str(sources), "--results", str(tmp_path)])
    rows = json.loads((tmp_path / "training_throughput-smoke.json").read_text())["rows"]
    names = [*(name for name, _ in cumulative()), script.SHIPPED]
    assert list(rows) == ["64 px", "128 px"]
    for row in rows.values():
        assert list(row["rows"]) == names
        assert all(entry["rate"]["value"] > 0 for entry in row["rows"].values())
        assert row["rows"]["usual loop"]["times"]["value"] == pytest.approx(1)
    assert capsys.readouterr().out.count("Target: ") == 2


@pytest.mark.parametrize("part", ["cached latents", "distinct captions"])
def test_a_part_changes_what_is_encoded(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the parts on, neither images nor equal captions are encoded again."""
    import torch
    from benchmarks.training_throughput import Bench, recipe_of
    from benchmarks.usual_loop import UsualLoop

    from synthmed.training.captions import CaptionTable

    captions = CaptionTable(["", "chest X-ray"], torch.ones(8, 1, dtype=torch.long))
    steps = Bench(recipe_of(64, 8, "cpu"), captions, ["chest X-ray"] * 8).usual()
    encoded: dict[str, list[int]] = {}
    for name in ("usual loop", f"+ {part}"):
        loop = steps[name].__self__  # type: ignore[attr-defined]
        assert isinstance(loop, UsualLoop)
        seen: list[int] = []
        encode = loop.networks.vae.encode
        monkeypatch.setattr(
            loop.networks.vae, "encode", lambda x, e=encode, s=seen: (s.append(len(x)), e(x))[1]
        )
        loop.networks.text.register_forward_pre_hook(
            lambda _, args, kwargs, s=seen: s.append(len(kwargs["input_ids"])), with_kwargs=True
        )
        loop.step()
        encoded[name] = seen
    assert encoded["usual loop"] == [8, 8]  # every image, every caption
    after = {"cached latents": [8], "distinct captions": [2]}[part]  # the null and one caption
    assert encoded[f"+ {part}"] == after or encoded[f"+ {part}"] == [1]
