"""Draw the synthetic scene and evaluate its reference rules."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from workbench.base.errors import WorkbenchError
from workbench.scenes.classes import ClassTable
from workbench.scenes.draft import ArrayLike, TileDraft
from workbench.scenes.modality import ModalityInfo
from workbench.scenes.synthetic import bayes, layout
from workbench.scenes.synthetic.model import FAMILIES, KINDS, LOOKS, Parcels, draw_parcels
from workbench.scenes.synthetic.spectra import FWHM, NOISE, WAVELENGTHS, diffuse_share

SCALE = 1e-4
ORIGIN = (690_000.0, 5_335_000.0)
CRS = "EPSG:32633"
SMALLEST = 48

Decisions = dict[str, tuple[NDArray[np.uint8], NDArray[np.float64]]]


@dataclass(frozen=True, eq=False)
class World:
    """A drawn scene, before it is packed for the store.

    Attributes:
        plan: Parcels and polygons.
        parcels: What each parcel drew.
        labels: Class values inside labelled polygons, uint8 (rows, cols).
        light: Factor on reflectance, (B, rows, cols).
        shadow: Whether the sun is hidden, (rows, cols).
        terrain: Ground, metres, (rows, cols).
        hsi: Reflectance in units of 0.0001, int16 (B, rows, cols).
        lidar: Height above ground in metres, float32 (1, rows, cols).
        sar: VV and VH in dB, float32 (2, rows, cols).
    """

    plan: layout.Plan
    parcels: Parcels
    labels: NDArray[np.uint8]
    light: NDArray[np.float64]
    shadow: NDArray[np.bool_]
    terrain: NDArray[np.float64]
    hsi: NDArray[np.int16]
    lidar: NDArray[np.float32]
    sar: NDArray[np.float32]

    @property
    def truth(self) -> NDArray[np.uint8]:
        """Class value of every pixel's parcel, (rows, cols)."""
        return (self.parcels.kind[self.plan.parcel - 1] + 1).astype(np.uint8)


def draw_world(seed: int, shape: tuple[int, int]) -> World:
    """Draw a scene; each part has its own stream of random numbers."""
    streams = [np.random.default_rng([seed, number]) for number in range(7)]
    plan = layout.plan_parcels(shape, streams[0])
    parcels = draw_parcels(int(plan.parcel.max()), streams[1])
    labelled = layout.choose_labelled(plan, parcels.kind, len(KINDS), streams[2])
    place = plan.parcel.astype(np.int64) - 1
    labels = np.where((plan.polygon > 0) & labelled[place], parcels.kind[place] + 1, 0).astype(np.uint8)
    terrain = layout.make_terrain(shape, streams[3])
    tall = np.array([kind.tall for kind in KINDS])[parcels.kind]
    shadow = layout.cast_shadow(terrain + np.where(tall, parcels.height, 0.0)[place])
    sky = diffuse_share()[:, None, None]
    light = sky + (1 - sky) * layout.shading(terrain) * ~shadow
    return World(
        plan,
        parcels,
        labels,
        light,
        shadow,
        terrain,
        _draw_hsi(parcels, place, light, streams[4]),
        _draw_lidar(parcels, place, streams[5]),
        _draw_sar(parcels, place, streams[6]),
    )


def make_demo(seed: int = 0, shape: tuple[int, int] = (200, 300)) -> tuple[list[TileDraft], ClassTable, dict[str, Any]]:
    """Make the synthetic scene; see the package for what it holds and why its Bayes accuracy is known.

    Args:
        seed: Seed of everything; the same seed and shape give the same bytes on one machine.
        shape: Rows and columns.

    Returns:
        One tile (modalities ``hsi``, ``lidar``, ``sar``; labels; reference maps ``truth``, ``shadow``, ``parcel`` and
        ``bayes_<rule>_<modalities>``), the class table, and the scene's attributes. The reference maps of the rules
        hold where nothing is mixed, labelled pixels included.

    Raises:
        WorkbenchError: The shape is too small for parcels, or the seed is negative.
    """
    if min(shape) < SMALLEST or seed < 0:
        raise WorkbenchError(
            f"While making the synthetic scene: shape {shape[0]} x {shape[1]} and seed {seed} were asked for; "
            f"rows and columns must be at least {SMALLEST}, the seed at least 0."
        )
    world = draw_world(seed, shape)
    reference: dict[str, NDArray[Any]] = {
        "truth": world.truth,
        "shadow": world.shadow.astype(np.uint8),
        "parcel": world.plan.parcel,
    }
    figures: dict[str, dict[str, float]] = {"limit": bayes.limit_accuracy()}
    inside = world.labels > 0
    for rule, maps in reference_maps(world).items():
        figures[rule], figures[f"{rule}_expected"] = {}, {}
        for name, (decided, posterior) in maps.items():
            reference[f"bayes_{rule}_{name}"] = decided
            figures[rule][name] = round(float((decided == world.labels)[inside].mean()), 4)
            figures[f"{rule}_expected"][name] = round(float(posterior[inside].mean()), 4)
    figures["limit"] = {name: round(value, 4) for name, value in figures["limit"].items()}
    x, y = ORIGIN
    tile = TileDraft(
        name="demo",
        modalities=_described(world),
        labels=world.labels,
        transform=(layout.PIXEL, 0.0, x, 0.0, -layout.PIXEL, y),
        crs=CRS,
        reference=reference,
    )
    return [tile], ClassTable.from_names(kind.name for kind in KINDS), _attributes(seed, shape, figures)


