"""The command that trains: one run, or models over splits and seeds."""

import json
from typing import Annotated, Any

import typer

from workbench.cli.asked import (
    changes_of,
    print_scores,
    print_training_audit,
    roles_of,
    split_in,
    split_of,
    split_parameters,
)
from workbench.cli.terminal import (
    AsJson,
    Device,
    Epochs,
    Inputs,
    ModelSet,
    Patience,
    Precision,
    Quiet,
    RecipeName,
    RecipeSet,
    SceneName,
    Seed,
    SplitSeed,
    SplitSet,
    Threads,
    ViewName,
    Width,
    say,
    table,
    typed,
)

app = typer.Typer()


@app.command()
def train(
    scene: SceneName,
    model: Annotated[
        str,
        typer.Option(metavar="NAME[,NAME]", help="Name of the model (see `workbench models`); several over --splits."),
    ] = "fusatnet",
    inputs: Inputs = [],  # noqa: B006
    view: ViewName = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            help="Rule of the split, see `workbench split make --help`; blocks if not given. paper: the publications' habits, with the "
            "epoch chosen on test, for comparison with published figures only."
        ),
    ] = None,
    split: SplitSet = [],  # noqa: B006
    split_file: Annotated[str | None, typer.Option(help="A split that was kept (.npz), instead of making one.")] = None,
    split_seed: SplitSeed = None,
    splits: Annotated[
        int | None, typer.Option(min=1, help="Train on so many splits, from --split-seed on, and tell the spread.")
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(min=1, help="Train with so many seeds on each split, from --seed on, and tell the spread."),
    ] = None,
    recipe: RecipeName = "quick",
    change: RecipeSet = [],  # noqa: B006
    option: ModelSet = [],  # noqa: B006
    epochs: Epochs = None,
    init: Annotated[
        str | None,
        typer.Option(help="Start from the weights of a run (its id), or a .safetensors file of an ImageNet ResNet-50."),
    ] = None,
    patience: Patience = None,
    width: Width = 1.0,
    seed: Seed = 0,
    device: Device = "auto",
    precision: Precision = "32-true",
    compile: Annotated[bool, typer.Option("--compile", help="Use torch.compile.")] = False,
    threads: Threads = None,
    members: Annotated[
        int, typer.Option(min=1, help="Networks of a deep ensemble, from --seed, --seed + 1, ...; 1 is no ensemble.")
    ] = 1,
    tta: Annotated[
        bool,
        typer.Option("--tta", help="Score and map by the mean over eight rotations and flips, at 8 times the work."),
    ] = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Train a model on a scene and score it on pixels kept apart.

    The same command again returns the finished run, or continues one that was stopped. With --splits or --seeds, or
    with folds and no fold, it is models over splits and seeds: every run listed, both spreads told apart.
    """
    from workbench.experiments import train as run_training
    from workbench.experiments.paper import PAPER, paper_split
    from workbench.experiments.train import model_options
    from workbench.models import model_class, resolve_options
    from workbench.models.initial import weights_path
    from workbench.scenes import open_scene
    from workbench.training.recipes import recipe as find_recipe

    roles, settings = roles_of(inputs), split_parameters(split)
    changes, options = changes_of(change, epochs, patience), typed(option, "--option")
    names = model.split(",")
    weights_path(init or "")
    for name in names:  # refused now, before the split is made and printed
        resolve_options(name, options)
        find_recipe(name, recipe, changes)
        model_class(name).check_settings(
            width=width, precision=precision, compile=compile, members=members, tta=tta, init=init
        )
    how: dict[str, Any] = {
        "view": view,
        "recipe": recipe,
        "width": width,
        "device": device,
        "precision": precision,
        "compile": compile,
        "threads": threads,
        "progress": not quiet,
        "options": options,
        "members": members,
        "tta": tta,
        "init": init,
        **changes,
    }
    first = seed if split_seed is None else split_seed
    if split_file is not None and split_seed is not None:
        raise typer.BadParameter("--split-file names a split that is made already: leave --split-seed out.")
    if splits or seeds or len(names) > 1 or (settings.get("folds") and "fold" not in settings):
        if split_file is not None:
            raise typer.BadParameter(
                "--split-file is for one run: leave --splits, --seeds, folds and further models out."
            )
        _sweep(scene, names, splits or 1, seeds or 1, protocol or "blocks", settings, first, seed, roles, how, as_json)
        return
    opened, used = open_scene(scene), find_recipe(model, recipe, changes)
    asked = model_options(model, options, used.tile)
    if split_file is not None:
        made = split_in(split_file, opened, split)
    elif protocol == PAPER:
        made = paper_split(opened, model_class(model).patch_size, first, **settings)
    else:
        made = split_of(scene, protocol or "blocks", model, first, split, roles, view, asked)
    if not as_json:
        print_training_audit(made, opened, model, roles, view, asked, used, protocol == PAPER)
    habits = protocol if protocol == PAPER or split_file is not None else None
    run = run_training(opened, model, roles, made, seed=seed, protocol=habits, say=say, **how)
    if as_json:
        print(json.dumps({"run": run.id, "path": str(run.path), **run.metrics}, indent=1))
    else:
        print_scores(run.id, run.metrics)
        say(f"Next: workbench map {run.id}, or workbench report errors -p run={run.id}")


def _sweep(
    scene: str,
    names: list[str],
    splits: int,
    seeds: int,
    protocol: str,
    parameters: dict[str, Any],
    split_seed: int,
    seed: int,
    roles: dict[str, tuple[str, ...]] | None,
    how: dict[str, Any],
    as_json: bool,
) -> None:
    from workbench.experiments import sweep

    found = sweep(scene, names, splits, seeds, protocol, parameters, split_seed, seed, roles, say, **how)
    if as_json:
        print(json.dumps(found.to_dict(), indent=1))
        return
    table(*found.printed_runs())
    print(f"\n{found.title}")
    table(*found.printed())
    print("\n".join(found.notes))
    if len(names) > 1 and splits > 1:
        say("Next: workbench compare --over splits " + " ".join(entry.run for entry in found.entries if entry.run))
