"""The command that holds finished runs against each other."""

import json
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from workbench.cli.terminal import AsJson, say, table

if TYPE_CHECKING:
    import pandas as pd

    from workbench.runs import RunFolder

app = typer.Typer()


@app.command()
def compare(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN RUN ...", help="Runs, or patterns in quotes such as 'demo-svm-*'.")
    ],
    over: Annotated[
        Literal["pixels", "splits", "scenes"],
        typer.Option(
            help="What is repeated: pixels of one split (McNemar, blocks of ground), splits of one scene (Wilcoxon), or "
            "scenes (Friedman)."
        ),
    ] = "pixels",
    score: Annotated[
        str | None, typer.Option(help="Tested over splits and scenes: oa (if not given), aa, kappa or miou.")
    ] = None,
    block_size: Annotated[
        int | None,
        typer.Option(min=1, help="Side of the blocks of ground that are resampled, pixels; the split's if not given."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare finished runs: on the same test pixels, or configurations over splits, or models over scenes."""
    from workbench.runs.named import named_runs

    if over == "pixels" and score is not None:
        raise typer.BadParameter("--score is for --over splits and --over scenes; over pixels all scores are given.")
    if over != "pixels" and block_size is not None:
        raise typer.BadParameter(f"--block-size is for --over pixels; over {over} no ground is resampled.")
    opened = named_runs(runs)
    if over == "pixels":
        _over_pixels(opened, block_size, as_json)
    else:
        _across(opened, over, score or "oa", as_json)


def _over_pixels(runs: "list[RunFolder]", block_size: int | None, as_json: bool) -> None:
    from workbench.experiments import compare_runs
    from workbench.experiments.comparison_tables import cost_frame, groups_frame, pairs_frame, scores_frame

    found = compare_runs(runs, block_size)
    if as_json:
        print(json.dumps(found.to_dict(), indent=1))
        return
    about = found.about
    print(f"{about['scene']}, {about['protocol']} split {found.split_hash[:16]}, {found.pixels:,} test pixels")
    groups = groups_frame(found)
    repeated = [groups] if len(groups) < len(found.runs) else []
    for frame in (scores_frame(found), cost_frame(found), *repeated):
        _print(frame, named=True)
        print()
    _print(pairs_frame(found))
    for banner, _, named in found.banners:
        print(f"{'; '.join(named)}: {banner}.")
    for note in found.notes:
        print(note)
    if len(found.runs) > 1:
        say("Next: workbench report compare -p runs=" + ",".join(run.run for run in found.runs))


def _across(runs: "list[RunFolder]", over: Literal["splits", "scenes"], score: str, as_json: bool) -> None:
    from workbench.experiments import compare_across

    found = compare_across(runs, over, score)
    if as_json:
        print(json.dumps(found.to_dict(), indent=1))
        return
    print(f"{found.title}. {found.verdict}")
    _print(found.scores_frame(), named=True)
    print()
    _print(found.pairs_frame())
    print()
    _print(found.runs_frame())
    for note in (*(text for text, _ in found.warnings), *found.notes):
        print(note)
    say(f"Next: workbench report across -p over={over} -p runs=" + ",".join(run.id for run in runs))


def _print(frame: "pd.DataFrame", named: bool = False) -> None:
    if len(frame):
        head = [str(frame.index.name)] if named else []
        table([*head, *frame.columns], (frame.reset_index() if named else frame).to_numpy().tolist())
