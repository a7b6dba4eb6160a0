from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat

from workbench.spectra.noise import band_quality


def scene_with_noise(rng, sizes, shape=(200, 200)):
    """Fields with sharp borders and a slope, all of one signal, and white noise of known size per band."""
    rows, cols = np.mgrid[0 : shape[0], 0 : shape[1]]
    fields = 100 + 20 * ((rows // 40 + cols // 40) % 2) + 0.05 * cols
    return (fields + np.array(sizes)[:, None, None] * rng.normal(size=(len(sizes), *shape))).astype(np.float32)


def test_the_noise_that_was_put_in_is_found_and_borders_and_slopes_do_no_harm(store, rng):
    sizes = [0.5, 1.0, 4.0, 40.0]
    found = band_quality(store({"hsi": {"quantity": "radiance"}}, hsi=scene_with_noise(rng, sizes)), "hsi")
    np.testing.assert_allclose(
        [one.noise for one in found.bands], sizes, rtol=0.08
    )  # borders are 5 % of the neighbours
    np.testing.assert_allclose([one.snr for one in found.bands[:3]], 115 / np.array(sizes[:3]), rtol=0.12)
    assert found.bad == (3,)
    assert found.bands[3].faults == (f"signal-to-noise ratio {found.bands[3].snr:.1f}, below 5",)
    assert "Green" in found.method
    assert band_quality(
        store({"hsi": {"quantity": "radiance"}}, name="b", hsi=scene_with_noise(rng, sizes)), "hsi", 50
    ).bad == (2, 3)


def test_empty_constant_and_mostly_missing_bands_are_found_with_their_reasons(store, rng):
    cube = scene_with_noise(rng, [1.0] * 5, (80, 80))
    cube[1], cube[2] = np.nan, 7
    cube[3, :60] = np.nan
    cube[4, :10] = np.nan
    found = band_quality(store(hsi=cube), "hsi")
    assert found.bad == (1, 2, 3)
    assert [one.faults for one in found.bands] == [
        (), ("no values",), ("constant (7)",), (found.bands[3].faults[0],), (),
    ]  # fmt: skip
    assert found.bands[3].faults[0].startswith("no value in 7")
    table = found.to_frame()
    assert table["fault"].tolist()[2] == "constant (7)"
    assert table["band"].tolist() == [1, 2, 3, 4, 5]


def test_water_absorption_is_a_hint_and_only_where_wavelengths_are_documented(store, rng):
    cube = scene_with_noise(rng, [1.0] * 4, (80, 80))
    told = band_quality(store({"hsi": {"wavelengths": (550.0, 1400.0, 1850.0, 2200.0)}}, hsi=cube), "hsi")
    assert [bool(one.hint) for one in told.bands] == [False, True, True, False]
    assert told.bad == ()
    silent = band_quality(store(hsi=cube, name="other"), "hsi")
    assert not any(one.hint for one in silent.bands)
    assert any("No wavelengths are documented" in note for note in silent.notes)


def test_whole_numbers_are_noisy_by_their_step(store, rng):
    stored = np.round(1000 + 0.3 * rng.normal(size=(1, 100, 100))).astype(np.int16)
    found = band_quality(store({"hsi": {"quantity": "reflectance", "scale": 1e-4}}, hsi=stored), "hsi")
    noise = found.bands[0].noise
    assert noise is None or noise >= 1e-4 / np.sqrt(12) * 0.999


def test_pixels_copied_from_coarser_ones_are_not_taken_for_noise_free(store, rng):
    coarse = rng.normal(100, 5, (2, 25, 25))
    cube = coarse.repeat(6, axis=1).repeat(6, axis=2)
    cube[1] += rng.normal(size=cube[1].shape)
    found = band_quality(store(hsi=cube.astype(np.float32)), "hsi")
    assert found.bands[0].snr is None
    assert found.bands[1].snr is not None
    assert found.bad == ()
    assert any("In band 1 most neighbours are equal" in note for note in found.notes)


@pytest.mark.parametrize("quantity", ["height", "elevation", "backscatter dB"])
def test_a_ratio_of_heights_or_decibels_has_no_meaning(store, rng, quantity):
    cube = rng.normal(size=(1, 70, 70)).astype(np.float32)
    found = band_quality(store({"m": {"quantity": quantity}}, m=cube), "m")
    assert found.bands[0].snr is None
    assert found.bad == ()
    assert any("no meaning" in note for note in found.notes)


def test_tiles_of_a_collection_count_together_and_tiny_ones_do_not_fail(store, rng):
    collection = store(hsi=rng.normal(100, 1, (2, 2, 2)).astype(np.float32), tiles=2)
    assert band_quality(collection, "hsi").bad == ()


SHARED = Path(__file__).parents[3] / "shared" / "data" / "muufl_mini" / "an_hsi_image_sub_for_demo.mat"


@pytest.mark.skipif(not SHARED.exists(), reason="needs the shared data")
def test_the_bands_that_the_owners_of_muufl_removed_are_among_the_noisiest(store):
    """The first four and the last four of 72."""
    held = loadmat(SHARED, squeeze_me=True)
    cube = np.ascontiguousarray(held["hsi_img_sub"].transpose(2, 0, 1))
    found = band_quality(store({"hsi": {"quantity": "reflectance"}}, hsi=cube), "hsi")
    noisiest = set(np.argsort([one.snr for one in found.bands])[:8].tolist())
    assert len(noisiest & {0, 1, 2, 3, 68, 69, 70, 71}) >= 7
