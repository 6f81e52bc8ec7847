from __future__ import annotations

import pytest
import torch

from synthmed.errors import SynthmedError
from synthmed.training.augment import (
    OPERATIONS,
    SAFE,
    augment,
    gain,
    operations_of,
    shift,
    turn,
)


def draw(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def picture(side: int = 33) -> torch.Tensor:
    return torch.rand(3, side, side, generator=draw(99)) * 2 - 1


@pytest.mark.parametrize("kind", ["chest X-ray", "Chest CT", "frontal chest radiograph"])
@pytest.mark.parametrize("name", ["flip", "turn", "symmetric"])
def test_chests_are_never_mirrored(kind: str, name: str) -> None:
    with pytest.raises(SynthmedError, match="must not be mirrored"):
        operations_of(kind, {kind: ["shift", name]})
    assert operations_of(kind, {kind: ["shift", "gain"]}) == ("shift", "gain")


def test_no_safe_list_mirrors_a_chest_and_all_are_known() -> None:
    for kind, names in SAFE.items():
        assert set(names) <= OPERATIONS.keys()
        assert operations_of(kind, {}) == names
    assert not {"flip", "turn", "symmetric"} & set(SAFE["chest X-ray"])


def test_an_unlisted_type_gets_nothing_unless_the_recipe_says() -> None:
    assert operations_of("knee X-ray", {}) == ()
    assert operations_of("knee X-ray", {"knee X-ray": ["gain"]}) == ("gain",)
    with pytest.raises(SynthmedError, match=r"unknown augmentation 'blur'.*Known: flip, turn"):
        operations_of("knee X-ray", {"knee X-ray": ["blur"]})


@pytest.mark.parametrize("name", OPERATIONS)
def test_draws_come_from_the_given_generator_alone(name: str) -> None:
    x = picture()
    torch.manual_seed(0)
    state = torch.get_rng_state()
    first = augment(x, [name], draw(5))
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(1)
    assert torch.equal(augment(x, [name], draw(5)), first)
    assert any(not torch.equal(augment(x, [name], draw(seed)), first) for seed in range(10))


def test_no_operation_changes_nothing() -> None:
    x = picture()
    assert augment(x, [], draw(0)) is x


@pytest.mark.parametrize("name", ["flip", "turn", "symmetric"])
def test_mirrors_and_turns_only_move_pixels(name: str) -> None:
    x = picture()
    variants = {augment(x, [name], draw(seed)).numpy().tobytes() for seed in range(200)}
    assert len(variants) == {"flip": 2, "turn": 8, "symmetric": 4}[name]
    for seed in range(20):
        y = augment(x, [name], draw(seed))
        assert torch.equal(y.flatten().sort().values, x.flatten().sort().values)


def test_symmetric_keeps_the_bars_of_a_padded_picture() -> None:
    x = picture(16)
    x[:, :2] = x[:, -2:] = -1
    for seed in range(30):
        y = augment(x, ["symmetric"], draw(seed))
        assert (y[:, :2] == -1).all()
        assert (y[:, -2:] == -1).all()
        assert not (y[:, :, :2] == -1).all()


def test_turn_is_one_of_the_eight_symmetries() -> None:
    x = picture(4)
    symmetries = [torch.rot90(x, k, (1, 2)) for k in range(4)]
    symmetries += [s.flip(-1) for s in symmetries]
    found = set()
    for seed in range(100):
        y = turn(x, draw(seed))
        found.add(next(i for i, s in enumerate(symmetries) if torch.equal(s, y)))
    assert found == set(range(8))


@pytest.mark.parametrize(("side", "reach"), [(64, 2), (32, 1), (128, 4), (10, 1)])
def test_shift_moves_whole_pixels_within_its_reach(side: int, reach: int) -> None:
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    x = torch.stack([rows, columns]).float()
    seen = set()
    for seed in range(300):
        y = shift(x, draw(seed))
        middle = side // 2
        dy, dx = int(y[0, middle, middle]) - middle, int(y[1, middle, middle]) - middle
        expected = torch.stack(
            [(rows + dy).clamp(0, side - 1), (columns + dx).clamp(0, side - 1)]
        ).float()
        assert torch.equal(y, expected)  # edges repeated
        seen |= {("y", dy), ("x", dx)}
    assert seen == {(axis, d) for axis in "xy" for d in range(-reach, reach + 1)}


def test_gain_scales_above_black_and_clips_at_white() -> None:
    x = torch.tensor([-1.0, 0.0, 0.5]).reshape(1, 1, 3)
    factors = []
    for seed in range(300):
        y = gain(x, draw(seed))
        factor = float(y[0, 0, 1]) + 1
        assert float(y[0, 0, 0]) == -1.0
        assert float(y[0, 0, 2]) == pytest.approx(min(1.5 * factor - 1, 1.0), abs=1e-6)
        factors.append(factor)
    assert 0.9 <= min(factors) < 0.905
    assert 1.095 < max(factors) <= 1.1
    assert float(gain(torch.full((1, 1, 1), 0.99), draw(1)).max()) <= 1.0


def test_operations_are_applied_in_order() -> None:
    x = picture()
    one = draw(3)
    assert torch.equal(augment(x, ["shift", "gain"], draw(3)), gain(shift(x, one), one))
