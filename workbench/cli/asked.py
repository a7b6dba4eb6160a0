"""What a training is asked for on the command line, as Python values, and how its scores are printed."""

from typing import TYPE_CHECKING, Any

import typer

from workbench.cli.terminal import pairs, table, typed

if TYPE_CHECKING:
    from workbench.scenes import Collection, Scene
    from workbench.splits import Split


def roles_of(inputs: list[str]) -> dict[str, tuple[str, ...]] | None:
    """Modalities by role; None where none is named."""
    return {key: tuple(value.split(",")) for key, value in pairs(inputs, "--input").items()} or None


def changes_of(change: list[str], epochs: int | None, patience: int | None) -> dict[str, Any]:
    """Changes of the recipe; an option of its own comes before `--set`."""
    asked = {"epochs": epochs, "patience": patience}
    return typed(change, "--set") | {key: value for key, value in asked.items() if value is not None}


def split_of(
    scene: str,
    protocol: str,
    model: str,
    seed: int,
    parameters: list[str],
    roles: dict[str, tuple[str, ...]] | None = None,
    view: str | None = None,
    options: dict[str, Any] | None = None,
) -> "Split":
    """The split of a protocol for a model; with ``buffer=view`` its whole receptive fields are kept apart."""
    from workbench.experiments.reach import receptive_field_of
    from workbench.models import model_class
    from workbench.scenes import open_scene
    from workbench.splits import make_split

    opened, given = open_scene(scene), typed(parameters, "--split")
    if given.get("buffer") == "view":
        given["receptive_field"] = receptive_field_of(opened, model, roles, view, options)
    return make_split(opened, protocol, model_class(model).patch_size, seed, **given)


def split_in(path: str, scene: "Scene | Collection", parameters: list[str]) -> "Split":
    """The split that a file holds.

    Raises:
        WorkbenchError: The file is missing, damaged, or was made of another scene.
    """
    from workbench.splits import Split

    if parameters:
        raise typer.BadParameter("--split-file names a split that is made already: leave --split out.")
    found = Split.load(path)
    found.check(scene)
    return found


def print_scores(name: str, metrics: dict[str, Any]) -> None:
    """Print title, score table and what a reader must know of them."""
    from workbench.experiments.summary import (
        bayes_lines,
        ensemble_lines,
        published_table,
        score_table,
        score_title,
        split_lines,
    )

    print(f"\n{score_title(name, metrics)}")
    table(*score_table(metrics))
    print("\n".join(split_lines(metrics) + bayes_lines(metrics) + ensemble_lines(metrics)))
    head, rows = published_table(metrics)
    if rows:
        print("\nPublished figures on this scene; they compare only with a score of the same protocol:")
        table(head, rows)
