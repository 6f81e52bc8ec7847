"""The Generator on tensors: conditions, velocities, sampling, guidance, what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tiny_models import (
    CARD,
    LENGTH,
    PROMPTS,
    WIDTH,
    largest_difference,
    text_generator,
    tiny_labels,
    tiny_text,
    tiny_unet,
    vae_of,
)
from torch import Tensor

from synthmed.errors import SynthmedError
from synthmed.models.codec import IdentityCodec
from synthmed.models.generator import Generator
from synthmed.transport import Drift, Guidance, batch_noise, shifted_grid, uniform_grid

SEEDS = [11, 12, 13, 14]


@pytest.fixture(scope="module")
def generator() -> Generator:
    return text_generator()


@pytest.fixture(scope="module")
def two_conditions() -> Generator:
    return text_generator(conditioners={"text": tiny_text(), "domain": tiny_labels()})


def quick(generator: Generator, records: Any = PROMPTS, seeds: Any = SEEDS, **how: Any) -> Tensor:
    return generator.sample(records, seeds, **({"steps": 3} | how))


def rows_of(generator: Generator, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, float]]:
    """Rows and timestep of every evaluation of the network from now on."""
    calls: list[tuple[int, float]] = []
    forward = generator.unet.forward

    def spy(z: Tensor, timestep: Tensor, **rest: Any) -> Any:
        assert len(set(timestep.tolist())) == 1
        calls.append((len(z), float(timestep[0])))
        return forward(z, timestep, **rest)

    monkeypatch.setattr(generator.unet, "forward", spy)
    return calls


# ------------------------------------------------------------------ conditions


def test_tokens_of_two_conditioners_are_joined_in_order(two_conditions: Generator) -> None:
    text, labels = two_conditions.conditioners.values()
    tokens = two_conditions.condition([{"domain": "naevus", "text": "a"}, {"text": "b"}, {}])
    assert tokens.shape == (3, LENGTH + 1, WIDTH)
    torch.testing.assert_close(tokens[:, :LENGTH], text(["a", "b", ""]))
    assert torch.equal(tokens[:, LENGTH:], labels(["naevus", "", ""]))
    assert not tokens.requires_grad


def test_the_null_is_every_conditioners_own(two_conditions: Generator) -> None:
    null = two_conditions.null(3)
    assert null.shape == (3, LENGTH + 1, WIDTH)
    assert torch.equal(null[1], two_conditions.condition([{"text": "", "domain": ""}])[0])
    assert torch.equal(null[0], null[2])


def test_each_condition_changes_the_image(two_conditions: Generator) -> None:
    records = [
        {"text": "a"},
        {"text": "b"},
        {"domain": "naevus"},
        {"text": "a", "domain": "benign"},
    ]
    images = quick(two_conditions, records, [1] * 4)
    for i in range(4):
        for j in range(i):
            assert largest_difference(images[i], images[j]) > 3


def test_a_prompt_is_the_field_text(generator: Generator) -> None:
    assert torch.equal(generator.condition(["a"]), generator.condition([{"text": "a"}]))


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"age": "80"}, r"the model has no condition 'age'. Known: text, domain\."),
        ({"domain": "cyst"}, "the model knows no label 'cyst'"),
        ("x" * LENGTH, "Shorten it"),
    ],
)
def test_a_condition_that_it_cannot_read_is_an_error(
    two_conditions: Generator, record: Any, message: str
) -> None:
    with pytest.raises(SynthmedError, match=message):
        quick(two_conditions, ["a", record], [1, 2])


def test_parts_that_do_not_fit_are_refused() -> None:
    with pytest.raises(SynthmedError, match="network reads 9 channels, latents have 4"):
        text_generator(unet=tiny_unet(latent_channels=9))
    narrow = tiny_labels()
    narrow.width = 16
    with pytest.raises(SynthmedError, match="tokens of width 32, those of 'domain' have 16"):
        text_generator(conditioners={"text": tiny_text(), "domain": narrow})


# ------------------------------------------------------------------ velocities


def test_the_network_is_told_the_timestep_and_answers_with_the_negative_velocity(
    generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = rows_of(generator, monkeypatch)
    z, a, b = batch_noise((4, 8, 8), SEEDS), *generator.condition(["a", "b"])[:, None]
    a, b = a.expand(4, -1, -1), b.expand(4, -1, -1)
    v_a, v_b = generator.velocities(z, 0.25, (a, b))
    assert calls == [(8, 750.0)]  # one pass for both conditions
    with torch.no_grad():
        answer = generator.unet(z, torch.full((4,), 750.0), encoder_hidden_states=b).sample
    torch.testing.assert_close(v_b, -answer, atol=1e-5, rtol=1e-4)
    (alone,) = generator.velocities(z, 0.25, (a,))
    torch.testing.assert_close(v_a, alone, atol=1e-5, rtol=1e-4)
    assert (v_a - v_b).abs().max() > 0.1


# ------------------------------------------------------------------ sampling


def test_images_are_float32_within_the_range_and_repeat_to_the_byte(generator: Generator) -> None:
    images = quick(generator, guidance=3.0)
    assert images.shape == (4, 3, 16, 16)
    assert images.dtype == torch.float32
    assert images.min() == -1  # clipped
    assert images.max() == 1
    assert torch.equal(images, quick(generator, guidance=3.0))
    assert largest_difference(images, quick(generator, seeds=[1, 2, 3, 4], guidance=3.0)) > 50


def test_one_euler_step_is_the_guided_velocity(generator: Generator) -> None:
    z = batch_noise((4, 8, 8), SEEDS)
    target, base = generator.condition(PROMPTS), generator.condition(["normal"] * 4)
    v_target, v_base = generator.velocities(z, 0.0, (target, base))
    for scale in (0.0, 1.0, 2.5):
        with torch.no_grad():
            expected = generator.codec.decode(z + v_base + scale * (v_target - v_base))
        made = quick(generator, negative="normal", steps=1, guidance=scale, solver="euler")
        torch.testing.assert_close(made, expected.clamp(-1, 1), atol=1e-5, rtol=0)


def test_order_and_batch_size_change_no_image(generator: Generator) -> None:
    prompts, seeds = PROMPTS * 3, list(range(12))
    whole = quick(generator, prompts, seeds, guidance=2.0)
    turned = quick(generator, prompts[::-1], seeds[::-1], guidance=2.0).flip(0)
    parts = [
        quick(generator, prompts[i : i + n], seeds[i : i + n], guidance=2.0)
        for i, n in ((0, 1), (1, 5), (6, 6))
    ]
    for other in (turned, torch.cat(parts)):
        levels = ((whole - other) * 127.5).abs()
        stored = (whole * 127.5 + 127.5).round() != (other * 127.5 + 127.5).round()
        assert levels.max() < 1
        assert stored.float().mean() < 1e-3


def test_the_negative_condition_replaces_the_null(generator: Generator) -> None:
    plain = quick(generator, guidance=3.0)
    assert torch.equal(quick(generator, guidance=3.0, negative=""), plain)
    assert torch.equal(quick(generator, guidance=3.0, negative={}), plain)
    away = quick(generator, guidance=3.0, negative="brain")
    assert largest_difference(away, plain) > 5
    # a negative of the prompt itself leaves nothing to move away from
    itself = quick(generator, ["brain"] * 4, guidance=3.0, negative="brain")
    assert largest_difference(itself, quick(generator, ["brain"] * 4)) <= 1
    assert torch.equal(quick(generator, negative="brain"), quick(generator))


def test_guidance_acts_within_its_interval_alone(
    generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = rows_of(generator, monkeypatch)
    plain = quick(generator, steps=4)
    assert [rows for rows, _ in calls] == [4, 4, 4, 4]
    calls.clear()
    part = quick(generator, steps=4, guidance=Guidance(3.0, 0.2, 0.6))
    assert calls == [(4, 1000.0), (8, 750.0), (8, 500.0), (4, 250.0)]
    none = quick(generator, steps=4, guidance=Guidance(3.0, 0.8, 0.9))
    assert torch.equal(none, plain)
    whole = quick(generator, steps=4, guidance=3.0)
    assert largest_difference(part, plain) > 5
    assert largest_difference(part, whole) > 5
    assert torch.equal(quick(generator, steps=4, guidance=Guidance(3.0)), whole)


def test_grid_shift_and_steps_are_ways_to_say_where_to_evaluate(generator: Generator) -> None:
    shifted = quick(generator, steps=4, shift=3.0)
    assert torch.equal(quick(generator, grid=shifted_grid(4, 0.0, 1.0, 3.0)), shifted)
    assert torch.equal(quick(generator, grid=uniform_grid(4, 0.0, 1.0)), quick(generator, steps=4))
    assert largest_difference(shifted, quick(generator, steps=4)) > 1


def test_solvers_agree_with_many_steps(generator: Generator) -> None:
    fine = quick(generator, steps=32, solver="heun")
    for solver, steps in (("euler", 100), ("multistep", 40)):
        assert largest_difference(fine, quick(generator, steps=steps, solver=solver)) <= 4


def test_drift_moves_the_prior_or_the_field(generator: Generator) -> None:
    plain = quick(generator)
    assert torch.equal(quick(generator, drift=Drift(0.0)), plain)
    assert torch.equal(quick(generator, drift=Drift(0.0, "field")), plain)
    z = batch_noise((4, 8, 8), SEEDS)
    (v,) = generator.velocities(z, 0.0, (generator.condition(PROMPTS),))
    one_step: dict[str, Any] = {"steps": 1, "solver": "euler"}
    moved = quick(generator, drift=Drift(0.5, "field"), **one_step)
    with torch.no_grad():
        expected = generator.codec.decode(z + v + 0.5).clamp(-1, 1)
    torch.testing.assert_close(moved, expected, atol=1e-5, rtol=0)
    (v,) = generator.velocities(z + 0.5, 0.0, (generator.condition(PROMPTS),))
    moved = quick(generator, drift=Drift(0.5, "prior"), **one_step)
    with torch.no_grad():
        expected = generator.codec.decode(z + 0.5 + v).clamp(-1, 1)
    torch.testing.assert_close(moved, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("records", "seeds", "message"),
    [
        (["a", "b"], [1], "2 conditions for 1 seeds"),
        ([], [], "0 conditions for 0 seeds"),
        ("a prompt", [1], "8 conditions for 1 seeds"),  # a text where a list belongs
    ],
)
def test_one_seed_a_condition(generator: Generator, records: Any, seeds: Any, message: str) -> None:
    with pytest.raises(SynthmedError, match=message):
        generator.sample(records, seeds)


def test_a_model_on_pixels() -> None:
    unet = tiny_unet(latent_channels=3, sample_size=16)
    generator = text_generator(codec=IdentityCodec(), unet=unet)
    images = quick(generator)
    assert images.shape == (4, 3, 16, 16)
    assert images.std() > 0.1


# ------------------------------------------------------------------ the card


def test_the_card_knows_types_and_words(generator: Generator) -> None:
    assert generator.name == "tiny"
    assert generator.known_words == set(CARD["known_words"])
    assert [entry["name"] for entry in generator.types] == ["chest X-ray", "dermatoscopy"]
    assert [generator.channels(t) for t in ("chest X-ray", "dermatoscopy", "", "CT")] == [
        1,
        3,
        3,
        3,
    ]
    blank = text_generator(card={})
    assert (blank.name, blank.types, blank.known_words) == ("generator", [], set())


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("A CHEST X-ray of a patient", "chest X-ray"),
        ("dermatoscopy of a naevus", "dermatoscopy"),
        ("a naevus on the chest", None),  # one word for each
        ("something else", None),
        ("", None),
    ],
)
def test_a_prompt_names_a_type_by_its_words(
    generator: Generator, prompt: str, name: str | None
) -> None:
    entry = generator.type_of(prompt)
    assert (entry and entry["name"]) == name


def test_parameters_are_those_of_all_networks(two_conditions: Generator) -> None:
    text, labels = two_conditions.conditioners.values()
    networks = (two_conditions.unet, vae_of(two_conditions), text.module, labels.module)
    expected = sum(weight.numel() for network in networks for weight in network.parameters())
    assert two_conditions.parameters == expected
    assert expected > 400_000
