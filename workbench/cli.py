"""The terminal face: one command per verb, no logic.

Exit codes: 0 done; 1 the input was refused or the work failed, with one message on standard error; 2 the command line
was wrong; 130 stopped by the user.
"""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from workbench import __version__
from workbench.base.errors import WorkbenchError

if TYPE_CHECKING:
    from workbench.splits import Split

app = typer.Typer(
    name="workbench",
    help="Explore a hyperspectral scene with its companions, train published fusion networks on it, map and report.\n\n"
    "Start with [bold]workbench demo[/bold]: a synthetic scene, a trained network and a report in minutes. Scenes lie "
    "in ./data, runs in ./runs, reports in ./reports (WORKBENCH_DATA, WORKBENCH_RUNS, WORKBENCH_REPORTS move them).",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

SceneName = Annotated[str, typer.Argument(help="Name of a scene (see `workbench scenes`) or path of a .zarr.")]
RunName = Annotated[str, typer.Argument(help="Run id, or its beginning (see `workbench runs`).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bars.")]
Seed = Annotated[int, typer.Option(help="Seed of the random choices.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
Protocol = Annotated[str, typer.Option(help="Rule of the split: blocks, groups (collections) or random.")]
SplitSet = Annotated[
    list[str],
    typer.Option("--split", metavar="KEY=VALUE", help="Parameter of the protocol, such as --split block_size=33."),
]
ViewName = Annotated[
    Literal["patch", "dense"],
    typer.Option(help="patch: the published computation; dense: the same weights in one pass."),
]


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        print(__version__)
        raise typer.Exit


@app.command()
def demo(
    width: Annotated[float, typer.Option(help="Factor on the network's channels.")] = 0.125,
    epochs: Annotated[int, typer.Option(help="Epochs of each training.")] = 6,
    seed: Seed = 0,
    quiet: Quiet = False,
) -> None:
    """The whole way on the synthetic scene: train with all modalities and with each alone, map, report."""
    from workbench.experiments import compare_modalities, map_scene
    from workbench.experiments.summary import comparison_table
    from workbench.reports import report
    from workbench.scenes import open_scene

    scene = open_scene("demo")
    _say(f"Scene demo: {scene.attrs.get('note', '')}")
    runs = compare_modalities(scene, view="patch", width=width, epochs=epochs, seed=seed, progress=not quiet, say=_say)
    fused = runs["all"]
    _say("Mapping the whole scene.")
    for path in map_scene(fused).values():
        _say(f"Class map: {path}")
    _say("Writing the reports.")
    others = [run.id for name, run in runs.items() if name != "all"]
    made = report("explore", scene="demo"), report("attention", run=fused.id)
    for result in (*made, report("errors", run=fused.id, compare=others)):
        _say(f"Report: {result.path}")
    _table(*comparison_table(runs))
    _say(f"Open {result.path} in a browser, or look at everything with `workbench serve`.")


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

    with _progress(f"Importing {name}", quiet) as moved:
        if source is not None:
            if modality:
                raise typer.BadParameter("Give either --from (a catalogue entry) or --modality (your own files).")
            scene: Any = import_catalogue_entry(name, source, replace=replace, progress=moved)
        else:
            if not modality:
                raise typer.BadParameter("Name at least one raster: --modality hsi=cube.tif")
            facts: dict[str, dict[str, str]] = {
                key: {"path": path} for key, path in _pairs(modality, "--modality").items()
            }
            for option, given in (("quantity", quantity), ("unit", unit)):
                for key, value in _pairs(given, f"--{option}").items():
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
    _say(f"Scene {scene.name} is ready: workbench report explore -p scene={scene.name}")


@app.command()
def scenes(as_json: AsJson = False) -> None:
    """List the scenes that are here and the catalogue entries that can be had."""
    from workbench.scenes import list_scenes

    found = list_scenes()
    if as_json:
        print(json.dumps([scene.model_dump(mode="json") for scene in found], indent=1))
        return
    _table(
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
def models(as_json: AsJson = False) -> None:
    """List the models."""
    from workbench.models import list_models

    found = list_models()
    if as_json:
        print(json.dumps(found, indent=1))
        return
    _table(["model", "what it is"], [[name, text] for name, text in found.items()])


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
    view: ViewName = "patch",
    protocol: Protocol = "blocks",
    split: SplitSet = [],  # noqa: B006
    split_seed: Annotated[int | None, typer.Option(help="Seed of the split; --seed where not given.")] = None,
    recipe: Annotated[str, typer.Option(help="quick, or the model's own: published.")] = "quick",
    change: Annotated[
        list[str], typer.Option("--set", metavar="KEY=VALUE", help="Change the recipe: --set learning_rate=1e-4")
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
    from workbench.models import model_class
    from workbench.scenes import open_scene
    from workbench.training.recipes import recipe as find_recipe

    roles = {key: tuple(value.split(",")) for key, value in _pairs(inputs, "--input").items()} or None
    asked = {"epochs": epochs, "patience": patience}
    changes = _typed(change, "--set") | {key: value for key, value in asked.items() if value is not None}
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
        **changes,
    )
    if as_json:
        print(json.dumps({"run": run.id, "path": str(run.path), **run.metrics}, indent=1))
    else:
        _print_scores(run.id, run.metrics)
        _say(f"Next: workbench map {run.id}, or workbench report errors -p run={run.id}")


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

    with _progress("Mapping", quiet) as moved:
        paths = map_scene(run, scene, device, progress=lambda done, total: moved("windows", done / total))
    for path in paths.values():
        print(path)


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
        _say("No run yet. Try: workbench train demo --width 0.125 --view dense")
    else:
        _table(list(rows[0]), [[_cell(value) for value in row.values()] for row in rows])


@app.command()
def report(
    name: Annotated[str, typer.Argument(help="Notebook: explore, train, attention or errors.")],
    parameter: Annotated[
        list[str], typer.Option("--parameter", "-p", metavar="KEY=VALUE", help="Parameter of the notebook.")
    ] = [],  # noqa: B006
    again: Annotated[bool, typer.Option(help="Run it even where the same report is there.")] = False,
) -> None:
    """Run a notebook with parameters and write it as .ipynb and as one self-contained .html."""
    from workbench.reports import report as make

    given: dict[str, Any] = {**_pairs(parameter, "--parameter")}
    result = make(name, again=again, **given)
    print(result.path)


@app.command()
def lab() -> None:
    """Open JupyterLab on the notebooks."""
    from workbench.reports import open_lab

    raise typer.Exit(open_lab())


@app.command()
def serve(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 5006,
    show: Annotated[bool, typer.Option(help="Open a browser.")] = True,
) -> None:
    """Serve the dashboard on this machine only."""
    from workbench.dashboard import serve as start

    start(port=port, open_browser=show)


def main() -> None:
    """Run the terminal face; the console script."""
    try:
        app()
    except WorkbenchError as error:
        print(f"workbench: {error}", file=sys.stderr)
        sys.exit(1)


def _split(scene: str, protocol: str, patch_size: int, seed: int, parameters: list[str]) -> "Split":
    from workbench.scenes import open_scene
    from workbench.splits import make_split

    return make_split(open_scene(scene), protocol, patch_size, seed, **_typed(parameters, "--split"))


def _pairs(values: list[str], option: str) -> dict[str, str]:
    """`KEY=VALUE` texts as a dict."""
    found: dict[str, str] = {}
    for text in values:
        key, equals, value = text.partition("=")
        if not equals or not key or not value:
            raise typer.BadParameter(f"{option} takes KEY=VALUE, got {text!r}.")
        if key in found:
            raise typer.BadParameter(f"{option} names {key!r} twice.")
        found[key] = value
    return found


def _typed(values: list[str], option: str) -> dict[str, Any]:
    """`KEY=VALUE` texts with JSON values where they are such, else text; types are checked by whom they are for."""
    found: dict[str, Any] = {}
    for key, text in _pairs(values, option).items():
        try:
            found[key] = json.loads(text)
        except json.JSONDecodeError:
            found[key] = text
    return found


def _say(text: str) -> None:
    """Words for a person; they go to standard error, so that standard output holds results only."""
    print(text, file=sys.stderr, flush=True)


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)


def _table(head: list[str], rows: list[list[Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(*head, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    # piped into a file or another program, a table is as wide as it needs
    Console(width=None if sys.stdout.isatty() else 400).print(table)


def _print_scores(name: str, metrics: dict[str, Any]) -> None:
    from workbench.experiments.summary import bayes_lines, score_table, score_title

    print(f"\n{score_title(name, metrics)}")
    _table(*score_table(metrics))
    print("\n".join(bayes_lines(metrics)))


@contextmanager
def _progress(title: str, quiet: bool) -> Iterator[Callable[[str, float], None]]:
    """A bar on standard error; gives a function `(what, share done)`."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, disable=quiet) as bar:
        task = bar.add_task(title, total=1.0)
        yield lambda what, share: bar.update(task, completed=share, description=f"{title}: {what}")
