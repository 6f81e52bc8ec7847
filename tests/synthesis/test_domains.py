"""Domains of prompts: rows, seeds and errors; and prompts without a domain stay as they were."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
import typer
from fake_generator import FakeGenerator
from filter_sets import blank_out
from PIL import Image
from torch import Tensor
from typer.testing import CliRunner

from synthmed.datasets import read_dataset
from synthmed.errors import SynthmedError
from synthmed.synthesis.filter import filter_dataset
from synthmed.synthesis.generate import generate
from synthmed.synthesis.plan import make_plan
from synthmed.synthesis.prompts import Prompt, as_prompts, prompt_hash, read_prompts
from synthmed.transport.seeds import row_seed

TEXT = "chest X-ray, pneumonia"


class WithDomains(FakeGenerator):
    """Reads a text and a domain; remembers the conditions."""

    conditioners: ClassVar = {"text": None, "domain": None}
    domains: ClassVar = ["site a", "site b"]

    def __init__(self) -> None:
        super().__init__()
        self.records: list[dict[str, str]] = []
        self.negatives: list[dict[str, str] | None] = []

    def condition(self, records: list[dict[str, str]]) -> Tensor:
        assert all(record.get("domain", "") in ("", *self.domains) for record in records)
        return torch.zeros(len(records), 1, 1)

    def sample(self, records: Any, seeds: Any, **how: Any) -> Tensor:
        self.records += records[: len(seeds)]
        self.negatives.append(how["negative"])
        texts = [{"text": f"{r.get('text', '')} {r.get('domain', '')}"} for r in records]
        return super().sample(texts, seeds, **how)


class DomainsAlone(WithDomains):
    """Reads nothing but a domain; makes one type of images."""

    conditioners: ClassVar = {"domain": None}
    types: ClassVar = [{"name": "chest X-ray", "grey": True}]


def run(out: Path, prompts: Any, model: Any, **options: Any) -> Any:
    return generate(model, prompts, out, progress=False, batch_size=4, **options)


def plan(prompts: list[Prompt], seed: int = 5) -> Any:
    options = {"count": 1, "batch_size": 4, "guidance": 1.5, "negative": None}
    return make_plan(prompts, seed=seed, settings={"steps": 12}, **options)  # type: ignore[arg-type]


def test_a_plan_without_domains_is_the_plan_that_it_was() -> None:
    """The digest of version 0.1.0, written out: another one would disown all folders there are."""
    made = plan([Prompt("a", 2, "007", labels=("x",), sex="F", where="p.csv, row 2"), Prompt("b")])
    rows = [
        [0, 1.5, None, "a", 2, "007", None, None, ["x"], "", "", None, "F", False, ""],
        [1, 1.5, None, "a", 2, "007", None, None, ["x"], "", "", None, "F", False, ""],
        [0, 1.5, None, "b", None, "", None, None, [], "", "", None, None, False, ""],
    ]

    def digest(value: object) -> str:
        return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()

    settings = {"steps": 12, "seed": 5, "batch_size": 3, "images": 3, "prompts": digest(rows)}
    assert made.settings == settings
    assert made.hash == digest(settings)
    keys = ["007", "007", hashlib.sha256(b"b").hexdigest()[:16]]
    assert [job.seed for job in made.jobs] == [
        row_seed(5, key, copy) for key, copy in zip(keys, (0, 1, 0), strict=True)
    ]
    assert made.jobs[2].file_name == f"{keys[2]}-0000.png"


def test_a_domain_changes_the_plan_and_the_key_of_a_prompt_without_id() -> None:
    bare, a, b = Prompt("x"), Prompt("x", domain="a"), Prompt("x", domain="b")
    assert bare.key == prompt_hash("x")[:16]
    assert len({bare.key, a.key, b.key}) == 3
    assert Prompt("x", id="7", domain="a").key == "7"
    assert len({plan([prompt]).hash for prompt in (bare, a, b)}) == 3
    alone, among = plan([b]).jobs[0], plan([a, bare, b]).jobs[2]
    assert (alone.seed, alone.file_name) == (among.seed, among.file_name)


def test_the_column_and_the_option(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("prompt,domain,count\nchest,site a,2\nbrain,,\n")
    assert [prompt.domain for prompt in read_prompts(path)] == ["site a", ""]
    assert [prompt.domain for prompt in as_prompts(path, "site b")] == ["site a", "site b"]
    path.write_text("domain,count\nsite a,2\n,3\n")
    with pytest.raises(SynthmedError, match=r"the prompt is blank \[p.csv, row 3\]"):
        read_prompts(path)
    assert as_prompts(None, "site a") == [Prompt("", domain="site a")]
    with pytest.raises(SynthmedError, match="there is no prompt"):
        as_prompts(None)


def test_rows_files_and_conditions_have_the_domain(tmp_path: Path) -> None:
    model = WithDomains()
    prompts = [Prompt(TEXT, 2, domain="site a"), Prompt(TEXT), Prompt("dermatoscopy", id="d")]
    result = run(tmp_path, prompts, model, domain="site b", negative="melanoma")
    assert result.domains == {"site a": 2, "site b": 2}
    rows = read_dataset(tmp_path).rows
    assert [row.domain for row in rows] == ["site a", "site a", "site b", "site b"]
    assert [row.image_type for row in rows] == ["chest X-ray"] * 3 + ["dermatoscopy"]
    assert len({row.extra["seed"] for row in rows}) == 4
    assert model.records[0] == {"text": TEXT, "domain": "site a"}
    assert model.records[2] == {"text": TEXT, "domain": "site b"}
    assert model.negatives == [{"text": "melanoma"}]
    with Image.open(rows[0].file) as image:
        assert image.text["domain"] == "site a"  # type: ignore[attr-defined]
    about = json.loads((tmp_path / "dataset.json").read_text())
    assert about["generation"]["domain"] == "site b"


def test_without_a_domain_nothing_speaks_of_one(tmp_path: Path) -> None:
    model = WithDomains()
    result = run(tmp_path, [TEXT], model)
    assert result.domains == {}
    assert model.records[0] == {"text": TEXT}
    for file in ("dataset.json", "plan.json", "train/metadata.jsonl"):
        assert "domain" not in (tmp_path / file).read_text()
    with Image.open(next(tmp_path.glob("train/*.png"))) as image:
        assert "domain" not in image.text  # type: ignore[attr-defined]


def test_the_same_prompt_in_two_domains_gives_two_images(tmp_path: Path) -> None:
    for name in ("site a", "site b"):
        run(tmp_path / name, [TEXT], WithDomains(), domain=name)
    one, other = (next((tmp_path / n).glob("train/*.png")) for n in ("site a", "site b"))
    assert one.name != other.name
    assert one.read_bytes() != other.read_bytes()
    with pytest.raises(SynthmedError, match="made with other settings: domain site a, now site b"):
        run(tmp_path / "site a", [TEXT], WithDomains(), domain="site b")


@pytest.mark.parametrize(
    ("model", "prompts", "domain", "message"),
    [
        (WithDomains, [TEXT], "site c", r"no domain 'site c'\. Known: site a, site b\."),
        (WithDomains, [Prompt(TEXT, domain="c", where="p, row 2")], None, r"'c' \[p, row 2\]"),
        (FakeGenerator, [TEXT], "site a", "the model has no domains, and 'site a' was asked for"),
        (FakeGenerator, None, "site a", "the model has no domains"),
        (WithDomains, None, "site a", "reads a text beside the domain, and there is no prompt"),
        (DomainsAlone, [TEXT], "site a", "reads a domain and no prompt, and both were given"),
        (DomainsAlone, None, None, "there is no prompt"),
    ],
)
def test_what_does_not_go_with_the_model(
    tmp_path: Path, model: Any, prompts: Any, domain: str | None, message: str
) -> None:
    with pytest.raises(SynthmedError, match=message):
        run(tmp_path / "out", prompts, model(), domain=domain)
    assert not (tmp_path / "out").exists()


def test_a_model_that_is_normalised_by_domain_needs_one(tmp_path: Path) -> None:
    model = WithDomains()
    model.card = {**model.card, "latent_normalisation": {"site a": {}, "site b": {}}}  # type: ignore[misc]
    with pytest.raises(SynthmedError, match="needs a domain for every image"):
        run(tmp_path / "out", [TEXT], model)
    run(tmp_path / "out", [TEXT], model, domain="site a")


def test_a_domain_alone_suffices_where_the_model_reads_nothing_else(tmp_path: Path) -> None:
    model = DomainsAlone()
    result = run(tmp_path, None, model, domain="site a", count=3)
    assert (result.images, result.types) == (3, {"chest X-ray": 3})
    assert model.records[0] == {"domain": "site a"}
    rows = read_dataset(tmp_path).rows
    assert [row.domain for row in rows] == ["site a"] * 3
    assert len({row.extra["seed"] for row in rows}) == 3
    assert run(tmp_path, None, model, domain="site a", count=3).made == 0


def test_redrawn_images_keep_their_domain(tmp_path: Path) -> None:
    prompts = [Prompt(TEXT, 2, id="a", domain="site a"), Prompt(TEXT, 2, id="b")]
    run(tmp_path / "source", prompts, WithDomains())
    blank_out(tmp_path / "source", 0, 2)
    model = WithDomains()
    options: dict[str, Any] = {"checks": ["blank"], "progress": False, "batch_size": 4}
    result = filter_dataset(tmp_path / "source", tmp_path / "out", redraw=model, **options)  # type: ignore[arg-type]
    assert result.redrawn == 2
    assert [row.domain for row in read_dataset(tmp_path / "out").rows] == ["site a"] * 2 + [""] * 2
    assert {json.dumps(record) for record in model.records} == {
        json.dumps({"text": TEXT, "domain": "site a"}),
        json.dumps({"text": TEXT}),
    }


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """The folder of a real generator of 16 x 16 pixels that reads nothing but a domain."""
    from synthmed.models.codec import AutoencoderCodec, build_autoencoder
    from synthmed.models.conditioners import LabelConditioner
    from synthmed.models.denoiser import build_unet
    from synthmed.models.generator import Generator
    from synthmed.transport.paths import LinearPath

    torch.manual_seed(0)
    vae = build_autoencoder(
        image_size=16, latent_channels=4, block_out_channels=(16, 16), layers_per_block=1
    )
    unet = build_unet(
        sample_size=8,
        latent_channels=4,
        condition_width=32,
        block_out_channels=(16, 32),
        attention=(False, True),
        layers_per_block=1,
        heads=2,
    )
    generator = Generator(
        codec=AutoencoderCodec(vae),
        conditioners={"domain": LabelConditioner(["low dose", "standard"], 32)},
        unet=unet,
        path=LinearPath(),
        image_size=16,
        card={"name": "doses", "types": [{"name": "chest X-ray", "grey": True}]},
    )
    return generator.save(tmp_path / "model")


def test_the_verb_with_a_real_generator(tiny: Path, tmp_path: Path) -> None:
    from synthmed.cli.generate import generate as verb

    app = typer.Typer()
    app.command()(verb)

    def invoke(*words: object) -> Any:
        options = ("--device", "cpu", "--steps", 2, "--json")
        every = [tiny, "--out", tmp_path / "out", *words, *options]
        return CliRunner().invoke(app, [str(word) for word in every])

    made = invoke("--domain", "low dose", "--count", 2)
    assert made.exit_code == 0, made.output
    facts = json.loads(made.stdout)
    assert facts["domains"] == {"low dose": 2}
    assert {row.domain for row in read_dataset(tmp_path / "out").rows} == {"low dose"}
    wrong = invoke("--domain", "high dose")
    assert wrong.exit_code == 2
    assert "Known: low dose, standard." in wrong.stderr
    none = invoke()
    assert none.exit_code == 2
    assert "no prompt" in none.stderr
