"""Commands that show: the demo, reports, JupyterLab, the dashboard."""

from typing import Annotated, Any

import typer

from workbench.cli.terminal import Quiet, Seed, pairs, say, table

app = typer.Typer()


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
    say(f"Scene demo: {scene.attrs.get('note', '')}")
    runs = compare_modalities(scene, view="patch", width=width, epochs=epochs, seed=seed, progress=not quiet, say=say)
    fused = runs["all"]
    say("Mapping the whole scene.")
    for path in map_scene(fused).values():
        say(f"Class map: {path}")
    say("Writing the reports.")
    others = [run.id for name, run in runs.items() if name != "all"]
    made = report("explore", scene="demo"), report("attention", run=fused.id)
    for result in (*made, report("errors", run=fused.id, compare=others)):
        say(f"Report: {result.path}")
    table(*comparison_table(runs))
    say(f"Open {result.path} in a browser, or look at everything with `workbench serve`.")


@app.command()
def report(
    name: Annotated[str, typer.Argument(help="Notebook: explore, train, attention, errors, compare or across.")],
    parameter: Annotated[
        list[str], typer.Option("--parameter", "-p", metavar="KEY=VALUE", help="Parameter of the notebook.")
    ] = [],  # noqa: B006
    again: Annotated[bool, typer.Option(help="Run it even where the same report is there.")] = False,
) -> None:
    """Run a notebook with parameters and write it as .ipynb and as one self-contained .html."""
    from workbench.reports import report as make

    given: dict[str, Any] = {**pairs(parameter, "--parameter")}
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
