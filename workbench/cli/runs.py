"""Commands about runs: split, train, map, score."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from workbench.cli.terminal import (
    AsJson,
    Device,
    Protocol,
    Quiet,
    RunName,
    SceneName,
    Seed,
    SplitSet,
    ViewName,
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
def split(
    scene: SceneName,
    protocol: Protocol = "blocks",
    patch_size: Annotated[int, typer.Option(help="Side of the window that a model will see, pixels.")] = 11,
    seed: Seed = 0,
    split: SplitSet = [],  # noqa: B006
    as_json: AsJson = False,
) -> None:
    """Make a split and print its audit: who is where, what leaks, and what position alone scores."""
    made = _split(scene, protocol, patch_size, seed, split)
    audit = made.audit()
    print(json.dumps(audit.to_dict(), indent=1) if as_json else audit)


@app.command()
def train(
    scene: SceneName,
    model: Annotated[str, typer.Option(help="Name of the model (see `workbench models`).")] = "fusatnet",
    inputs: Annotated[
        list[str],
        typer.Option(
            "--input", "-i", metavar="ROLE=MODALITY[,MODALITY]", help="Who plays a role: -i hsi=hsi -i aux=lidar,sar"
        ),
    ] = [],  # noqa: B006
    view: ViewName = None,
    protocol: Protocol = "blocks",
    split: SplitSet = [],  # noqa: B006
    split_seed: Annotated[int | None, typer.Option(help="Seed of the split; --seed where not given.")] = None,
    recipe: Annotated[str, typer.Option(help="quick, or the model's own: published.")] = "quick",
    change: Annotated[
        list[str], typer.Option("--set", metavar="KEY=VALUE", help="Change the recipe: --set learning_rate=1e-4")
    ] = [],  # noqa: B006
    option: Annotated[
        list[str], typer.Option("--option", metavar="KEY=VALUE", help="Option of the model: --option loops=2")
    ] = [],  # noqa: B006
    epochs: Annotated[int | None, typer.Option(help="Epochs; the recipe's where not given.")] = None,
    patience: Annotated[int | None, typer.Option(help="Stop after so many epochs without a better validation.")] = None,
    width: Annotated[float, typer.Option(help="Factor on the network's channels; 1 is the published size.")] = 1.0,
    seed: Seed = 0,
    device: Device = "auto",
    precision: Annotated[Literal["32-true", "bf16-mixed", "16-mixed"], typer.Option(help="Arithmetic.")] = "32-true",
    compile: Annotated[bool, typer.Option("--compile", help="Use torch.compile.")] = False,
    threads: Annotated[int | None, typer.Option(help="Threads of the CPU.")] = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Train a model on a scene and score it on pixels kept apart.

    The same command again returns the finished run, or continues one that was stopped.
    """
    from workbench.experiments import train as run_training
    from workbench.models import model_class, resolve_options
    from workbench.scenes import open_scene
    from workbench.training.recipes import recipe as find_recipe

    roles = {key: tuple(value.split(",")) for key, value in pairs(inputs, "--input").items()} or None
    asked = {"epochs": epochs, "patience": patience}
    changes = typed(change, "--set") | {key: value for key, value in asked.items() if value is not None}
    resolve_options(model, typed(option, "--option"))
    find_recipe(model, recipe, changes)  # refused now, before the split is made and printed
    kind = model_class(model)
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
    device: Device = "auto",
    quiet: Quiet = False,
) -> None:
    """Write the class map of a whole scene as a Cloud-Optimised GeoTIFF."""
    from workbench.experiments import map_scene

    with progress("Mapping", quiet) as moved:
        paths = map_scene(run, scene, device, progress=lambda done, total: moved("windows", done / total))
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
def evaluate(run: RunName, device: Device = "auto", as_json: AsJson = False) -> None:
    """Score a trained run again from its weights, with its controls."""
    from workbench.experiments import evaluate as score

    metrics = score(run, device)
    print(json.dumps(metrics, indent=1)) if as_json else _print_scores(run, metrics)


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


def _split(scene: str, protocol: str, patch_size: int, seed: int, parameters: list[str]) -> "Split":
    from workbench.scenes import open_scene
    from workbench.splits import make_split

    return make_split(open_scene(scene), protocol, patch_size, seed, **typed(parameters, "--split"))


def _print_scores(name: str, metrics: dict[str, Any]) -> None:
    from workbench.experiments.summary import bayes_lines, score_table, score_title

    print(f"\n{score_title(name, metrics)}")
    table(*score_table(metrics))
    print("\n".join(bayes_lines(metrics)))
