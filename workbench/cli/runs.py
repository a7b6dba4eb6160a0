"""Commands about runs: train, map, score."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

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
    Seed,
    SplitSeed,
    SplitSet,
    Threads,
    ViewName,
    Width,
    cell,
    pairs,
    progress,
    say,
    table,
    typed,
)

if TYPE_CHECKING:
    from workbench.splits import Split

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


@app.command()
def train(
    scene: SceneName,
    model: ModelName = "fusatnet",
    inputs: Inputs = [],  # noqa: B006
    view: ViewName = None,
    protocol: Protocol = "blocks",
    split: SplitSet = [],  # noqa: B006
    split_seed: SplitSeed = None,
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

    The same command again returns the finished run, or continues one that was stopped.
    """
    from workbench.experiments import train as run_training
    from workbench.models import model_class, resolve_options
    from workbench.models.initial import weights_path
    from workbench.scenes import open_scene
    from workbench.training.recipes import recipe as find_recipe

    roles = _roles(inputs)
    changes = _changes(change, epochs, patience)
    resolve_options(model, typed(option, "--option"))
    weights_path(init or "")
    find_recipe(model, recipe, changes)  # refused now, before the split is made and printed
    kind = model_class(model)
    kind.check_settings(width=width, precision=precision, compile=compile, members=members, tta=tta, init=init)
    made = _split(scene, protocol, kind.patch_size, seed if split_seed is None else split_seed, split)
    if not as_json:
        print(made.audit())
    run = run_training(
        open_scene(scene),
        model,
        roles,
        made,
        view,
        recipe,
        width,
        seed,
        device,
        precision,
        compile,
        threads,
        progress=not quiet,
        options=typed(option, "--option"),
        members=members,
        tta=tta,
        init=init,
        say=say,
        **changes,
    )
    if as_json:
        print(json.dumps({"run": run.id, "path": str(run.path), **run.metrics}, indent=1))
    else:
        _print_scores(run.id, run.metrics)
        say(f"Next: workbench map {run.id}, or workbench report errors -p run={run.id}")


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
    print(json.dumps(metrics, indent=1)) if as_json else _print_scores(run, metrics)


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
    from workbench.models import model_class
    from workbench.scenes import open_scene

    if not all(word.strip().isdecimal() for word in seeds.split(",")):
        raise typer.BadParameter(f"--seeds takes whole numbers with commas, such as 0,1,2; got {seeds!r}.")
    numbers = [int(word) for word in seeds.split(",")]
    patch_size = model_class(model).patch_size
    made = _split(scene, protocol, patch_size, numbers[0] if split_seed is None else split_seed, split)
    if not as_json:
        print(made.audit())
    found = modality_table(
        open_scene(scene),
        model,
        _roles(inputs),
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
        options=typed(option, "--option"),
        **_changes(change, epochs, patience),
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


def _roles(inputs: list[str]) -> dict[str, tuple[str, ...]] | None:
    return {key: tuple(value.split(",")) for key, value in pairs(inputs, "--input").items()} or None


def _changes(change: list[str], epochs: int | None, patience: int | None) -> dict[str, Any]:
    asked = {"epochs": epochs, "patience": patience}
    return typed(change, "--set") | {key: value for key, value in asked.items() if value is not None}


def _split(scene: str, protocol: str, patch_size: int, seed: int, parameters: list[str]) -> "Split":
    from workbench.scenes import open_scene
    from workbench.splits import make_split

    return make_split(open_scene(scene), protocol, patch_size, seed, **typed(parameters, "--split"))


def _print_scores(name: str, metrics: dict[str, Any]) -> None:
    from workbench.experiments.summary import bayes_lines, ensemble_lines, score_table, score_title

    print(f"\n{score_title(name, metrics)}")
    table(*score_table(metrics))
    print("\n".join(bayes_lines(metrics) + ensemble_lines(metrics)))
