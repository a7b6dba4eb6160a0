import numpy as np
import pytest

from workbench.scenes.synthetic import spectra
from workbench.scenes.synthetic.model import FAMILIES, KINDS


def at(spectrum, nm):
    return spectrum[np.abs(spectra.WAVELENGTHS - nm).argmin()]


def spectrum_of(name):
    kind = next(kind for kind in KINDS if kind.name == name)
    family = FAMILIES[kind.family]
    return family.mean + family.between @ np.array(kind.shift)


def ndvi(spectrum):
    return (at(spectrum, 845) - at(spectrum, 670)) / (at(spectrum, 845) + at(spectrum, 670))


def test_bands():
    assert len(spectra.WAVELENGTHS) == 64
    assert (np.diff(spectra.WAVELENGTHS) > 0).all()
    assert (spectra.NOISE > 0).all()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_reflectance_is_possible(kind):
    spectrum = spectrum_of(kind.name)
    assert 0 < spectrum.min() < spectrum.max() < 0.8


def test_plants_have_a_red_edge_and_plastic_has_none():
    for name, least in (("meadow", 0.6), ("tall crop", 0.6), ("conifers", 0.6), ("dry grass", 0.3)):
        assert ndvi(spectrum_of(name)) > least, name
    assert ndvi(spectrum_of("dry grass")) < ndvi(spectrum_of("meadow")) - 0.1
    turf = spectrum_of("artificial turf")
    assert at(turf, 520) > 1.5 * at(turf, 670)  # green to the eye
    edge = {name: at(spectrum_of(name), 745) / at(spectrum_of(name), 695) for name in ("meadow", "artificial turf")}
    assert edge["meadow"] > 1.5 > edge["artificial turf"]


def test_water_and_minerals_absorb_where_they_should():
    meadow, lush = spectrum_of("meadow"), spectrum_of("tall crop")
    assert at(meadow, 1195) < min(at(meadow, 1095), at(meadow, 1270))
    assert at(lush, 2200) < at(meadow, 2200)  # more leaf water
    assert at(meadow, 2200) < 0.5 * at(meadow, 845)
    soil = spectrum_of("smooth soil")
    assert at(soil, 420) < at(soil, 670) < at(soil, 1620)
    assert at(soil, 2205) < min(at(soil, 2115), at(soil, 2320))
    tiles = spectrum_of("tiled roof")
    assert at(tiles, 670) > 2 * at(tiles, 470)
    assert spectrum_of("asphalt").max() < 0.2
