"""Spectra of picked pixels as files."""

from collections.abc import Sequence
from pathlib import Path

from workbench.scenes import Collection, Scene
from workbench.views.selection import Pixel


def save_spectra(whole: Scene | Collection, tile: Scene, pixels: Sequence[Pixel], folder: Path) -> list[Path]:
    """Write the spectra of pixels of a tile, per modality as CSV and as ENVI spectral library; gives the files."""
    from workbench.spectra.library import pick_spectra, write_csv, write_envi_library

    number = whole.scenes.index(tile)
    written = []
    for modality in whole.modalities:
        spectra = pick_spectra(whole, modality, [(number, row, col) for row, col in pixels])
        written.append(write_csv(spectra, folder / f"{modality}.csv"))
        library = write_envi_library(spectra, folder / f"{modality}.sli")
        written += [library, library.with_suffix(".hdr")]
    return written
