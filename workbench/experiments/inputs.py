"""What a run's network was fed: kept with the run, and held against any other scene it shall map."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from workbench.base.config import StrictModel, describe
from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.base.files import read_json, write_json
from workbench.models import model_class
from workbench.models.pixels import Roles
from workbench.models.scaling import BandScaling, Scaling
from workbench.scenes import Collection, ModalityInfo, Scene

IMAGES = ("msi", "hsi", "rgb")  # who may play `image`, the likeliest first
AUXILIARY = ("lidar", "sar", "msi", "dem")  # modalities that play `aux` unless the user says otherwise
SAME_BAND = 1.0  # nm by which band centres of two scenes may differ


class RunInputs(StrictModel):
    """Modalities and scaling of a run, as `inputs.json` in its folder.

    Attributes:
        modalities: What each used modality was in the scene of the training.
        scaling: Shift, span, range and training mean of each modality, band by band.
        address: Where the scene of the training lay.
    """

    modalities: dict[str, ModalityInfo]
    scaling: dict[str, dict[str, list[float]]]
    address: str = ""

    def band_scaling(self) -> Scaling:
        """The scaling as arrays."""
        return {name: BandScaling.from_json(values) for name, values in self.scaling.items()}

    def check(self, scene: Scene | Collection, without: Sequence[str] = ()) -> None:
        """Refuse a scene that the run's network cannot answer on.

        Args:
            scene: The scene.
            without: Modalities that are left out, so that the scene need not have them.

        Raises:
            WorkbenchError: A modality is missing, or its quantity, band count or band centres differ.
        """
        doing = f"mapping scene {scene.name!r} with a run trained elsewhere"
        for name, mine in self.modalities.items():
            if name in without:
                continue
            if name not in scene.modalities:
                raise WorkbenchError(
                    f"While {doing}: it has no modality {name!r} (it has {', '.join(scene.modalities)}). "
                    "A run needs every modality it was trained with, unless it was trained with modality dropout "
                    "(--set modality_dropout=0.3) or its network generates the features of an absent role (such as mmrs)."
                )
            other = scene.info(name)
            if other.bands != mine.bands:
                raise WorkbenchError(f"While {doing}: {name!r} has {other.bands} bands, the run knows {mine.bands}.")
            if (other.quantity, other.unit) != (mine.quantity, mine.unit):
                raise WorkbenchError(
                    f"While {doing}: {name!r} holds {other.quantity} [{other.unit}], the run was trained on "
                    f"{mine.quantity} [{mine.unit}]. Import the scene with the same quantity."
                )
            same_file = len(mine.dropped_bands) == len(other.dropped_bands)  # else its bands are counted differently
            if same_file and mine.dropped_bands != other.dropped_bands and not (mine.wavelengths and other.wavelengths):
                raise WorkbenchError(
                    f"While {doing}: {name!r} lacks bands {_numbers(other.dropped_bands)} of its file, the run was trained "
                    f"without bands {_numbers(mine.dropped_bands)} (counted from 1). Drop the same bands."
                )
            if mine.wavelengths and other.wavelengths:
                worst = max(abs(a - b) for a, b in zip(mine.wavelengths, other.wavelengths, strict=True))
                if worst > SAME_BAND:
                    raise WorkbenchError(
                        f"While {doing}: band centres of {name!r} differ by up to {worst:.1f} nm (at most {SAME_BAND})."
                    )

    def save(self, folder: Path) -> None:
        """Write `inputs.json`."""
        write_json(folder / "inputs.json", self.model_dump(mode="json"), "keeping a run's inputs")

    @classmethod
    def load(cls, folder: Path) -> "RunInputs":
        """Read `inputs.json`.

        Raises:
            WorkbenchError: It is missing or damaged.
        """
        path = folder / "inputs.json"
        try:
            return cls.model_validate(read_json(path, "reading a run's inputs"), strict=False)
        except ValidationError as error:
            faults = "; ".join(describe(cls, error)[:3])
            raise WorkbenchError(
                f"{path} is damaged: {faults}. Give the command that trained the run again."
            ) from error


def resolve_roles(scene: Scene | Collection, model: str, inputs: dict[str, Any] | None) -> dict[str, tuple[str, ...]]:
    """The modalities of each role.

    A modality may play several roles: a run on one modality alone gives it all roles, so that the network stays the
    same and only the information differs.

    Args:
        scene: The scene.
        model: Name of the model.
        inputs: Role to modality names (a string or a sequence); None lets `hsi` play `hsi`, the first of
            multispectral, hyperspectral and colour image play `image`, and all of LiDAR, SAR, multispectral and terrain
            that are left play `aux`. A role that the model can do without may be left out.

    Raises:
        UnknownNameError: The model has no such role, or the scene no such modality.
        WorkbenchError: A role that the model needs has no modality, or a role has one twice.
    """
    roles, spare = model_class(model).roles, model_class(model).spare_roles
    if inputs is None:
        main = "hsi" if "hsi" in roles else next((name for name in IMAGES if name in scene.modalities), "")
        there: dict[str, tuple[str, ...]] = dict.fromkeys(("hsi", "image"), (main,) if main in scene.modalities else ())
        there["aux"] = tuple(name for name in AUXILIARY if name in scene.modalities and name != main)
        inputs = {role: there.get(role, ()) for role in roles}
    if not isinstance(inputs, Mapping) or not all(isinstance(names, str | list | tuple) for names in inputs.values()):
        raise WorkbenchError(
            f"The inputs of a training are modality names by role, such as {{'{roles[0]}': ['{scene.modalities[0]}']}}; "
            f"got {inputs!r}."
        )
    resolved = {role: (names,) if isinstance(names, str) else tuple(names) for role, names in inputs.items()}
    for role, names in resolved.items():
        if role not in roles:
            raise UnknownNameError(f"role of {model}", str(role), roles)
        if len(set(names)) < len(names):
            raise WorkbenchError(f"Role {role!r} of {model} got {', '.join(map(str, names))}; name each modality once.")
        for name in names:
            if name not in scene.modalities:
                raise UnknownNameError(
                    f"modality of scene {scene.name!r}", str(name), scene.modalities, f"It was to play role {role!r}."
                )
    for role in roles:
        if not resolved.get(role) and role not in spare:
            raise WorkbenchError(
                f"Model {model!r} needs modalities for its roles {', '.join(roles)}; role {role!r} got none, and scene "
                f"{scene.name!r} has {', '.join(scene.modalities)}. Say for example {role}={scene.modalities[0]}."
            )
    return {role: resolved[role] for role in roles if resolved.get(role)}


def band_counts(scene: Scene | Collection, roles: Roles) -> dict[str, int]:
    """Number of bands of each role."""
    return {role: sum(scene.info(name).bands for name in names) for role, names in roles.items()}


def _numbers(bands: tuple[int, ...]) -> str:
    return ", ".join(str(band + 1) for band in bands)
