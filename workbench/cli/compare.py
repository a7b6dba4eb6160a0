"""The command that holds finished runs against each other."""

import json
from typing import Annotated

import typer

from workbench.cli.terminal import AsJson, say, table

app = typer.Typer()


@app.command()
def compare(
    runs: Annotated[list[str], typer.Argument(metavar="RUN RUN ...", help="Runs on one split of one scene.")],
    block_size: Annotated[
        int | None,
        typer.Option(min=1, help="Side of the blocks of ground that are resampled, pixels; the split's if not given."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare finished runs on the same test pixels: scores under their controls, and which differences hold."""
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
        table([str(frame.index.name), *frame.columns], frame.reset_index().to_numpy().tolist())
        print()
    pairs = pairs_frame(found)
    if len(pairs):
        table(list(pairs.columns), pairs.to_numpy().tolist())
    for banner, _, named in found.banners:
        print(f"{'; '.join(named)}: {banner}.")
    for note in found.notes:
        print(note)
    if len(found.runs) > 1:
        say("Next: workbench report compare -p runs=" + ",".join(run.run for run in found.runs))
