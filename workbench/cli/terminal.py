"""What all commands of the terminal share: options, words, tables and progress bars."""

import json
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from workbench.splits import Audit

SceneName = Annotated[str, typer.Argument(help="Name of a scene (see `workbench scenes`) or path of a .zarr.")]
RunName = Annotated[str, typer.Argument(help="Run id, or its beginning (see `workbench runs`).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bars.")]
Seed = Annotated[int, typer.Option(help="Seed of the random choices.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
Protocol = Annotated[
    str,
    typer.Option(
        help="Rule of the split: blocks, regions, polygons, groups (collections), official (as published), probability "
        "(accuracy of one map) or random."
    ),
]
SplitSet = Annotated[
    list[str],
    typer.Option(
        "--split",
        metavar="KEY=VALUE",
        help="Parameter of the protocol: --split block_size=33 --split folds=5 --split leave_out=cloud,clutter",
    ),
]
ModelName = Annotated[str, typer.Option(help="Name of the model (see `workbench models`).")]
Inputs = Annotated[
    list[str],
    typer.Option(
        "--input", "-i", metavar="ROLE=MODALITY[,MODALITY]", help="Who plays a role: -i hsi=hsi -i aux=lidar,sar"
    ),
]
RecipeName = Annotated[str, typer.Option(help="quick, or the model's own: published.")]
RecipeSet = Annotated[
    list[str], typer.Option("--set", metavar="KEY=VALUE", help="Change the recipe: --set learning_rate=1e-4")
]
ModelSet = Annotated[
    list[str], typer.Option("--option", metavar="KEY=VALUE", help="Option of the model: --option loops=2")
]
SplitSeed = Annotated[int | None, typer.Option(help="Seed of the split; --seed where not given.")]
Epochs = Annotated[int | None, typer.Option(help="Epochs; the recipe's where not given.")]
Patience = Annotated[int | None, typer.Option(help="Stop after so many epochs without a better validation.")]
Width = Annotated[float, typer.Option(help="Factor on the network's channels; 1 is the published size.")]
Precision = Annotated[Literal["32-true", "bf16-mixed", "16-mixed"], typer.Option(help="Arithmetic.")]
Threads = Annotated[int | None, typer.Option(help="Threads of the CPU.")]
ViewName = Annotated[
    Literal["patch", "dense", "pixel"] | None,
    typer.Option(
        help="patch: the published computation; dense: the same weights in one pass; pixel: of svm and the like; the "
        "model's first if not given."
    ),
]


def pairs(values: list[str], option: str) -> dict[str, str]:
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


def typed(values: list[str], option: str) -> dict[str, Any]:
    """`KEY=VALUE` texts with JSON values where they are such, else text; types are checked by whom they are for."""
    found: dict[str, Any] = {}
    for key, text in pairs(values, option).items():
        try:
            found[key] = json.loads(text)
        except json.JSONDecodeError:
            found[key] = text
    return found


def say(text: str) -> None:
    """Words for a person; they go to standard error, so that standard output holds results only."""
    print(text, file=sys.stderr, flush=True)


def cell(value: Any) -> str:
    """A value as text: numbers with four digits, nothing for None and what is no number."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def table(head: list[str], rows: list[list[Any]]) -> None:
    """Print a table on standard output."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    # as Text, for what stands in brackets, such as a class called "crop [dry]", would be taken for markup
    for title in head:
        table.add_column(Text(title))
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    # piped into a file or another program, a table is as wide as it needs
    Console(width=None if sys.stdout.isatty() else 400).print(table)


def print_audit(audit: "Audit") -> None:
    """Print an audit on standard output; on a terminal, its warning in its colour."""
    from rich.console import Console
    from rich.text import Text

    text = Text(str(audit))
    if audit.banner:
        start = text.plain.index("!! ")
        style = "bold white on red" if audit.banner_level == "red" else "bold black on yellow"
        text.stylize(style, start, text.plain.index("\n", start))
    Console(highlight=False).print(text, soft_wrap=True)


@contextmanager
def progress(title: str, quiet: bool) -> Iterator[Callable[[str, float], None]]:
    """A bar on standard error; gives a function `(what, share done)`."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, disable=quiet) as bar:
        task = bar.add_task(title, total=1.0)
        yield lambda what, share: bar.update(task, completed=share, description=f"{title}: {what}")
