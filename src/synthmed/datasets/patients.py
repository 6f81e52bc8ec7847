"""Age and sex in words."""

from __future__ import annotations

from synthmed.datasets.phrases import Pick

_DECADES = ("twenties", "thirties", "forties", "fifties", "sixties", "seventies", "eighties")


def patient_words(age: float | None, sex: str | None) -> str:
    """Name a patient in the canonical wording.

    Args:
        age: In years; ages below one are left out, ages above 90 are 90.
        sex: "M", "F" or None.

    Returns:
        For example "56-year-old woman", "woman", "56-year-old patient", or "".
    """
    years = _years(age)
    noun = _noun(years, sex)
    if years is None:
        return noun if sex else ""
    return f"{years}-year-old {noun}"


def _years(age: float | None) -> int | None:
    return min(int(age), 90) if age is not None and age >= 1 else None


def _noun(years: int | None, sex: str | None) -> str:
    child = years is not None and years < 18
    names = {"F": "girl" if child else "woman", "M": "boy" if child else "man"}
    return names.get(sex or "", "child" if child else "patient")


def varied_patient_words(age: float | None, sex: str | None, pick: Pick) -> str:
    """Name a patient in one of several wordings, now and then by the decade of the age.

    Args:
        age: In years, as in `patient_words`.
        sex: "M", "F" or None.
        pick: Chooses among the wordings.

    Returns:
        For example "woman in her fifties", "female patient aged 56", or "".
    """
    years = _years(age)
    noun = _noun(years, sex)
    words = {"F": "female patient", "M": "male patient"}.get(sex or "", noun)
    if years is None:
        return pick((noun, words)) if sex else ""
    options = [f"{years}-year-old {noun}"] * 3
    options += [f"{words} aged {years}", f"{noun} of {years} years"]
    if 20 <= years < 90:
        whose = {"F": "her", "M": "his"}.get(sex or "", "their")
        options.append(f"{noun} in {whose} {_DECADES[years // 10 - 2]}")
    return pick(options)
