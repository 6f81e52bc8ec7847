"""Unique identifiers that the same content always gets, under the root 2.25."""

from __future__ import annotations

import hashlib
import uuid


def uid(*parts: str) -> str:
    """Make a UID of a hash: "2.25." and a UUID as a decimal number (DICOM PS3.5 B.2).

    The UUID is of version 8 (RFC 9562, 5.8): the first 128 bits of the SHA-256 of the parts, with
    version and variant set.

    Args:
        parts: What the identified thing is made of; another part, another UID.
    """
    text = "\0".join(f"{len(part)}:{part}" for part in parts)
    bits = int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16])
    bits = bits & ~(0xF << 76) | (0x8 << 76)  # version 8
    bits = bits & ~(0x3 << 62) | (0x2 << 62)  # variant 10
    return f"2.25.{uuid.UUID(int=bits).int}"
