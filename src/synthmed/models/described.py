"""What a Generator's card and conditioners say of it: name, types, words, domains."""

from __future__ import annotations

from typing import Any

from synthmed.models.conditioners import Conditioner, LabelConditioner
from synthmed.models.domain_norm import Statistics
from synthmed.models.type_names import type_named


class Described:
    """The readable side of a Generator.

    Attributes:
        card: What is known of it: `name`, `types`, `known_words`, licences, training groups.
        conditioners: By name.
    """

    card: dict[str, Any]
    conditioners: dict[str, Conditioner]

    @property
    def name(self) -> str:
        """The card's name."""
        return str(self.card.get("name", "generator"))

    @property
    def types(self) -> list[dict[str, Any]]:
        """The image types that it was trained on: `name`, `grey`, `words`."""
        return list(self.card.get("types", []))

    @property
    def known_words(self) -> set[str]:
        """Words of the training captions; empty if nobody recorded them."""
        return set(self.card.get("known_words", []))

    @property
    def domains(self) -> list[str]:
        """The domains that it knows, in the order of training; [] without a domain condition."""
        conditioner = self.conditioners.get("domain")
        return list(conditioner.labels) if isinstance(conditioner, LabelConditioner) else []

    @property
    def latent_normalisation(self) -> Statistics:
        """Mean and deviation of each latent channel by domain; {} where latents stay as coded."""
        return self.card.get("latent_normalisation") or {}

    def type_of(self, prompt: str) -> dict[str, Any] | None:
        """The image type that a prompt names: in full, else by words of its captions; or None."""
        return type_named(prompt, self.types)

    def channels(self, image_type: str) -> int:
        """1 for grey image types, 3 for colour and for unknown ones."""
        return next((1 for t in self.types if t["name"] == image_type and t.get("grey")), 3)
