"""The section "edits": exact edits pass, each kind of harm turns its own light red."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "synthesis"))

from calibration_sets import generator_folder, write_domains
from edited_sets import edited_side, patient, real_side, spot
from evaluation_folders import write_folder
from PIL import Image

from synthmed.errors import SynthmedError
from synthmed.evaluation.context import Settings
from synthmed.evaluation.edits import edits
from synthmed.evaluation.edits_shown import of_patients
from synthmed.evaluation.edits_words import lights
from synthmed.evaluation.evaluate import evaluate
from synthmed.evaluation.report.schema import schema_errors
from synthmed.evaluation.sections import Section
from synthmed.imaging.writing import write_png
from synthmed.measures.structure import ssim
from synthmed.synthesis.translate import translate

TITLES = ("structure", "findings survive", "masked", "findings equally")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return real_side(tmp_path_factory.mktemp("masks"))


@pytest.fixture
def section(real: Any, make_context: Any) -> Any:
    def make(images: Any = None, **how: Any) -> Section:
        return edits(make_context(real, edited_side(real, images, **how), bootstraps=100))

    return make


def states(section: Section) -> dict[str, str]:
    found = {}
    for title in TITLES:
        light = next(each for each in section.lights if each.title.lower().startswith(title))
        found[title] = light.state
    return found


def sources(real: Any) -> list[int]:
    return [i for i, row in enumerate(real.rows) if row.domain == "a"]


def test_exact_edits_pass_with_controls_that_are_flagged(section: Any) -> None:
    made = section()
    found = states(made)
    assert found.pop("findings equally") == "amber"  # of 40 patients nobody can tell
    assert set(found.values()) == {"green"}
    light = next(each for each in made.lights if each.title == "Findings survive")
    assert "lost" in light.reason
    assert "invented" in light.reason
    light = made.lights[-1]
    assert "too few patients to exclude a difference of 10 points (40 and 40)" in light.reason
    one = made.data["sets"][0]
    assert (one["source_domain"], one["target_domain"], one["n"]) == ("a", "b", 40)
    rows = one["structure"]["rows"]
    assert rows["identity"]["ssim"]["value"] == pytest.approx(1)
    assert rows["identity"]["gradient_correlation"]["value"] == pytest.approx(1)
    edited, swapped = (rows[name]["gradient_correlation"] for name in ("edits", "swapped"))
    assert edited["value"] > swapped["value"] + 0.2
    assert one["structure"]["control_flagged"]
    assert one["structure"]["control"]["high"] < 0.5
    lesions = one["lesions"]
    assert (lesions["masks"], lesions["visible"]) == (20, 20)
    assert lesions["identity"]["value"] == 1
    assert lesions["control"]["high"] < 0.8
    finding = one["findings"][0]
    assert finding["identity"]["value"] == 0
    assert finding["control_flagged"]
    assert finding["agreement"]["value"] > 0.9
    assert all(judge["counts"] for judge in finding["judges"].values())
    assert made.data["found"] == {
        "named": 40,
        "compared": 40,
        "patients": 40,
        "by": {"name": 40},
        "not_found": {},
    }


def test_the_identity_edit_changes_nothing(section: Any, real: Any) -> None:
    made = section(np.stack([patient(i, "a") for i in sources(real)]), target="a")
    one = made.data["sets"][0]
    assert one["structure"]["kept"]["value"] == pytest.approx(1)
    assert one["lesions"]["kept"]["value"] == 1
    assert one["findings"][0]["difference"]["value"] == pytest.approx(0, abs=1e-9)
    finding = one["findings"][0]
    assert finding["agreement"]["value"] == 1
    assert (finding["lost"]["value"], finding["invented"]["value"]) == (0, 0)
    assert (finding["state"], finding["control_flagged"]) == ("green", True)
    assert one["locality"]["share"] is None  # nothing changed
    light = made.lights[0]
    assert light.state == "grey"  # whoever changes nothing keeps everything
    assert "sources but for traces" in light.reason


def test_edits_of_other_patients_lose_structure_and_findings(section: Any, real: Any) -> None:
    numbers = sources(real)
    shifted = [*numbers[31:], *numbers[:31]]  # an odd shift: also the other answer
    made = section(np.stack([patient(i, "b") for i in shifted]))
    found = states(made)
    assert (found["structure"], found["findings survive"]) == ("red", "red")


def without_spots(real: Any) -> Any:
    images = np.stack([patient(i, "b") for i in sources(real)])
    for image, i in zip(images, sources(real), strict=True):
        if i % 2:
            image[0, spot(i)] = image[0, ~spot(i)].mean()
    return images


def test_lost_findings_turn_red_though_structure_is_kept(section: Any, real: Any) -> None:
    made = section(without_spots(real))
    found = states(made)
    assert found["findings survive"] == "red"
    assert found["masked"] == "red"
    assert found["structure"] != "red"
    one = made.data["sets"][0]
    assert one["findings"][0]["lost"]["value"] > 0.8
    assert one["findings"][0]["invented"]["value"] < 0.2
    assert one["locality"]["share"]["value"] > one["locality"]["area"]["value"]


def test_invented_findings_turn_red(section: Any, real: Any) -> None:
    images = np.stack([patient(i, "b") for i in sources(real)])
    for image, i in zip(images, sources(real), strict=True):
        if not i % 2:
            image[0, spot(i)] += 0.64
    made = section(np.clip(images, -1, 1))
    assert states(made)["findings survive"] == "red"
    assert made.data["sets"][0]["findings"][0]["invented"]["value"] > 0.8
    light = next(each for each in made.lights if each.title == "Findings survive")
    assert light.reason.startswith("a to b, chest X-ray, spot: invented ")


def test_unequal_prevalence_is_amber_with_a_warning(real: Any, make_context: Any) -> None:
    keep = [i for i, row in enumerate(real.rows) if row.domain == "a" or "spot" in row.labels]
    some = real.take(keep)
    context = make_context(some, edited_side(some), bootstraps=50)
    made = edits(context)
    assert states(made)["findings equally"] == "amber"
    assert any("not equally frequent" in text for text in made.warnings)
    named = [each for each in made.data["sets"][0]["prevalence"] if each["named"]]
    assert {each["label"] for each in named} == {"spot", "no finding"}


def test_the_light_of_prevalence_needs_the_power_to_be_green() -> None:
    def light(**ends: float) -> Any:
        each = {"label": "x", "source": 0.1, "target": 0.1, "n_source": 9, "n_target": 9}
        each |= {"low": -0.05, "high": 0.05, "named": False} | ends
        one = {"source_domain": "a", "target_domain": "b", "prevalence": [each]}
        data = {"sets": [one | {"structure": None, "lesions": None, "findings": []}]}
        return lights(data)[-1]

    assert light().state == light(low=-0.1, high=0.1).state == "green"
    assert light(high=0.11).state == light(low=-0.3).state == "amber"
    assert "too few patients" in light(low=-0.3).reason
    assert "too few patients" not in light(low=0.2, high=0.4, named=True).reason
    assert light(low=0.2, high=0.4, named=True).state == "amber"


def test_padding_counts_as_no_structure(make_context: Any, tmp_path: Path) -> None:
    """Of images half as wide as high the empty half of the square is no structure that was kept."""
    real = real_side(count=48)
    made = edited_side(real)
    rng = np.random.default_rng(0)
    full = edits(make_context(real, made, bootstraps=20)).data["sets"][0]["structure"]["rows"]
    for side, noise in ((real, 0.0), (made, 0.3)):
        side.pixels[:] += rng.normal(0, 1, side.pixels.shape) * noise
        side.pixels[..., :8] = side.pixels[..., 24:] = -1
        for row in side.rows:
            row.file = tmp_path / row.file.name
            write_png(row.file, np.zeros((1, 32, 16), np.float32))
    inner = edits(make_context(real, made, bootstraps=20)).data["sets"][0]["structure"]["rows"]
    cut = [side.pixels[..., 8:24] for side in (real, made)]
    sources = [i for i, row in enumerate(real.rows) if row.domain == "a"]
    expected = ssim(cut[0][sources], cut[1]).mean()
    assert inner["edits"]["ssim"]["value"] == pytest.approx(expected, abs=1e-6)
    assert inner["edits"]["ssim"]["value"] < full["edits"]["ssim"]["value"] - 0.2
    assert inner["identity"]["ssim"]["value"] == pytest.approx(1)


def test_images_too_thin_for_their_structure_are_named(make_context: Any, tmp_path: Path) -> None:
    real = real_side(count=48)
    made = edited_side(real)
    row = real.rows[0]
    row.file = tmp_path / row.file.name
    write_png(row.file, np.zeros((1, 32, 10), np.float32))
    section = edits(make_context(real, made, bootstraps=20))
    assert any("the structure of 1 of 24 edits was not measured" in t for t in section.warnings)
    assert section.data["sets"][0]["structure"]["rows"]["edits"]["ssim"]["n"] == 23


@pytest.mark.parametrize(
    ("said", "private"),
    [
        *((said, True) for said in (True, "true", "TRUE", 1, "1", "yes", 1.0, "", None, "unclear")),
        *((said, False) for said in (False, "false", "no", "0", 0, "0.0", 0.0)),
    ],
)
def test_what_does_not_say_no_is_an_edit_of_a_patients_image(said: Any, private: bool) -> None:
    side = edited_side(real_side(count=4))
    row = side.rows[0]
    row.extra |= {"synthetic": True, "derived_from_patient": said}
    assert of_patients(side)[0] == private
    del row.extra["source_file"]
    sure = private and said not in ("", None, "unclear")
    assert of_patients(side)[0] == sure


def test_a_judge_of_domains_does_not_count(make_context: Any) -> None:
    """The label goes with the domain: on both together a judge of the domain passes."""
    real = real_side(count=144)
    for i, row in enumerate(real.rows):
        other = (i // 4) % 6 == 0
        row.labels = ("spot",) if (row.domain == "b") != other else ("no finding",)
    made = edits(make_context(real, edited_side(real), bootstraps=50))
    assert states(made)["findings survive"] == "grey"
    finding = made.data["sets"][0]["findings"][0]
    assert "no judge reaches AUROC 0.80" in finding["not_measurable"]


def test_unmeasurable_parts_are_grey_with_a_reason(make_context: Any) -> None:
    real = real_side(count=24)
    for row in real.rows:
        row.labels = ()
    made = edits(make_context(real, edited_side(real), bootstraps=50))
    found = states(made)
    assert [found[title] for title in TITLES[1:]] == ["grey"] * 3
    assert all(light.reason for light in made.lights)
    assert made.data["sets"][0]["lesions"] is None


def test_broken_masks_are_named_and_left_out(make_context: Any, tmp_path: Path) -> None:
    real = real_side(tmp_path, count=48)
    (tmp_path / "1.png").write_bytes(b"no mask")
    made = edits(make_context(real, edited_side(real), bootstraps=50))
    assert made.data["sets"][0]["lesions"]["masks"] == 11
    assert any("real_0001.png" in text for text in made.warnings)


def test_missing_sources_are_counted_and_none_at_all_is_an_error(make_context: Any) -> None:
    real = real_side(count=48)
    made = edited_side(real)
    for row in made.rows[:4]:
        row.extra["source_file"] = "elsewhere.png"
    section = edits(make_context(real, made, bootstraps=50))
    assert section.data["found"]["not_found"] == {"no real image has this name": 4}
    assert any("4 of 24 edits were not compared" in text for text in section.warnings)
    for row in made.rows:
        row.extra["source_file"] = "elsewhere.png"
    with pytest.raises(SynthmedError, match=r"0 of 24 edits.*--real-split"):
        edits(make_context(real, made))
    for row in made.rows:
        row.extra = {}
    with pytest.raises(SynthmedError, match="no synthetic image names its source"):
        edits(make_context(real, made))


def test_a_report_has_the_section_where_rows_name_sources(tmp_path: Path) -> None:
    real = write_folder(tmp_path / "real", 24, prefix="r", domain="a")
    made = write_folder(tmp_path / "made", 24, prefix="r", domain="b", synthetic=True)
    table = made / "test" / "metadata.jsonl"
    lines = [json.loads(line) for line in table.read_text().splitlines()]
    for line in lines:
        line |= {"source_file": f"test/{line['file_name']}", "source_domain": "a"}
    table.write_text("".join(json.dumps(line) + "\n" for line in lines))
    for file in (made / "test").glob("*.png"):  # an edit is no copy of its source
        Image.open(file).save(file, compress_level=1)
    quick = Settings(extractor="pixels-16", bootstraps=50)
    evaluate(real, made, tmp_path / "out", sections=["edits"], settings=quick)
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert schema_errors(report) == []
    assert report["edits"]["found"]["compared"] == 24
    one = report["edits"]["sets"][0]
    assert one["structure"]["rows"]["edits"]["ssim"]["value"] == pytest.approx(1, abs=1e-3)
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Structure of the sources" in page


def test_what_translate_writes_is_found_again(tmp_path: Path) -> None:
    real = write_domains(tmp_path / "real", split="test")
    model = generator_folder(tmp_path / "model")
    translate(
        model,
        real,
        tmp_path / "made",
        target="site a",
        depth=0.9,
        steps=1,
        device="cpu",
        dtype="float32",
        progress=False,
    )
    quick = Settings(extractor="pixels-16", bootstraps=50)
    evaluate(real, tmp_path / "made", tmp_path / "out", sections=["edits"], settings=quick)
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    found = report["edits"]["found"]
    assert (found["named"], found["by"]) == (20, {"content": 20})
    names = [(one["source_domain"], one["target_domain"]) for one in report["edits"]["sets"]]
    assert names == [("render", "site a"), ("site b", "site a")]


def test_edits_of_patients_stand_in_the_private_report_alone(tmp_path: Path) -> None:
    real = write_domains(tmp_path / "real", split="test")
    table = write_domains(tmp_path / "made", split="test") / "test" / "metadata.jsonl"
    lines = [json.loads(line) for line in table.read_text().splitlines()]
    for i, line in enumerate(lines):
        image = tmp_path / "made" / "test" / line["file_name"]
        Image.open(image).rotate(90).save(image)  # looks like no real image
        line["synthetic"] = True
        if i < 20:  # a third of them says that it is no edit of a patient's image
            line |= {"source_file": line["file_name"], "derived_from_patient": i < 10}
    table.write_text("".join(json.dumps(line) + "\n" for line in lines))
    quick = Settings(extractor="pixels-16", bootstraps=50, with_real_images=True)
    result = evaluate(real, table.parents[1], tmp_path / "o", sections=["edits"], settings=quick)
    public, private = (
        (tmp_path / "o" / name).read_text() for name in ("report.html", "report-private.html")
    )
    assert "of 20 synthetic images, drawn" in public
    assert "chest X-ray, edited" not in public
    assert "of 10 synthetic images, drawn" in private
    assert "chest X-ray, edited" in private
    assert any("10 of 30 synthetic images are edits of patients" in t for t in result.warnings)
