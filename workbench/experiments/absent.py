"""A run that is asked to answer without some of its modalities: whether it may, and what stands in their place."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.mapping import Predictor
from workbench.models.pixels import Roles, modalities_of
from workbench.runs import RunFolder

MEAN, GENERATED = "training mean", "generated features"


def left_out(run: RunFolder, names: Sequence[str] | str) -> tuple[str, ...]:
    """The modalities to leave out, each once, by name.

    Args:
        run: The run.
        names: As the user gave them.

    Raises:
        UnknownNameError: The run does not use such a modality.
        WorkbenchError: None would be left.
    """
    known = modalities_of(run.config.inputs)
    asked = (names,) if isinstance(names, str) else tuple(names)
    for name in asked:
        if name not in known:
            raise UnknownNameError(f"modality of run {run.id}", name, known, "It was to be left out.")
    if set(asked) == set(known):
        raise WorkbenchError(
            f"Run {run.id} uses {', '.join(known)} and nothing else: without {'it' if len(known) == 1 else 'them'} "
            "there is nothing to answer from. Leave fewer out."
        )
    return tuple(sorted(set(asked)))


def answer_without(run: RunFolder, predictor: Predictor, names: Sequence[str]) -> Predictor:
    """A run's network as it answers without modalities.

    A role that loses all its modalities is left to the network where that generates the role's features; all other
    absent modalities stand at their training mean, to which modality dropout has used the network.

    Args:
        run: The run.
        predictor: Its network, with all roles.
        names: Of `left_out`.

    Raises:
        WorkbenchError: The network was not trained to answer without them.
    """
    optional = predictor.model.optional_roles
    roles = {
        role: played
        for role, played in predictor.roles.items()
        if role not in optional or not set(played) <= set(names)
    }
    blanked = tuple(name for name in modalities_of(roles) if name in names)
    if blanked and not run.config.recipe.modality_dropout:
        raise WorkbenchError(
            f"Run {run.id} was not trained to answer without {', '.join(blanked)}. There are two ways out: train it again "
            "with modality dropout (--set modality_dropout=0.3), or train a network that generates the features of an "
            "absent role (such as mmrs) and leave out all that plays the role. How much this network leans on a modality "
            f"is another question, which evaluate(run, blank={list(blanked)}) answers (`workbench evaluate --blank`)."
        )
    return replace(predictor, roles=roles, absent=blanked)


def stand_ins(roles: Roles, predictor: Predictor) -> dict[str, str]:
    """What stands in the place of each modality that is not read.

    Args:
        roles: The modalities of each role of the run.
        predictor: Of `answer_without`.
    """
    gone = [name for name in modalities_of(roles) if name not in predictor.reads]
    return {name: MEAN if name in predictor.absent else GENERATED for name in gone}


def told(without: Mapping[str, str], blank: Sequence[str]) -> str:
    """A sentence on what an answer was given without; empty where nothing was left out."""
    text = ""
    if without:
        text = f"Without {', '.join(f'{name} ({stand_in} in its place)' for name, stand_in in without.items())}."
    if list(without.values()).count(MEAN) > 1:
        text += " In training at most one modality was blanked at a time."
    if blank:
        text = (
            f"With {', '.join(blank)} blanked (training mean): this says how much the network leans on it, not what it "
            "adds."
        )
    return text
