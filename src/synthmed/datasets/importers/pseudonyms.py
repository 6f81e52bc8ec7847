"""Pseudonyms: keyed hashes in place of identifiers, the key (salt) kept apart from the dataset."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from synthmed.errors import SynthmedError

_BYTES = 32
_SHIFT = 1 << 20  # days, about 2,900 years: a stored day says nothing of the date


def open_salt(path: Path, out: Path) -> bytes:
    """Read the salt, or make one.

    Args:
        path: The file; made, readable by its owner only, if missing.
        out: The dataset folder, which must not hold it.

    Returns:
        The key, 32 bytes.

    Raises:
        SynthmedError: The file lies inside the dataset, or is no salt.
    """
    if path.resolve().is_relative_to(out.resolve()):
        raise SynthmedError(
            "the salt may not lie inside the dataset",
            where=path,
            mend="Keep it apart: whoever has both can find the patients.",
        )
    try:
        return _read(path)
    except FileNotFoundError:
        pass
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise SynthmedError(f"cannot write the salt: {error.strerror}", where=path) from error
    return _read(path)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            salt = bytes.fromhex(file.read(4096).decode("ascii").strip())
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise SynthmedError("this is no salt file", where=path, mend="Name another.") from error
    if len(salt) < _BYTES:
        raise SynthmedError("the salt is too short", where=path, mend="Name another.")
    return salt


@dataclass(frozen=True)
class Pseudonyms:
    """Replaces identifiers by the first 16 hex digits of their HMAC-SHA256 (RFC 2104).

    The same identifier and salt give the same pseudonym, in other imports too; without the salt
    it cannot be found by trying all identifiers.

    Attributes:
        salt: The key.
        source: Name of the source, which stands before the group's pseudonym.
    """

    salt: bytes
    source: str

    def __repr__(self) -> str:
        return f"Pseudonyms(source={self.source!r})"  # a salt never enters a log

    def of(self, kind: str, identifier: str) -> str:
        """Give the pseudonym of an identifier; kinds ("group", "study", ...) do not mix."""
        return self._digest(kind, identifier).hexdigest()[:16]

    def group(self, identifier: str) -> str:
        """Give the `group_id` of a patient: "source:pseudonym"."""
        return f"{self.source}:{self.of('group', identifier)}"

    def shifted_day(self, group_id: str, day: int) -> int:
        """Give a day shifted by the group's secret number; differences within a group stay."""
        return day + int(self._digest("day", group_id).hexdigest(), 16) % _SHIFT

    def share(self, group_id: str, seed: int) -> float:
        """Give a group's place in [0, 1), which decides its split."""
        return int(self._digest(f"split {seed}", group_id).hexdigest()[:13], 16) / 16**13

    def fingerprint(self) -> str:
        """Tell salts apart without giving them away."""
        return self.of("fingerprint", "")

    def _digest(self, kind: str, identifier: str) -> hmac.HMAC:
        message = f"{kind}\x1f{identifier}".encode("utf-8", "surrogatepass")
        return hmac.new(self.salt, message, hashlib.sha256)
