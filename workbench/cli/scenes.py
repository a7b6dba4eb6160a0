"""Commands about scenes: fetch, import, derive, list."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.cli.terminal import AsJson, Quiet, SceneName, cell, pairs, progress, say, table, typed

app = typer.Typer()


@app.command("import")
def import_(
    name: Annotated[str, typer.Argument(help="Name of the new scene, or of a catalogue entry such as idtrees2020.")],
    source: Annotated[
        Path | None, typer.Option("--from", help="Folder of a catalogue entry's files.", show_default=False)
    ] = None,
    modality: Annotated[
        list[str],
        typer.Option(
            "--modality",
            "-m",
            metavar="NAME=FILE",
            help="A raster per modality: hsi=cube.tif, lidar=scene.mat:dsm, ...",
        ),
    ] = [],  # noqa: B006 (typer copies it)
    quantity: Annotated[
        list[str],
        typer.Option(metavar="NAME=QUANTITY", help="What a modality holds: reflectance, radiance, height, ..."),
    ] = [],  # noqa: B006
    fact: Annotated[
        list[str],
        typer.Option(
            "--set",
            metavar="NAME.FACT=VALUE",
            help="Another fact of a modality: hsi.scale=0.0001, lidar.unit=m, hsi.wavelengths=bands.txt, "
            "hsi.drop_bands=bad, hsi.axes=band,y,x; also offset, nodata, date.",
        ),
    ] = [],  # noqa: B006
    labels: Annotated[
        str | None,
        typer.Option(
            help="Label raster (GeoTIFF, .mat:variable, ENVI class map), polygons (GeoPackage, Shapefile, GeoJSON) or ENVI "
            "regions of interest (.txt)."
        ),
    ] = None,
    class_column: Annotated[str | None, typer.Option(help="Column of the polygons that holds the class.")] = None,
    class_names: Annotated[
        str | None, typer.Option(help="Names of classes 1 to n, separated by commas.", metavar="NAME,NAME,...")
    ] = None,
    grid: Annotated[
        str | None, typer.Option(help="Modality whose grid all others are brought to; of houston2018: 1m or labels.")
    ] = None,
    resample: Annotated[str | None, typer.Option(help="How: nearest, bilinear, cubic, average, ...")] = None,
    compress: Annotated[bool, typer.Option(help="Pack the pixels; without, import is faster and larger.")] = True,
    replace: Annotated[bool, typer.Option(help="Replace a scene of that name.")] = False,
    quiet: Quiet = False,
) -> None:
    """Bring files into the workbench as a scene, and print how they align.

    Grids must agree; where they do not, name the grid to keep and how to resample: --grid hsi --resample average.
    """
    from workbench.scenes import AlignmentReport, import_catalogue_entry, import_scene
    from workbench.scenes.catalogue import CATALOGUE
    from workbench.scenes.importing import ModalitySource

    with progress(f"Importing {name}", quiet) as moved:
        if source is not None or (not modality and name in CATALOGUE):  # what was fetched needs no folder
            if modality:
                raise typer.BadParameter("Give either --from (a catalogue entry) or --modality (your own files).")
            own = {
                "--quantity": quantity, "--set": fact, "--labels": labels, "--class-column": class_column,
                "--class-names": class_names, "--resample": resample, "--no-compress": not compress,
            }  # fmt: skip
            if unfit := [option for option, value in own.items() if value]:
                raise typer.BadParameter(
                    f"{', '.join(unfit)} can be said of your own files (--modality); an entry of the catalogue knows its own."
                )
            scene: Any = import_catalogue_entry(name, source, replace=replace, progress=moved, grid=grid)
        else:
            if not modality:
                raise typer.BadParameter("Name at least one raster: --modality hsi=cube.tif")
            facts: dict[str, dict[str, Any]] = {
                key: {"path": path} for key, path in pairs(modality, "--modality").items()
            }
            given = pairs(quantity, "--quantity")
            told: list[tuple[str, str, Any, str]] = [
                (key, "quantity", value, "--quantity") for key, value in given.items()
            ]
            for key, value in typed(fact, "--set").items():
                modality_name, _, what = key.partition(".")
                told.append((modality_name, what, value, "--set"))
            for key, what, value, option in told:
                if key not in facts:
                    raise typer.BadParameter(f"{option} names {key!r}, which no --modality brings.")
                if what in facts[key]:
                    raise typer.BadParameter(f"{option} gives {what} of {key!r}, which is given already.")
                facts[key][what] = tuple(value) if isinstance(value, list) else value
            sources = {
                key: ModalitySource.build(values, f"importing modality {key!r}") for key, values in facts.items()
            }
            names = None if class_names is None else [part.strip() for part in class_names.split(",")]
            scene = import_scene(
                name,
                sources,
                labels,
                class_column,
                names,
                grid,
                resample,
                replace=replace,
                progress=moved,
                compress=compress,
            )
    print(AlignmentReport.of(scene))
    for note in scene.attrs.get("import_counts", {}).items():
        print(f"{note[0]}: {note[1]}")
    say(f"Scene {scene.name} is ready: workbench report explore -p scene={scene.name}")


@app.command()
def scenes(as_json: AsJson = False) -> None:
    """List the scenes that are here and the catalogue entries that can be had."""
    from workbench.scenes import list_scenes

    found = list_scenes()
    if as_json:
        print(json.dumps([scene.model_dump(mode="json") for scene in found], indent=1))
        return
    table(
        ["scene", "here", "tiles", "size", "modalities", "classes", "what it is"],
        [
            [
                s.name,
                "yes" if s.imported else "no",
                s.tiles or "",
                s.shape,
                ", ".join(s.modalities),
                s.classes or "",
                s.description,
            ]
            for s in found
        ],
    )


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="Name of a data set (see `workbench scenes`).")],
    folder: Annotated[Path | None, typer.Option("--to", help="Folder; data/downloads/NAME where not given.")] = None,
    quiet: Quiet = False,
) -> None:
    """Download a data set's files where its provider allows it, else say where to get them.

    Files are checked, and continued where they were cut.
    """
    from workbench.scenes.catalogue.fetch import Instructions, fetch_entry

    with progress(f"Fetching {name}", quiet) as moved:
        found = fetch_entry(name, folder, moved)
    print(found)
    if not isinstance(found, Instructions):
        say(f"Next: workbench import {name} --from {found}")


@app.command()
def derive(
    scene: SceneName,
    name: Annotated[str, typer.Argument(help="Name of the new scene.")],
    step: Annotated[
        list[str],
        typer.Option(
            "--step",
            "-s",
            help="height=dsm-dem, db=sar, linear=sar, drop=hsi:1,5-8, scale=hsi:0.0001, offset=hsi:-1000; in this order.",
        ),
    ],
    replace: Annotated[bool, typer.Option(help="Replace a scene of that name.")] = False,
    quiet: Quiet = False,
) -> None:
    """Make a scene from another: heights from terrain models, decibels, bands dropped, another scale."""
    from workbench.scenes import open_scene
    from workbench.scenes.derive import derive_scene, parse_steps

    steps = parse_steps(step)
    with progress(f"Deriving {name}", quiet) as moved:
        made = derive_scene(open_scene(scene), name, steps, replace, moved)
    for what, count in made.attrs["derived"]["counted"].items():
        print(f"{what}: {count}")
    say(f"Scene {made.name} is ready: workbench report explore -p scene={made.name}")


@app.command()
def alignment(scene: SceneName) -> None:
    """How the rasters of a scene lie on each other: grids, no-data, and the shift between modalities."""
    from workbench.scenes import AlignmentReport, open_scene
    from workbench.scenes.shift import stored_shifts

    opened = open_scene(scene)
    report = AlignmentReport.of(opened)
    if report is not None:
        print(report)
        return
    for shift in stored_shifts(opened):
        print(shift)


@app.command()
def bands(
    scene: SceneName,
    modality: Annotated[str, typer.Argument(help="Modality, such as hsi.")] = "hsi",
    lowest_snr: Annotated[float, typer.Option(help="Signal-to-noise ratio below which a band is called noisy.")] = 5.0,
) -> None:
    """Signal and noise of every band, and which ones are bad."""
    from workbench.scenes import open_scene
    from workbench.spectra.noise import band_quality

    found = band_quality(open_scene(scene), modality, lowest_snr)
    frame = found.to_frame()
    table(list(frame.columns), [[cell(value) for value in row] for row in frame.to_numpy().tolist()])
    print("\n".join([found.method, *found.notes]))
    if found.bad:
        listed = ",".join(str(band + 1) for band in found.bad)
        say(f"To leave them out: workbench derive {scene} {scene}_good -s drop={modality}:{listed}")


@app.command()
def indices(scene: SceneName, modality: Annotated[str, typer.Argument(help="Modality, such as hsi.")] = "hsi") -> None:
    """Spectral indices that a modality's bands can compute."""
    from workbench.scenes import open_scene
    from workbench.spectra.indices import list_indices

    found = list_indices(open_scene(scene).info(modality))
    table(["index", "what it is", "formula"], [[one.name, one.long_name, one.formula] for one in found])


@app.command()
def label(
    scene: SceneName,
    file: Annotated[Path, typer.Argument(help="Polygons: GeoPackage, Shapefile or GeoJSON.")],
    column: Annotated[str | None, typer.Option(help="Column that holds the class.")] = None,
    name: Annotated[str, typer.Option(help="Name of the label layer; what has that name is replaced.")] = "drawn",
) -> None:
    """Make a file of polygons a label layer of a scene, to train on as SCENE@NAME."""
    from workbench.scenes import open_scene
    from workbench.views.labelling import Labelling

    made = Labelling(open_scene(scene), name, path=file, class_column=column).make_layer()
    say(f"Labels {made.name} are ready: workbench split make {made.name}")
