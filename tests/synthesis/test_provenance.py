from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from fake_generator import FakeGenerator
from PIL import Image

from synthmed import __version__
from synthmed.synthesis.generate import generate
from synthmed.synthesis.plan import make_plan
from synthmed.synthesis.prompts import Prompt, prompt_hash
from synthmed.synthesis.provenance import text_chunks, xmp_packet
from synthmed.transport.seeds import row_seed

PROMPT = "chest X-ray, <b>pneumonia</b> & finding"
URI = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
EXT = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"


def chunks_of(out: Path, prompt: Prompt | str, **options: bool) -> dict[str, str]:
    generate(FakeGenerator(), [prompt], out, progress=False, **options)  # type: ignore[arg-type]
    (file,) = (out / "train").glob("*.png")
    with Image.open(file) as image:
        image.load()
        return dict(image.text)  # type: ignore[attr-defined]


def description(xmp: str) -> dict[str, str]:
    """The properties of an XMP packet."""
    tree = ElementTree.fromstring(xmp)
    (element,) = tree.iter(f"{RDF}Description")
    return {child.tag: child.text or "" for child in element}


def test_a_file_says_what_it_is_and_how_it_was_made(tmp_path: Path) -> None:
    chunks = chunks_of(tmp_path, "chest X-ray, pneumonia")
    key = Prompt("chest X-ray, pneumonia").key
    assert chunks["Software"] == f"synthmed {__version__}"
    assert chunks["Source"] == "synthetic"
    assert chunks["DigitalSourceType"] == URI
    assert chunks["prompt_sha256"] == prompt_hash("chest X-ray, pneumonia")
    assert chunks["seed"] == str(row_seed(0, key, 0))
    assert (chunks["generator"], chunks["generator_hash"]) == ("fake", "f" * 64)
    assert "Not for diagnosis" in chunks["Disclaimer"]
    properties = description(chunks["XML:com.adobe.xmp"])
    assert properties[f"{EXT}DigitalSourceType"] == URI
    assert properties[f"{EXT}AISystemUsed"] == "synthmed generator fake"
    assert properties[f"{EXT}AISystemVersionUsed"] == "f" * 64


def test_a_typed_prompt_stays_out_of_the_file(tmp_path: Path) -> None:
    chunks = chunks_of(tmp_path, "chest X-ray, pneumonia")
    assert not any("pneumonia" in value for value in chunks.values())


@pytest.mark.parametrize("why", ["asked for", "made from a template"])
def test_the_prompt_goes_in_where_it_may(why: str, tmp_path: Path) -> None:
    if why == "asked for":
        chunks = chunks_of(tmp_path, "chest X-ray, pneumonia", embed_prompt=True)
    else:
        chunks = chunks_of(tmp_path, Prompt("chest X-ray, pneumonia", from_template=True))
    assert chunks["prompt"] == "chest X-ray, pneumonia"
    properties = description(chunks["XML:com.adobe.xmp"])
    assert properties[f"{EXT}AIPromptInformation"] == "chest X-ray, pneumonia"


def test_any_text_survives_the_packet() -> None:
    plan = make_plan(
        [Prompt(PROMPT)], count=1, seed=0, batch_size=1, guidance=1.0, negative=None, settings={}
    )
    chunks = text_chunks(plan.jobs[0], generator="a & b", generator_hash="0", embed_prompt=True)
    properties = description(xmp_packet(chunks))
    assert properties[f"{EXT}AIPromptInformation"] == PROMPT
    assert properties[f"{EXT}AISystemUsed"] == "synthmed generator a & b"
