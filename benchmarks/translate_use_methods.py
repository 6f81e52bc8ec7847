"""The translations of table 3: from renders to the domain of the test images."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.translate_methods import Identity, cyclegan, made, standard
from benchmarks.translate_use_tables import GAN, IDENTITY
from synthmed.errors import SynthmedError

if TYPE_CHECKING:
    from benchmarks.translate_frame import Bench

Translate = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def method_of(bench: Bench, name: str, domains: tuple[str, str]) -> Translate:
    """Find a method of table 1 by its name, and keep what it makes.

    Args:
        bench: The run.
        name: Its label; see `translate_use_tables`.
        domains: Source and target.

    Raises:
        SynthmedError: No such method.
    """
    method = _method(bench, name, domains)

    def translate(images: NDArray[np.float32]) -> NDArray[np.float32]:
        return made(bench.work, method, images, *domains, "use")

    return translate


def _method(bench: Bench, name: str, domains: tuple[str, str]) -> Any:
    if name == IDENTITY:
        return Identity()
    if name == GAN:
        return cyclegan(bench, *domains)
    arrays = {domain: bench.data.part(domain, "train").images for domain in domains}
    every = standard(bench.generator(), arrays, steps=bench.profile.steps)
    methods = {method.name: method for method in every}
    if name not in methods:
        raise SynthmedError(f"no method {name!r}", mend=f"Known: {', '.join(methods)}.")
    return methods[name]
