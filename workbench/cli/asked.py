"""What a training is asked for on the command line, as Python values, and how its scores are printed."""

from typing import TYPE_CHECKING, Any

import typer

from workbench.cli.terminal import pairs, print_audit, table, typed

if TYPE_CHECKING:
    from workbench.runs import Recipe
    from workbench.scenes import Collection, Scene
    from workbench.splits import Split

NO_PARAMETERS = {
    "scene": "it is the first argument",
    "protocol": "give --protocol",
    "seed": "give --seed, or --split-seed where a network is trained",
    "patch_size": "it is the model's; `workbench split` takes --patch-size",
    "receptive_field": "it is the model's; `workbench split` takes --receptive-field",
}
"""What `make_split` takes beside the parameters of the protocol, and where the terminal takes it."""


def roles_of(inputs: list[str]) -> dict[str, tuple[str, ...]] | None:
    """Modalities by role; None where none is named."""
    return {key: tuple(value.split(",")) for key, value in pairs(inputs, "--input").items()} or None


def changes_of(change: list[str], epochs: int | None, patience: int | None) -> dict[str, Any]:
    """Changes of the recipe; an option of its own comes before `--set`."""
    asked = {"epochs": epochs, "patience": patience}
    return typed(change, "--set") | {key: value for key, value in asked.items() if value is not None}


def split_parameters(values: list[str]) -> dict[str, Any]:
    """Parameters of a protocol, as given by `--split`."""
    given = typed(values, "--split")
    for name in given.keys() & NO_PARAMETERS.keys():
        raise typer.BadParameter(
            f"--split takes parameters of the protocol, and {name} is none: {NO_PARAMETERS[name]}."
        )
    return given


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
    """The split of a protocol for a model; with ``buffer=view`` its whole receptive fields are kept apart.

    `options` are all options of the model as it will be trained, see `model_options`: they decide how far it sees.
    """
    from workbench.experiments.reach import receptive_field_of
    from workbench.models import model_class
    from workbench.scenes import open_scene
    from workbench.splits import make_split

    opened, given = open_scene(scene), split_parameters(parameters)
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


def print_training_audit(
    split: "Split",
    scene: "Scene | Collection",
    model: str,
    roles: dict[str, tuple[str, ...]] | None,
    view: str | None,
    options: dict[str, Any],
    recipe: "Recipe",
    whole: bool = False,
) -> None:
    """Print the audit of a split for a training: with the view's receptive field, and what its scaling is fitted to.

    `options` as of `split_of`; `whole` says that the scaling is over the whole scene, whatever the recipe has.
    """
    from workbench.experiments.reach import receptive_field_of

    seen = receptive_field_of(scene, model, roles, view, options)
    fitted = "scene" if whole or recipe.scaling_from == "scene" else "training"
    print_audit(split.audit(seen, (f"scaling: {recipe.scaling} over {fitted} pixels",)))


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
