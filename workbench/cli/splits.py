"""The commands of splits: make one of a scene, audit one of anybody's."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from workbench.base.errors import WorkbenchError
from workbench.cli.asked import split_parameters
from workbench.cli.terminal import (
    AsJson,
    Protocol,
    SceneName,
    Seed,
    SplitSet,
    print_audit,
    say,
    typed,
)

if TYPE_CHECKING:
    from workbench.scenes import Collection, Scene
    from workbench.splits import Split


class _Verbs(TyperGroup):
    """`workbench split SCENE` was a command once; who types it is told what it is now."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        found = super().get_command(ctx, cmd_name)
        if found is None:
            ctx.fail(
                f"No such command {cmd_name!r}: there are make and audit. For the split of a scene and its audit: "
                f"workbench split make {cmd_name}"
            )
        return found


app = typer.Typer(
    cls=_Verbs,
    help="Make a split of a scene, or audit one of anybody's.\n\n"
    "An audit says who is where, what leaks, and what position alone scores.",
    no_args_is_help=True,
)

PatchSize = Annotated[
    int | None, typer.Option(help="Side of the window that a model will see, pixels; 11, or that of --model.")
]
ReceptiveField = Annotated[
    str | None,
    typer.Option(
        metavar="BEFORE,AFTER",
        help="Pixels that the view to be trained sees before and after a centre: 30,27. Counted in the audit.",
    ),
]
ForModel = Annotated[
    str | None, typer.Option("--model", help="Take patch size and receptive field from this model (and --view).")
]
ForView = Annotated[str | None, typer.Option("--view", help="View of --model; its first if not given.")]
ForOption = Annotated[
    list[str], typer.Option("--option", metavar="KEY=VALUE", help="Option of --model: --option window=64")
]