def reference_maps(world: World) -> dict[str, Decisions]:
    """Class value and posterior of every pixel, by rule (``pixel``, ``object``) and combination of modalities."""
    parcel = world.plan.parcel.ravel().astype(np.int64) - 1
    pixels, count = np.arange(parcel.size), int(parcel.max()) + 1
    # A parcel too small to hold an unmixed pixel pools what it has; such a parcel is never labelled.
    pure = world.plan.pure.ravel()
    pooled = pure | (np.bincount(parcel[pure], minlength=count) == 0)[parcel]
    bands = len(WAVELENGTHS)
    statistics = bayes.hsi_statistics(
        world.hsi.reshape(bands, -1).T.astype(np.float64) * SCALE, world.light.reshape(bands, -1).T
    )
    height, decibel = world.lidar.ravel().astype(np.float64), world.sar.reshape(2, -1).T.astype(np.float64)

    def decide(use: NDArray[Any], unit: NDArray[np.int64], units: int) -> Decisions:
        chosen = {name: (parts[0][use], parts[1][use], parts[2][use]) for name, parts in statistics.items()}
        return bayes.decide(
            {
                "hsi": bayes.hsi_likelihood(chosen, unit, units),
                "lidar": bayes.lidar_likelihood(height[use], unit, units),
                "sar": bayes.sar_likelihood(decibel[use], unit, units),
            }
        )

    shape = world.plan.parcel.shape
    by_pixel = decide(pixels, pixels, pixels.size)
    by_parcel = decide(pooled, parcel[pooled], count)
    return {
        "pixel": {name: (value.reshape(shape), sure.reshape(shape)) for name, (value, sure) in by_pixel.items()},
        "object": {
            name: (value[parcel].reshape(shape), sure[parcel].reshape(shape))
            for name, (value, sure) in by_parcel.items()
        },
    }


def _draw_hsi(
    parcels: Parcels, place: NDArray[np.int64], light: NDArray[np.float64], random: np.random.Generator
) -> NDArray[np.int16]:
    """Reflectance in units of SCALE; only what parcels share is blurred, so that pure pixels follow the model."""
    names = list(FAMILIES)
    family = np.array([names.index(kind.family) for kind in KINDS])[parcels.kind][place]
    texture = random.standard_normal((2, *place.shape))
    image = np.empty(light.shape, np.int16)
    for band in range(len(WAVELENGTHS)):
        scene = ndimage.gaussian_filter(parcels.spectrum[:, band][place], 0.7, radius=2, mode="nearest")
        for direction in range(2):
            amount = np.array([FAMILIES[name].within[band, direction] for name in names])
            scene += amount[family] * texture[direction]
        measured = light[band] * scene + NOISE[band] * random.standard_normal(place.shape)
        image[band] = np.rint(measured / SCALE)
    return image


def _draw_lidar(parcels: Parcels, place: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.float32]:
    roughness = np.array([kind.roughness for kind in KINDS])[parcels.kind]
    level = ndimage.gaussian_filter(parcels.height[place], 0.5, radius=1, mode="nearest")
    height: NDArray[np.float32] = (level + roughness[place] * random.standard_normal(place.shape)).astype(np.float32)
    return height[None]


def _draw_sar(parcels: Parcels, place: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.float32]:
    """Multi-look backscatter: mixing and speckle act on power, the result is in dB."""
    power = 10 ** (parcels.backscatter.T[:, place] / 10)
    power = ndimage.gaussian_filter(power, (0, 0.5, 0.5), radius=(0, 1, 1), mode="nearest")
    speckle = random.gamma(LOOKS, 1 / LOOKS, power.shape)
    decibel: NDArray[np.float32] = (10 * np.log10(power * speckle)).astype(np.float32)
    return decibel


def _described(world: World) -> dict[str, tuple[ArrayLike, ModalityInfo]]:
    facts: dict[str, tuple[NDArray[Any], dict[str, Any]]] = {
        "hsi": (
            world.hsi,
            {
                "quantity": "reflectance",
                "wavelengths": tuple(WAVELENGTHS.tolist()),
                "fwhm": tuple(FWHM.tolist()),
                "scale": SCALE,
            },
        ),
        "lidar": (world.lidar, {"quantity": "height", "unit": "m", "band_names": ("height above ground",)}),
        "sar": (world.sar, {"quantity": "backscatter dB", "unit": "dB", "band_names": ("VV", "VH")}),
    }
    return {name: (array, ModalityInfo.of(name, array, **fields)) for name, (array, fields) in facts.items()}


def _attributes(seed: int, shape: tuple[int, int], figures: dict[str, dict[str, float]]) -> dict[str, Any]:
    return {
        "synthetic": True,
        "note": "Synthetic scene: fusion wins by construction.",
        "description": "Synthetic landscape of small parcels: hyperspectral, LiDAR and SAR; made by the workbench.",
        "licence": "CC0-1.0",
        "citation": "none: made by the workbench",
        "seed": seed,
        "shape": list(shape),
        "object_layer": "parcel",
        "sun": {"azimuth": layout.SUN_AZIMUTH, "elevation": layout.SUN_ELEVATION},
        "generator": (
            "Parcels draw a class, a spectrum, a height and a backscatter level; pixels scatter around them (Gaussian "
            f"texture and noise, {LOOKS}-look gamma speckle). Labelled pixels are unmixed. Shadows come from conifers "
            "and tiled roofs only."
        ),
        "bayes": figures,
        "bayes_note": (
            "Shares of labelled pixels that the exact rules get right: 'pixel' sees one pixel, 'object' pools the "
            "parcel; '..._expected' is their mean posterior; 'limit' is the expected accuracy with noise-free parcel "
            "values. The rules know the light on each pixel."
        ),
    }
