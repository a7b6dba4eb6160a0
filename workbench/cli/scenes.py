"""Commands about scenes: bring them in, list them."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.cli.terminal import AsJson, Quiet, pairs, progress, say, table

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
    unit: Annotated[list[str], typer.Option(metavar="NAME=UNIT", help="Unit of a modality, such as lidar=m.")] = [],  # noqa: B006
    labels: Annotated[
        str | None,
        typer.Option(help="Label raster (GeoTIFF, .mat:variable) or polygons (GeoPackage, Shapefile, GeoJSON)."),
    ] = None,
    class_column: Annotated[str | None, typer.Option(help="Column of the polygons that holds the class.")] = None,
    class_names: Annotated[
        str | None, typer.Option(help="Names of classes 1 to n, separated by commas.", metavar="NAME,NAME,...")
    ] = None,
    grid: Annotated[str | None, typer.Option(help="Modality whose grid all others are brought to.")] = None,
    resample: Annotated[str | None, typer.Option(help="How: nearest, bilinear, cubic, average, ...")] = None,
    replace: Annotated[bool, typer.Option(help="Replace a scene of that name.")] = False,
    quiet: Quiet = False,
) -> None:
    """Bring files into the workbench as a scene, and print how they align.

    Grids must agree; where they do not, name the grid to keep and how to resample: --grid hsi --resample average.
    """
    from workbench.scenes import AlignmentReport, import_catalogue_entry, import_scene
    from workbench.scenes.importing import ModalitySource

    with progress(f"Importing {name}", quiet) as moved:
        if source is not None:
            if modality:
                raise typer.BadParameter("Give either --from (a catalogue entry) or --modality (your own files).")
            scene: Any = import_catalogue_entry(name, source, replace=replace, progress=moved)
        else:
            if not modality:
                raise typer.BadParameter("Name at least one raster: --modality hsi=cube.tif")
            facts: dict[str, dict[str, str]] = {
                key: {"path": path} for key, path in pairs(modality, "--modality").items()
            }
            for option, given in (("quantity", quantity), ("unit", unit)):
                for key, value in pairs(given, f"--{option}").items():
                    if key not in facts:
                        raise typer.BadParameter(f"--{option} names {key!r}, which no --modality brings.")
                    facts[key][option] = value
            sources = {
                key: ModalitySource.build(values, f"importing modality {key!r}") for key, values in facts.items()
            }
            names = None if class_names is None else [part.strip() for part in class_names.split(",")]
            scene = import_scene(
                name, sources, labels, class_column, names, grid, resample, replace=replace, progress=moved
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
