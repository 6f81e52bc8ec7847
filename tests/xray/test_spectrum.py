"""Attenuation tables, tube spectra, and Beer and Lambert's law."""

import numpy as np
import pytest

from synthmed.errors import SynthmedError
from synthmed.xray.attenuation import COEFFICIENTS, ENERGIES_KEV, mass_attenuation
from synthmed.xray.spectrum import spectrum, transmission


def test_the_tables_are_met_and_interpolated_between() -> None:
    for material, table in COEFFICIENTS.items():
        assert len(table) == len(ENERGIES_KEV)
        np.testing.assert_allclose(mass_attenuation(material, ENERGIES_KEV), table, rtol=1e-12)
        assert (np.diff(mass_attenuation(material, np.linspace(10, 200, 500))) < 0).all()
    # XCOM itself at 70 keV: water 0.193, cortical bone about 0.26 cm2/g.
    assert mass_attenuation("water", 70.0) == pytest.approx(0.193, rel=0.01)
    assert mass_attenuation("bone", 70.0) == pytest.approx(0.26, rel=0.02)


def test_what_the_tables_do_not_hold() -> None:
    with pytest.raises(SynthmedError, match="Known: water, bone, aluminium"):
        mass_attenuation("gold", 50.0)
    for energy in (9.9, 201.0, float("nan")):
        with pytest.raises(SynthmedError, match="10 to 200"):
            mass_attenuation("water", [50.0, energy])


def test_one_energy() -> None:
    beam = spectrum("mono-62.5keV")
    assert beam.energies.tolist() == [62.5]
    assert beam.weights.tolist() == [1.0]


def test_a_tubes_spectrum() -> None:
    soft, hard = spectrum("60kVp"), spectrum("120kVp")
    for beam, kvp in ((soft, 60), (hard, 120)):
        assert beam.weights.sum() == pytest.approx(1)
        assert (beam.weights > 0).all()
        assert beam.energies.min() > 10
        assert beam.energies.max() < kvp
        assert 0.4 * kvp < beam.mean_energy < 0.7 * kvp
    assert hard.mean_energy > soft.mean_energy
    assert spectrum("120kVp-6mmAl").mean_energy > hard.mean_energy
    # Without a filter, Kramers' law itself: photons go as (kVp - E) / E.
    bare = spectrum("100kVp-0mmAl")
    np.testing.assert_allclose(
        bare.weights / bare.weights[0],
        (100 / bare.energies - 1) / (100 / bare.energies[0] - 1),
    )


@pytest.mark.parametrize(
    "name",
    ["", "120 kVp", "120kvp", "30kVp", "200kVp", "mono-5keV", "mono-300keV", "120kVp-50mmAl"],
)
def test_an_unknown_spectrum(name: str) -> None:
    with pytest.raises(SynthmedError, match="Write such as mono-70keV"):
        spectrum(name)


def test_one_energy_obeys_beer_and_lambert() -> None:
    water, bone = np.array([0.0, 5.0, 20.0]), np.array([0.0, 2.0, 0.5])
    passed = transmission(water, bone, spectrum("mono-60keV"))
    np.testing.assert_allclose(passed, np.exp(-(0.2059 * water + 0.3148 * bone)), rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "hardens"), [("mono-70keV", False), ("80kVp", True), ("140kVp", True)]
)
@pytest.mark.parametrize("material", ["water", "bone"])
def test_a_tubes_beam_hardens_and_one_energy_does_not(
    name: str, hardens: bool, material: str
) -> None:
    thickness = np.array([1.0, 5.0, 10.0, 20.0, 30.0])
    nothing = np.zeros_like(thickness)
    areas = (thickness, nothing) if material == "water" else (nothing, thickness)
    effective = -np.log(transmission(*areas, spectrum(name))) / thickness
    if hardens:
        assert (np.diff(effective) < -1e-4).all()
        assert effective[-1] > mass_attenuation(material, float(name[:-3]))
    else:
        np.testing.assert_allclose(effective, effective[0], rtol=1e-12)


def test_an_empty_beam_passes_whole() -> None:
    assert transmission(np.zeros((2, 3)), np.zeros((2, 3)), spectrum("120kVp")) == pytest.approx(1)
