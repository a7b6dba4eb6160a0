"""The command of the minimal supervision protocol."""

import json
from fractions import Fraction
from typing import Annotated, Literal

import typer

from workbench.cli.asked import changes_of, roles_of, split_of
from workbench.cli.terminal import (
    AsJson,
    Device,
    Protocol,
    Quiet,
    SceneName,
    SplitSet,
    ViewName,
    say,
    table,
    typed,
)

app = typer.Typer()


@app.command()
def minimal(
    scene: SceneName,
    model: Annotated[str, typer.Option(help="Name of the model (see `workbench models`).")] = "fusatnet",
    fractions: Annotated[
        str, typer.Option(metavar="F,F,...", help="Shares of the training side, 1 among them.")
    ] = "1,1/2,1/5,1/10,1/20",
    seeds: Annotated[int, typer.Option(help="Number of seeds, from 0, for each share.")] = 3,
    unit: Annotated[
        Literal["auto", "tiles", "regions", "pixels"],
        typer.Option(help="What is drawn whole; auto: tiles of a collection, pixels of a single scene."),
    ] = "auto",
    inputs: Annotated[
        list[str], typer.Option("--input", "-i", metavar="ROLE=MODALITY[,MODALITY]", help="Who plays a role.")
    ] = [],  # noqa: B006
    view: ViewName = None,
    protocol: Protocol = "blocks",
    split: SplitSet = [],  # noqa: B006
    split_seed: Annotated[int, typer.Option(help="Seed of the split, the same for all trainings.")] = 0,
    recipe: Annotated[str, typer.Option(help="quick, or the model's own: published.")] = "quick",
    change: Annotated[
        list[str], typer.Option("--set", metavar="KEY=VALUE", help="Change the recipe: --set learning_rate=1e-4")
    ] = [],  # noqa: B006
    option: Annotated[
        list[str], typer.Option("--option", metavar="KEY=VALUE", help="Option of the model: --option loops=2")
    ] = [],  # noqa: B006
    epochs: Annotated[
        int | None, typer.Option(help="Epochs of full supervision; parts get as many optimiser steps.")
    ] = None,
    width: Annotated[float, typer.Option(help="Factor on the network's channels; 1 is the published size.")] = 1.0,
    device: Device = "auto",
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Train on nested parts of the training side: how much is lost with less supervision.

    Validation, test and the number of optimiser steps are the same for all parts. Runs are kept as ever: the same command
    again trains only what is missing.
    """
    from workbench.experiments import minimal_supervision, open_run
    from workbench.experiments.minimal import minimal_table
    from workbench.experiments.summary import score_title
    from workbench.experiments.train import model_options
    from workbench.models import resolve_options
    from workbench.runs.words import score_words
    from workbench.scenes import open_scene
    from workbench.training.recipes import recipe as find_recipe

    shares = [_share(text) for text in fractions.split(",")]
    roles, options = roles_of(inputs), typed(option, "--option")
    changes = changes_of(change, epochs, None)
    resolve_options(model, options)
    used = find_recipe(model, recipe, changes)  # refused now, before the split is made
    opened = open_scene(scene)
    made = split_of(scene, protocol, model, split_seed, split, roles, view, model_options(model, options, used.tile))
    frame = minimal_supervision(
        opened,
        model,
        shares,
        seeds,
        roles,
        made,
        unit,
        recipe,
        say,
        view=view,
        width=width,
        device=device,
        progress=not quiet,
        options=options,
        **changes,
    )
    if as_json:
        print(json.dumps(json.loads(frame.to_json(orient="records", double_precision=15)), indent=1))
        return
    metrics = open_run(frame["runs"][0][0]).metrics
    print(f"\n{score_title(f'{scene}, {model}, minimal supervision, {seeds} seeds', metrics)}")
    table(*minimal_table(frame, score_words(metrics)))


def _share(text: str) -> float:
    try:
        return float(Fraction(text.strip()))
    except (ValueError, ZeroDivisionError) as error:
        raise typer.BadParameter(f"--fractions takes numbers such as 1,1/2,0.1; got {text!r}.") from error
