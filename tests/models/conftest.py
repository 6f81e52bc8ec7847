"""The tiny models are importable by all tests here, and no test reaches the network."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening and saving a model connects to nothing."""

    def refuse(*arguments: object) -> None:
        raise AssertionError(f"a connection was opened: {arguments[1:]}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
