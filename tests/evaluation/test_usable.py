from dataclasses import replace

import numpy as np
import pytest

from synthmed.evaluation.usable import usable_light


@pytest.mark.parametrize(("bad", "state"), [(0, "green"), (1, "green"), (3, "amber"), (6, "red")])
def test_unusable_images_are_judged(make_side, make_context, bad: int, state: str) -> None:
    side = make_side("synthetic", np.zeros((100 - bad, 1, 16, 16)))
    rejected = tuple({"file_name": f"{i}.png", "reason": "blank"} for i in range(bad))
    context = make_context(side, replace(side, rejected=rejected))
    light = usable_light(context)
    assert light.state == state
    assert f"{bad} of 100" in light.reason
