from __future__ import annotations

import pytest

from synthmed.datasets.importers.identifiers import find_identifiers, remove_known


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Discussed with Dr. Zwackelmann.", "name"),
        ("Frau Müller, follow-up", "name"),
        ("compared with 2019-03-04", "date"),
        ("compared with 4.3.2019", "date"),
        ("mail a.b@klinik.de", "email"),
        ("call 0171 555 1234", "telephone"),
        ("lives at 12 Long Street", "address"),
        ("wohnt Holzstraße 17", "address"),
        ("MRN: 778899", "record number"),
    ],
)
def test_found(text: str, kind: str) -> None:
    assert kind in find_identifiers(text)


@pytest.mark.parametrize(
    "text",
    [
        "No pneumothorax. Heart size is normal, 12 x 14 mm, stable since XXXX.",
        "Chest X-ray, PA view, 56-year-old woman, opacity 3.5 cm at the level of T10-T12.",
        "Mild degenerative changes L4/5/6. Ms. not stated",
    ],
)
def test_plain_reports_are_not_flagged(text: str) -> None:
    assert find_identifiers(text) == []


def test_known_names_are_removed_as_whole_words() -> None:
    text, removed = remove_known("Ottilie's CT, quastenFLOSSER; Quast", ["Quastenflosser^Ottilie"])
    assert text == "[removed]'s CT, [removed]; Quast"
    assert removed
    assert remove_known("An ox", ["ox", ""]) == ("An ox", False)


def test_long_texts_come_to_an_end() -> None:
    for text in ("1 A" * 100_000, "a@" * 100_000, "12 Aaaa " * 50_000, "0" * 300_000):
        assert find_identifiers(text) == []
