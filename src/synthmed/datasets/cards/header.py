"""The YAML header of a card, and the refusal of cards without licence or intended use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from synthmed.errors import SafetyError

# Hub identifiers (https://huggingface.co/docs/hub/repositories-licenses) by how licences are
# written. Only a text that is nothing but the name is taken for it: all others are "other".
_LICENCES = {
    **{name: name for name in ("apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "cc0-1.0")},
    **{f"cc-{kind}-{v}": f"cc-{kind}-{v}" for v in ("3.0", "4.0") for kind in ("by", "by-sa")},
    **{f"cc-{kind}-{v}": f"cc-{kind}-{v}" for v in ("3.0", "4.0") for kind in ("by-nc", "by-nd")},
    **{f"cc-by-nc-{k}-{v}": f"cc-by-nc-{k}-{v}" for v in ("3.0", "4.0") for k in ("sa", "nd")},
    "cc0": "cc0-1.0",
}
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (10**6, "100K<n<1M"))


def require(licence: str, intended_use: str, where: object) -> None:
    """Refuse a card without licence or intended use.

    Raises:
        SafetyError: One is missing.
    """
    missing = [
        name
        for name, value in (("a licence", licence), ("an intended use", intended_use))
        if not value.strip()
    ]
    if missing:
        raise SafetyError(
            f"no card without {' and '.join(missing)}",
            where=where,
            mend="Give --licence and --intended-use. If you do not know the licence, ask the owner "
            "of the images: nothing may be passed on until then.",
        )


def licence_fields(licence: str) -> dict[str, str]:
    """Give the header's licence: an identifier of the hub, else "other" and the licence's words."""
    name = re.sub(r"[\s_]+", "-", licence.strip().lower()).strip(".")
    name = name.replace("creative-commons-", "cc-")
    if name in _LICENCES:
        return {"license": _LICENCES[name]}
    return {"license": "other", "license_name": licence.strip()}


def size_category(count: int) -> str:
    """Give the hub's size category of a number of images."""
    return next((name for limit, name in _SIZES if count < limit), "1M<n<10M")


def tag(text: str) -> str:
    """Give a word as a tag: lower case, hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def with_header(fields: Mapping[str, Any], body: str) -> str:
    """Give a README: YAML header between lines of hyphens, then the text."""
    head = yaml.safe_dump(dict(fields), sort_keys=False, allow_unicode=True)
    return f"---\n{head}---\n\n{body}"


def plain(text: object) -> str:
    """Give a text as one line of Markdown in which it cannot act as markup or as a table."""
    line = " ".join(str(text).split())
    return re.sub(r"([\\`*_<>\[\]|#])", r"\\\1", line)
