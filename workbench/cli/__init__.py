"""The terminal face: one command per verb, no logic.

Exit codes: 0 done; 1 the input was refused or the work failed, with one message on standard error; 2 the command line
was wrong; 130 stopped by the user.
"""

import sys
from typing import Annotated

import typer

from workbench import __version__
from workbench.base.errors import WorkbenchError
from workbench.cli import compare, errors, faces, minimal, runs, sample, scenes, splits, training

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


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        print(__version__)
        raise typer.Exit


for part in (faces, scenes, training, runs, minimal, compare, errors, sample):
    app.add_typer(part.app)


app.add_typer(splits.app, name="split")


def main() -> None:
    """Run the terminal face; the console script."""
    try:
        app()
    except WorkbenchError as error:
        print(f"workbench: {error}", file=sys.stderr)
        sys.exit(1)
