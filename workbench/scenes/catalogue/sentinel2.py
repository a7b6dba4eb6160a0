"""The bands of Sentinel-2's instrument, as ESA publishes them."""

BANDS = {
    "B01": (442.7, 21.0),
    "B02": (492.4, 66.0),
    "B03": (559.8, 36.0),
    "B04": (664.6, 31.0),
    "B05": (704.1, 15.0),
    "B06": (740.5, 15.0),
    "B07": (782.8, 20.0),
    "B08": (832.8, 106.0),
    "B8A": (864.7, 21.0),
    "B09": (945.1, 20.0),
    "B10": (1373.5, 31.0),
    "B11": (1613.7, 91.0),
    "B12": (2202.4, 175.0),
}
"""Centre and width in nm of Sentinel-2A, by band (Sentinel-2 MSI User Guide, spectral resolution). A tile does not say
which of the satellites took it; Sentinel-2B's centres are up to 17 nm away (band 12) and mostly within 5 nm."""

NOTE = "Band centres are those of Sentinel-2A; the files do not say which of the satellites took a tile."


def bands(*without: str) -> dict[str, tuple[str, ...] | tuple[float, ...]]:
    """Band names, centres and widths of all bands but those named, as `TileModality` takes them."""
    kept = {name: band for name, band in BANDS.items() if name not in without}
    return {
        "band_names": tuple(kept),
        "wavelengths": tuple(centre for centre, _ in kept.values()),
        "fwhm": tuple(width for _, width in kept.values()),
    }
