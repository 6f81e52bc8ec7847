"""Mass attenuation coefficients of water, cortical bone and aluminium, 10 to 200 keV.

Source: J. H. Hubbell and S. M. Seltzer, Tables of X-Ray Mass Attenuation Coefficients, NISTIR 5632
(NIST Standard Reference Database 126); total attenuation with coherent scattering. Between the
tabulated energies the logarithm of the coefficient is linear in the logarithm of the energy.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synthmed.errors import SynthmedError

ENERGIES_KEV = (10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 80.0, 100.0, 150.0, 200.0)
# cm2/g at these energies
COEFFICIENTS = {
    "water": (
        *(5.329, 1.673, 0.8096, 0.3756, 0.2683, 0.2269),
        *(0.2059, 0.1837, 0.1707, 0.1505, 0.1370),
    ),
    "bone": (  # cortical, ICRU Report 44
        *(28.51, 9.032, 4.001, 1.331, 0.6655, 0.4242),
        *(0.3148, 0.2229, 0.1855, 0.1480, 0.1309),
    ),
    "aluminium": (
        *(26.23, 7.955, 3.441, 1.128, 0.5685, 0.3681),
        *(0.2778, 0.2018, 0.1704, 0.1378, 0.1223),
    ),
}
DENSITIES = {"water": 1.0, "bone": 1.92, "aluminium": 2.699}  # g/cm3


def mass_attenuation(material: str, energies_keV: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Give mass attenuation coefficients, in cm2/g, of the energies' shape.

    Args:
        material: "water", "bone" (cortical) or "aluminium".
        energies_keV: Photon energies, 10 to 200.

    Raises:
        SynthmedError: An unknown material, or an energy outside the table.
    """
    if material not in COEFFICIENTS:
        raise SynthmedError(f"no material {material!r}", mend=f"Known: {', '.join(COEFFICIENTS)}.")
    energies = np.asarray(energies_keV, np.float64)
    if not np.all((energies >= ENERGIES_KEV[0]) & (energies <= ENERGIES_KEV[-1])):
        raise SynthmedError(
            "an energy outside the attenuation table", mend="The table covers 10 to 200 keV."
        )
    logs = np.interp(np.log(energies), np.log(ENERGIES_KEV), np.log(COEFFICIENTS[material]))
    return np.exp(logs)