@app.command()
def make(
    scene: SceneName,
    protocol: Protocol = "blocks",
    patch_size: PatchSize = None,
    seed: Seed = 0,
    split: SplitSet = [],  # noqa: B006
    model: ForModel = None,
    view: ForView = None,
    option: ForOption = [],  # noqa: B006
    receptive_field: ReceptiveField = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE.npz", help="Keep the split in a file, to use again and to cite.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a split of a scene and print its audit.

    --split buffer=view keeps whole receptive fields apart; say which by --model and --view, or by --receptive-field.
    """
    if output is not None and output.suffix != ".npz":
        raise typer.BadParameter(f"--output takes a name that ends with .npz, got {str(output)!r}.")
    made, seen = _of_scene(scene, protocol, patch_size, seed, split, model, view, option, receptive_field)
    if output is not None:
        _keep(made, output)
    _show(made, seen, as_json, output)


@app.command()
def audit(
    what: Annotated[
        str | None, typer.Argument(help="A kept split (FILE.npz) or the name of a scene; not with mask files.")
    ] = None,
    train: Annotated[
        str | None, typer.Option(metavar="FILE", help="Training mask: .mat, .npy, GeoTIFF, ENVI; file.mat:variable.")
    ] = None,
    test: Annotated[str | None, typer.Option(metavar="FILE", help="Test mask.")] = None,
    validation: Annotated[str | None, typer.Option(metavar="FILE", help="Validation mask, where there is one.")] = None,
    codes: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="One file in place of masks: 0 none, 1 training, 2 validation, 3 test."),
    ] = None,
    labels: Annotated[
        str | None, typer.Option(metavar="FILE", help="Label map; needed with --codes and with masks of 0 and 1.")
    ] = None,
    protocol: Protocol = "blocks",
    patch_size: PatchSize = None,
    seed: Seed = 0,
    split: SplitSet = [],  # noqa: B006
    model: ForModel = None,
    view: ForView = None,
    option: ForOption = [],  # noqa: B006
    receptive_field: ReceptiveField = None,
    as_json: AsJson = False,
) -> None:
    """Audit anybody's split: mask files, a kept split, or a protocol on a scene.

    Masks hold the class at each pixel of a side and 0 elsewhere, as files called TR and TE do.
    """
    files = [train, test, validation, codes, labels]
    given = any(file is not None for file in files)
    if given == (what is not None):
        raise typer.BadParameter(
            "Give a kept split, a scene, or mask files (--train and --test, or --codes and --labels)."
        )
    seen: tuple[int, int] | None
    if given:
        if model is not None:
            raise typer.BadParameter("--model reads bands of a scene; with mask files give --receptive-field.")
        if split or view is not None or option or (protocol, seed) != ("blocks", 0):
            raise typer.BadParameter(
                "Mask files are a split already: leave --protocol, --seed, --split, --view, --option out."
            )
        made, seen = _of_files(train, test, validation, codes, labels, patch_size), _two(receptive_field)
    elif str(what).endswith(".npz"):
        from workbench.splits import Split

        unfit = (model, patch_size, view) != (None, None, None) or split or option
        if unfit or (protocol, seed) != ("blocks", 0):
            raise typer.BadParameter(
                "A kept split has its patch size, protocol, seed and parameters; only --receptive-field can be given."
            )
        made, seen = Split.load(Path(str(what)).expanduser()), _two(receptive_field)
    else:
        made, seen = _of_scene(str(what), protocol, patch_size, seed, split, model, view, option, receptive_field)
    _show(made, seen, as_json, None)


def _of_scene(
    name: str,
    protocol: str,
    patch_size: int | None,
    seed: int,
    parameters: list[str],
    model: str | None,
    view: str | None,
    options: list[str],
    receptive_field: str | None,
) -> tuple["Split", tuple[int, int] | None]:
    """The split, and the receptive field that its audit shall count."""
    from workbench.scenes import open_scene
    from workbench.splits import make_split

    given, seen = split_parameters(parameters), _two(receptive_field)
    if model is None and (view is not None or options):
        raise typer.BadParameter("--view and --option say something of --model, which is not given.")
    if model is not None and seen is not None:
        raise typer.BadParameter("Give either --model or --receptive-field.")
    scene = open_scene(name)
    if model is not None:
        seen, patch_size = _of_model(scene, model, view, options, patch_size)
    size = 11 if patch_size is None else patch_size
    return make_split(scene, protocol, size, seed, receptive_field=seen, **given), seen


def _of_model(
    scene: "Scene | Collection", model: str, view: str | None, options: list[str], patch_size: int | None
) -> tuple[tuple[int, int], int]:
    from workbench.experiments.reach import receptive_field_of
    from workbench.models import model_class

    seen = receptive_field_of(scene, model, view=view, options=typed(options, "--option"))
    return seen, model_class(model).patch_size if patch_size is None else patch_size


def _of_files(
    train: str | None,
    test: str | None,
    validation: str | None,
    codes: str | None,
    labels: str | None,
    patch_size: int | None,
) -> "Split":
    from workbench.splits import read_mask, split_of_codes, split_of_masks

    size = 11 if patch_size is None else patch_size
    map_ = None if labels is None else read_mask(labels)
    if codes is not None:
        if map_ is None or train is not None or test is not None or validation is not None:
            raise typer.BadParameter("--codes needs --labels, and takes the place of --train, --test and --validation.")
        return split_of_codes(read_mask(codes), map_, size)
    if train is None or test is None:
        raise typer.BadParameter("Masks come in pairs: give --train and --test.")
    kept = None if validation is None else read_mask(validation)
    return split_of_masks(read_mask(train), read_mask(test), map_, size, kept)


def _keep(made: "Split", path: Path) -> None:
    """Write the split; another one of that name stays as it is."""
    from workbench.splits import Split

    if path.exists():
        try:
            there = "another split" if Split.load(path).hash != made.hash else ""
        except WorkbenchError:
            there = "something else, or a split that is damaged"
        if there:
            raise WorkbenchError(f"{path} holds {there}. Splits are cited by their files: choose another name.")
    made.save(path)


def _show(made: "Split", seen: tuple[int, int] | None, as_json: bool, path: Path | None) -> None:
    found = made.audit(seen)
    if as_json:
        kept = {} if path is None else {"path": str(path)}
        print(json.dumps({**found.to_dict(), "citation": made.citation, **kept}, indent=1))
        return
    print_audit(found)
    print(f"cite: {made.citation}")
    if path is not None:
        say(f"Kept in {path}")


def _two(text: str | None) -> tuple[int, int] | None:
    """Two whole numbers with a comma."""
    if text is None:
        return None
    words = [word.strip() for word in text.split(",")]
    if len(words) != 2 or not all(word.isdecimal() for word in words):
        raise typer.BadParameter(
            f"--receptive-field takes two whole numbers with a comma, such as 30,27; got {text!r}."
        )
    return int(words[0]), int(words[1])
