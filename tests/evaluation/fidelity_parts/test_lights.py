"""Every state of every light, from numbers made by hand."""

import pytest

from synthmed.evaluation.fidelity_parts import lights

RANGES = ((0.0, 0.1), (0.2, 0.3), (0.05, 0.5))


def number(low, high):
    return {"value": (low + high) / 2, "low": low, "high": high}


def kid(excess, control=(0.8, 1.0), yardstick=0.15):
    return {
        "kid_excess": number(*excess),
        "kid_yardstick": number(yardstick, yardstick),
        "kid_control": number(*control),
    }


def loss(found, control=(0.3, 0.5)):
    return {"coverage_loss": number(*found), "coverage_control": number(*control)}


def of(name, synthetic, baseline):
    return {name: {"synthetic": number(*synthetic), "baseline": number(*baseline)}}


@pytest.mark.parametrize(
    ("entry", "state"),
    [
        (kid((0.0, 0.1)), "green"),
        (kid((0.2, 0.3)), "red"),
        (kid((0.1, 0.2)), "amber"),
        (kid((0.0, 0.1), control=(0.1, 0.9)), "grey"),  # the control would not be red
        (kid((0.0, 0.1), yardstick=-0.01), "grey"),
        (kid((0.2, 0.3), control=(0.1, 0.9)), "red"),  # red needs no control
        ({"kid_excess": None, "not_measurable": "too small"}, "grey"),
    ],
)
def test_realism(entry, state):
    assert lights.realism({"all images": entry}, 0.5).state == state


@pytest.mark.parametrize(
    ("entry", "state"),
    [
        (loss((-0.05, 0.05)), "green"),
        (loss((0.12, 0.3)), "red"),
        (loss((0.05, 0.2)), "amber"),
        (loss((-0.05, 0.05), control=(0.05, 0.5)), "grey"),
        ({}, "grey"),
    ],
)
def test_variety(entry, state):
    assert lights.variety({"all images": entry}).state == state


@pytest.mark.parametrize(
    ("found", "real", "control", "state"),
    [
        ((0.8, 1.2), (0.9, 1.1), 0.1, "green"),
        ((0.1, 0.3), (0.9, 1.1), 0.1, "red"),
        ((2.5, 3.0), (0.9, 1.1), 0.1, "red"),
        ((0.4, 0.7), (0.9, 1.1), 0.1, "amber"),
        ((0.8, 1.2), (0.4, 1.9), 0.1, "grey"),
        ((0.8, 1.2), (0.9, 1.1), 0.9, "grey"),  # a blur that cannot be seen
        ((0.8, 1.2), (0.9, 1.1), None, "grey"),
    ],
)
def test_texture(found, real, control, state):
    metrics = of("high-frequency-ratio", found, real)
    assert lights.texture({"all images": metrics}, control).state == state


@pytest.mark.parametrize(
    ("found", "real", "state"),
    [
        ((0.9, 1.1), (0.9, 1.1), "green"),
        ((0.1, 0.3), (0.9, 1.1), "red"),
        ((0.7, 0.9), (0.9, 1.1), "amber"),
        ((0.9, 1.1), (0.6, 1.4), "grey"),
        ((0.1, 0.3), (0.6, 1.4), "red"),
    ],
)
def test_diversity(found, real, state):
    light = lights.diversity({"all images": of("feature-diversity", found, real)}, "prompt")
    assert (light.state, light.title) == (state, "Diversity within each prompt")


def test_the_worst_part_decides_and_is_named():
    light = lights.realism(
        {"all images": kid((0.0, 0.1)), "x-ray": kid((0.0, 0.1)), "us": kid((0.2, 0.3))}, 0.5
    )
    assert light.state == "red"
    assert "us: excess KID 0.25 [0.2, 0.3]" in light.reason
    assert "x-ray" not in light.reason
    small = lights.realism({"all images": kid((0.0, 0.1)), "us": {"not_measurable": "tiny"}}, 0.5)
    assert small.state == "green"
    assert "1 of 2 parts are too small" in small.reason


def test_rules_name_their_margins():
    assert "0.10" in lights.variety({}).rule
    assert "0.5 to 2" in lights.texture({}, 0.1).rule
    assert "1/128" in lights.realism({}, 0.5).rule
    assert "0.80" in lights.diversity({}, "type").rule
