from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import pytest

from synthmed.datasets.importers.pseudonyms import Pseudonyms, open_salt
from synthmed.datasets.importers.splitting import parse_shares, split_of
from synthmed.errors import SynthmedError

KEY = bytes(range(32))


def test_group_is_the_keyed_hash_of_patient_and_issuer() -> None:
    hidden = Pseudonyms(KEY, "site").group("007\x1fHOSPITAL")
    expected = hmac.new(KEY, b"group\x1f007\x1fHOSPITAL", hashlib.sha256).hexdigest()[:16]
    assert hidden == f"site:{expected}"
    assert Pseudonyms(KEY[::-1], "site").group("007\x1fHOSPITAL") != hidden
    assert Pseudonyms(KEY, "site").of("study", "007\x1fHOSPITAL") != expected


def test_days_keep_their_differences_within_a_group_only() -> None:
    hide = Pseudonyms(KEY, "site")
    assert hide.shifted_day("a", 730_000) - hide.shifted_day("a", 729_000) == 1000
    assert hide.shifted_day("a", 730_000) != hide.shifted_day("b", 730_000)
    assert KEY.hex() not in repr(hide)


def test_salt_is_made_once_for_its_owner_only_and_outside(tmp_path: Path) -> None:
    path, out = tmp_path / "keys" / "salt", tmp_path / "out"
    salt = open_salt(path, out)
    assert len(salt) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert open_salt(path, out) == salt
    assert open_salt(tmp_path / "other", out) != salt
    with pytest.raises(SynthmedError, match="inside the dataset"):
        open_salt(out / "salt", out)
    assert not out.exists()


@pytest.mark.parametrize("content", [b"", b"ab12", b"\xff\xfe", b"xyz" * 30])
def test_what_is_no_salt_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "salt"
    path.write_bytes(content)
    with pytest.raises(SynthmedError, match="salt"):
        open_salt(path, tmp_path / "out")


def test_splits_have_the_shares_asked_for() -> None:
    hide = Pseudonyms(KEY, "site")
    names = [split_of(f"g{n}", (0.7, 0.2, 0.1), 0, hide) for n in range(4000)]
    assert names.count("train") == pytest.approx(2800, abs=90)  # 3 standard deviations
    assert names.count("val") == pytest.approx(800, abs=76)
    assert names != [split_of(f"g{n}", (0.7, 0.2, 0.1), 1, hide) for n in range(4000)]
    assert {split_of(f"g{n}", (0.0, 0.0, 1.0), 0, hide) for n in range(50)} == {"test"}


@pytest.mark.parametrize("text", ["", "1", "0.5,0.5", "0.5,0.5,0.5", "a,b,c", "nan,0,1", "-1,1,1"])
def test_shares_that_are_none(text: str) -> None:
    with pytest.raises(SynthmedError, match="three shares"):
        parse_shares(text)
