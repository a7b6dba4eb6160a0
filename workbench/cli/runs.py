"""Commands about runs: map, export, score, compare what modalities add."""

import json
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.asked import changes_of, print_scores, print_training_audit, roles_of, split_of
from workbench.cli.terminal import (
    AsJson,
    Device,
    Epochs,
    Inputs,
    ModelName,
    ModelSet,
    Patience,
    Precision,
    Protocol,
    Quiet,
    RecipeName,
    RecipeSet,
    RunName,
    SceneName,
    SplitSet,
    Threads,
    ViewName,
    Width,
    cell,
    progress,
    say,
    table,
    typed,
)

app = typer.Typer()

Turns = Annotated[
    bool | None,
    typer.Option(
        "--tta/--no-tta",
        help="Answer by the mean over eight rotations and flips, at 8 times the work; as the run was scored if not given.",
    ),
]

Without = Annotated[
    list[str],
    typer.Option(
        metavar="MODALITY",
        help="A modality that is not there, of a run that was trained to answer without; repeatable.",
    ),
]


@app.command()
def models(as_json: AsJson = False) -> None:
    """List the models."""
    from workbench.models import list_models

    found = list_models()
    if as_json:
        print(json.dumps(found, indent=1))
        return
    table(["model", "what it is"], [[name, text] for name, text in found.items()])


@app.command("map")
def map_(
    run: RunName,
    scene: Annotated[
        str | None, typer.Option(help="Another scene to map; that of the training where not given.")
    ] = None,
    without: Without = [],  # noqa: B006
    device: Device = "auto",
    tta: Turns = None,
    quiet: Quiet = False,
) -> None:
    """Write the class map of a whole scene as a Cloud-Optimised GeoTIFF."""
    from workbench.experiments import map_scene

    with progress("Mapping", quiet) as moved:
        paths = map_scene(run, scene, device, lambda done, total: moved("windows", done / total), without, tta)
    for path in paths.values():
        print(path)


@app.command()
def export(
    run: RunName,
    output: Annotated[
        Path | None, typer.Option(help="File to write; model.onnx in the run folder if not given.")
    ] = None,
    tile: Annotated[
        int | None, typer.Option(help="Fix rows and columns of a network that takes any number, such as 256.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a trained network as ONNX for other programs, once onnxruntime answers as torch does.

    It takes raw values, one input per modality, NaN where there is no data, and gives class probabilities; classes,
    bands and reach are in the file's metadata, which --json prints.
    """
    from workbench.experiments import export_onnx, onnx_facts

    path = export_onnx(run, output, tile)
    facts = onnx_facts(path)
    if as_json:
        print(json.dumps({"path": str(path), **facts}, indent=1))
        return
    print(path)
    for what, parity in (("random values", facts["parity"]["random"]), ("the run's scene", facts["parity"]["scene"])):
        if parity is None:
            say(f"Not checked on {what}, which is gone or has changed.")
        else:
            say(
                f"On {what} ({parity['answers']} pixels): probabilities differ by at most "
                f"{parity['largest_difference']:.1e} from torch's, {100 * parity['equal_classes']:.2f} % of the classes "
                "are equal."
            )


@app.command()
def evaluate(
    run: RunName,
    without: Without = [],  # noqa: B006
    blank: Annotated[
        list[str],
        typer.Option(
            metavar="MODALITY", help="Diagnostic: put the training mean in a modality's place, in any run; repeatable."
        ),
    ] = [],  # noqa: B006
    device: Device = "auto",
    tta: Turns = None,
    as_json: AsJson = False,
) -> None:
    """Score a trained run again from its weights, with its controls."""
    from workbench.experiments import evaluate as score

    metrics = score(run, device, without, blank, tta)
    print(json.dumps(metrics, indent=1)) if as_json else print_scores(run, metrics)


@app.command()
def modalities(
    scene: SceneName,
    model: ModelName = "fusatnet",
    inputs: Inputs = [],  # noqa: B006
    view: ViewName = None,
    protocol: Protocol = "blocks",
    split: SplitSet = [],  # noqa: B006
    split_seed: Annotated[
        int | None, typer.Option(help="Seed of the split; the first of --seeds if not given.")
    ] = None,
    recipe: RecipeName = "quick",
    change: RecipeSet = [],  # noqa: B006
    option: ModelSet = [],  # noqa: B006
    epochs: Epochs = None,
    patience: Patience = None,
    width: Width = 1.0,
    seeds: Annotated[str, typer.Option(help="Seeds of weights and sampling, with commas: 0,1,2")] = "0",
    device: Device = "auto",
    precision: Precision = "32-true",
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """What each modality adds: the network retrained without it; beside it, what it loses when the modality is blanked.

    The runs are ordinary ones: the same command again returns those that are finished.
    """
    from workbench.experiments import modality_table
    from workbench.experiments.train import model_options
    from workbench.scenes import open_scene
    from workbench.training.recipes import recipe as find_recipe

    if not all(word.strip().isdecimal() for word in seeds.split(",")):
        raise typer.BadParameter(f"--seeds takes whole numbers with commas, such as 0,1,2; got {seeds!r}.")
    numbers = [int(word) for word in seeds.split(",")]
    roles, options, changes = roles_of(inputs), typed(option, "--option"), changes_of(change, epochs, patience)
    first = numbers[0] if split_seed is None else split_seed
    used = find_recipe(model, recipe, changes)
    asked, opened = model_options(model, options, used.tile), open_scene(scene)
    made = split_of(scene, protocol, model, first, split, roles, view, asked)
    if not as_json:
        print_training_audit(made, opened, model, roles, view, asked, used)
    found = modality_table(
        opened,
        model,
        roles,
        made,
        numbers,
        say=say,
        view=view,
        recipe=recipe,
        width=width,
        device=device,
        precision=precision,
        threads=threads,
        progress=not quiet,
        options=options,
        **changes,
    )
    if as_json:
        print(json.dumps(found.to_dict(), indent=1))
    else:
        table(*found.printed())
        print(found.caption)


@app.command()
def runs(as_json: AsJson = False) -> None:
    """List the runs, newest first."""
    from workbench.runs import list_runs

    rows = [run.summary() for run in list_runs()]
    if as_json:
        print(json.dumps(rows, indent=1))
    elif not rows:
        say("No run yet. Try: workbench train demo --width 0.125 --view dense")
    else:
        table(list(rows[0]), [[cell(value) for value in row.values()] for row in rows])
