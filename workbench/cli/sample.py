"""Commands of map accuracy: draw points from a class map, and score what an interpreter answered."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from workbench.cli.terminal import AsJson, Seed, pairs, say, table

app = typer.Typer()
sample = typer.Typer(
    help="Accuracy and area of a class map from points that an interpreter answers, with 95 % confidence.",
    no_args_is_help=True,
)
app.add_typer(sample, name="sample")


@sample.command()
def draw(
    source: Annotated[str, typer.Argument(metavar="RUN|MAP.tif", help="A run with a map, or any class map.")],
    points: Annotated[int, typer.Option(min=1, help="Points in all.")] = 300,
    least: Annotated[int, typer.Option(min=0, help="Points of each class of the map at least.")] = 25,
    allocation: Annotated[
        Literal["proportional", "equal", "neyman"],
        typer.Option(
            help="proportional to mapped area above --least (serves area and overall accuracy), equal (serves user's "
            "accuracies), neyman (by --expect, or the run's test scores)."
        ),
    ] = "proportional",
    expect: Annotated[
        list[str], typer.Option(metavar="CLASS=SHARE", help="Expected user's accuracy of a class, for neyman: road=0.7")
    ] = [],  # noqa: B006
    scene: Annotated[str | None, typer.Option(help="Which map of a run that has several.")] = None,
    output: Annotated[Path, typer.Option(help="GeoPackage to write; never overwritten.")] = Path("points.gpkg"),
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Draw pixels at random within each class of a map and write them as a GeoPackage to interpret.

    Open its layer `points` in QGIS and fill `reference` with a class by looking at the place, never at the map. How
    each point was drawn lies in the layer `design`.
    """
    from workbench.experiments.sampling import sample_map, strata_table

    given = pairs(expect, "--expect")
    if given and allocation != "neyman":
        raise typer.BadParameter(f"--expect is for --allocation neyman; {allocation} does not ask for it.")
    drawn = sample_map(source, output, points, least, allocation, _shares(given), seed, scene)
    frame = strata_table(drawn)
    if as_json:
        rows = json.loads(frame.to_json(orient="records", double_precision=15))
        print(json.dumps({"path": str(output), "points": len(drawn.points), "strata": rows, **drawn.about}, indent=1))
        return
    print(output)
    rows = [[row[0], f"{row[1]:,}", row[2], f"{row[3]:.3g}"] for row in frame.itertuples(index=False)]
    table(list(frame.columns), rows)
    say(f"{len(drawn.points)} points. Next: answer them, then workbench sample score {output}")


@sample.command()
def score(
    points: Annotated[Path, typer.Argument(help="The answered GeoPackage.")],
    map_: Annotated[
        Path | None, typer.Option("--map", help="The map, to be sure that it is the one the points were drawn from.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Write the table as CSV too.")] = None,
    as_json: AsJson = False,
) -> None:
    """Accuracy of the map and area of each class, with 95 % confidence, from answered points."""
    from workbench.analysis.area import MAPPED
    from workbench.base.files import write_text
    from workbench.experiments import score_sample
    from workbench.experiments.area import HECTARE, told

    found = score_sample(points, map_)
    frame = found.to_frame()
    if output is not None:
        write_text(output, frame.to_csv(index=False, na_rep="–"), "writing the table of a sample")
    if as_json:
        print(json.dumps(found.to_dict(), indent=1))
        return
    estimate = found.estimate
    known = estimate.overall.value is not None
    print(
        f"Overall accuracy: {told(estimate.overall, 100)}{' % of the area' if known else ' (not known)'}, from "
        f"{found.answered} points."
    )
    if estimate.overall.reason:
        print(f"  {estimate.overall.reason}.")
    factor = 1.0 if found.pixel_area is None else found.pixel_area / HECTARE
    unit, digits = ("pixels", 0) if found.pixel_area is None else ("ha", 2)
    head = ["class", "points", "user's accuracy %", "producer's accuracy %", MAPPED, f"estimated area, {unit}", "note"]
    rows = [
        [
            frame["class"][k],
            frame["points on the map's class"][k],
            told(estimate.users[k], 100),
            told(estimate.producers[k], 100),
            f"{frame[MAPPED][k]:,}",
            told(area, 1, digits),
            frame["note"][k],
        ]
        for k, area in enumerate(estimate.areas(factor))
    ]
    table(head, rows)
    for line in found.notes():
        say(line)


def _shares(given: dict[str, str]) -> dict[str | int, float]:
    try:
        return {name: float(share) for name, share in given.items()}
    except ValueError as error:
        raise typer.BadParameter(f"--expect takes CLASS=SHARE with a number from 0 to 1; got {given}.") from error
