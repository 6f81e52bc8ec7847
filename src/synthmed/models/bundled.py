"""The Generators that come with the package."""

from __future__ import annotations

from pathlib import Path

WEIGHTS = Path(__file__).parent / "weights"


def bundled_models() -> dict[str, Path]:
    """Names of the bundled Generators and their folders."""
    return {card.parent.name: card.parent for card in sorted(WEIGHTS.glob("*/synthmed.json"))}
