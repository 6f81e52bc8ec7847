"""How many synthetic images cannot be used at all: blank, damaged, missing."""

from __future__ import annotations

from synthmed.evaluation.context import Context
from synthmed.evaluation.sections import Light, State

AMBER, RED = 0.01, 0.05
_RULE = (
    f"Share of synthetic images that are blank, damaged or missing. Green: at most {AMBER:.0%}; "
    f"red: above {RED:.0%}; amber: between. All other lights judge the usable images only."
)


def usable_light(context: Context) -> Light:
    """Judge the share of synthetic images that were left out because they cannot be used."""
    made = context.every or context.synthetic
    bad, every = len(made.rejected), len(made) + len(made.rejected)
    state: State = "green" if bad <= AMBER * every else "red" if bad > RED * every else "amber"
    return Light("Usable images", state, _RULE, f"{bad} of {every} synthetic images are unusable.")
