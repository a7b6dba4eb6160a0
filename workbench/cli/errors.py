"""The command that says why classes fail."""

import json
from typing import Annotated

import typer

from workbench.cli.asked import print_scores
from workbench.cli.terminal import AsJson, RunName, say, table

app = typer.Typer()

PAIRS = 12


@app.command()
def errors(
    run: RunName,
    class_name: Annotated[
        str, typer.Option("--class", help="The class to look at closely; the worst three if not given.")
    ] = "",
    compare: Annotated[
        list[str],
        typer.Option(metavar="RUN", help="A run on the same split with fewer modalities; looked for if not given."),
    ] = [],  # noqa: B006
    as_json: AsJson = False,
) -> None:
    """Say which classes a run confuses, where and why, in sentences and tables; test pixels only."""
    from workbench.experiments import analyse_errors, open_run

    found = analyse_errors(run, class_name, compare)
    metrics = open_run(found.run).metrics
    if as_json:
        kept = {key: metrics[key] for key in ("protocol", "controls")}
        print(json.dumps({**found.to_dict(), **kept, "oa": metrics["test"]["oa"]}, indent=1, allow_nan=False))
        return
    print_scores(found.run, metrics)
    for value in (0, *found.shown):
        print(f"\n{found.title(value)}")
        for sentence in found.summary[value]:
            print(f"- {sentence}")
    for title, frame in (
        ("Confused pairs, most pixels first", found.confusions.to_frame(list(found.names.values())).head(PAIRS)),
        ("How sure the model was", found.confidence_frame().reset_index()),
        ("Points of producer's accuracy when retrained without a modality", found.retrained_frame().reset_index()),
    ):
        if len(frame) and len(frame.columns) > 1:
            print(f"\n{title}")
            table(list(frame.columns), frame.to_numpy().tolist())
    for note in found.notes:
        say(note)
    say(f"Maps, spectra and the worst pixels: workbench report errors -p run={found.run}")
