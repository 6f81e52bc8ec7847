import numpy as np

from synthmed.evaluation.samples import as_bytes, real_grids, synthetic_grids


def images(n, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (n, 1, 16, 16))


def shown(grids):
    return [pixels.tobytes() for grid in grids for pixels, _ in grid.images]


def test_copies_of_patients_are_never_shown(make_side, make_context) -> None:
    real, train = make_side("real", images(3)), make_side("train", images(3, 1))
    made = np.concatenate([images(4, 2), real.images([0]), train.images([1])])
    synthetic = make_side("synthetic", made)
    context = make_context(real, synthetic, train=train)
    grids = synthetic_grids(context, copies=["synthetic_0002.png"])
    hidden = {as_bytes(made[i]).tobytes() for i in (2, 4, 5)}
    assert not hidden & set(shown(grids))
    assert len(shown(grids)) == 3
    assert grids[0].caption.startswith("3 of 6 synthetic images")
    assert "3 were not drawn from" in grids[0].caption
    assert len(shown(synthetic_grids(make_context(real.take([1]), synthetic)))) == 6


def test_re_encoded_images_of_patients_are_not_shown(make_side, make_context) -> None:
    real = make_side("real", images(3))
    coarse = np.rint(real.images() * 60) / 60  # as a lossy file would hold them
    synthetic = make_side("synthetic", np.concatenate([images(4, 2), coarse]))
    grids = synthetic_grids(make_context(real, synthetic), copies=[])
    assert len(shown(grids)) == 4


def test_names_with_their_source_are_found_and_no_search_is_said(make_side, make_context) -> None:
    real, synthetic = make_side("real", images(3)), make_side("synthetic", images(4, 2))
    context = make_context(real, synthetic)
    assert len(shown(synthetic_grids(context, ["a/train/synthetic_0001.png"]))) == 3
    assert "not looked for" in synthetic_grids(context)[0].caption
    assert "not looked for" not in synthetic_grids(context, [])[0].caption


def test_grids_are_by_type_with_prompts_and_real_ones_are_private(make_side, make_context) -> None:
    kinds = ["x"] * 12 + ["y"] * 3
    synthetic = make_side(
        "synthetic", images(15), kinds=kinds, prompts=[f"prompt {i}" for i in range(15)]
    )
    real = make_side("real", images(15, 1), kinds=kinds)
    context = make_context(real, synthetic)
    first, second = synthetic_grids(context)
    assert (first.title, len(first.images), second.title) == ("x", 8, "y")
    assert {label for _, label in second.images} == {"prompt 12", "prompt 13", "prompt 14"}
    assert not first.private
    assert all(grid.private for grid in real_grids(context))


def test_grey_levels_and_colours() -> None:
    assert as_bytes(np.array([[[-1.0, 0.0, 2.0]]])).tolist() == [[0, 128, 255]]
    assert as_bytes(np.zeros((3, 4, 5))).shape == (4, 5, 3)
