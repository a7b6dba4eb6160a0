"""What determines a run: the strict configuration that its folder keeps as `config.yaml`."""

from typing import Any, Literal

from pydantic import ConfigDict, Field, field_validator

from workbench.base.config import StrictModel


class Recipe(StrictModel):
    """How a network is trained.

    Attributes:
        epochs: Passes over the training samples; passed over where `steps` is set.
        steps: Steps of the optimiser in all; None counts `epochs`. As many epochs are trained as hold so many steps, the
            last one cut short.
        batch_size: Patches per step in the patch view.
        tile_batch: Tiles per step in the dense view.
        tile: Side of the training tiles of the dense view, pixels.
        tile_balance: Share of tiles whose centre is drawn class by class instead of pixel by pixel.
        pixels_per_tile: Training pixels that one tile of an epoch stands for; more means shorter epochs.
        optimizer: `nadam` as Keras has it, `adam`, `adamw`, or `sgd` with momentum 0.9.
        learning_rate: Peak learning rate.
        kernel_l2: Factor of the squared norm of convolution kernels in the loss (Keras' `l2`); of `nadam` only.
        weight_decay: Decoupled weight decay of kernels (adamw), or its gradient added for all weights (sgd, adam); not of
            `nadam`.
        schedule: `constant`; `onecycle` (rise over the first quarter, then cosine to zero); `exponential`
            (constant for 20 epochs, then times exp(-0.005) each epoch); `polynomial` (power 0.9 to 1e-6, step by step);
            or `step` (times 0.9 after every 50 epochs).
        scaling: `minmax` to [0, 1], or `standard` to zero mean and unit variance, band by band.
        scaling_from: Pixels that the scaling is fitted on.
        augment: `none`; `rotations`: every sample at all four rotations in each epoch; `dihedral`: one of the eight
            rotations and flips at random per draw.
        norm_momentum: Momentum of batch norm statistics, PyTorch's convention; None leaves the network's own.
        patience: Epochs without a better validation score after which training stops; None never stops early.
        modality_dropout: Probability with which one modality of a training sample, any of those that the run uses, is
            blanked: the training mean of each band stands in its place. Never are all blanked; validation sees all.
        unlabelled: Whether pixels without their labels train too, by the network's self-supervised loss: `none`;
            `before`: a stage of its own on them alone, then the training as ever with a fresh optimiser; `beside`: each
            step of the training adds the loss of a batch of them.
        unlabelled_epochs: Length of the stage `before`; such an epoch has as many steps as one of the training, and the
            stage runs through the whole schedule.
        unlabelled_batch: Patches (patch view) or tiles (dense view) of unlabelled pixels per step.
        loss: `cross_entropy`, `focal`, `dice`, or `cross_entropy_dice` (their sum), see `training.losses`. A network's own
            further losses are added as they are.
        focal_gamma: Exponent of the focal loss; 0 is cross entropy.
        class_weights: `none`, or `balanced`: by the inverse of each class's number of training pixels, 1 on average.
    """

    model_config = ConfigDict(allow_inf_nan=False)

    epochs: int = Field(ge=1)
    batch_size: int = Field(default=64, ge=2)
    tile_batch: int = Field(default=16, ge=1)
    tile: int = Field(default=24, ge=3)
    tile_balance: float = Field(default=0.5, ge=0, le=1)
    pixels_per_tile: int = Field(default=4, ge=1)
    optimizer: Literal["nadam", "adam", "adamw", "sgd"] = "adamw"
    learning_rate: float = Field(gt=0)
    kernel_l2: float = Field(default=0.0, ge=0)
    weight_decay: float = Field(default=0.0, ge=0)
    schedule: Literal["constant", "onecycle", "exponential", "polynomial", "step"] = "constant"
    scaling: Literal["minmax", "standard"] = "standard"
    scaling_from: Literal["training", "scene"] = "training"
    augment: Literal["none", "rotations", "dihedral"] = "none"
    norm_momentum: float | None = Field(default=0.1, gt=0, le=1)
    patience: int | None = Field(default=None, ge=1)
    modality_dropout: float = Field(default=0.0, ge=0, le=1)
    unlabelled: Literal["none", "before", "beside"] = "none"
    unlabelled_epochs: int = Field(default=10, ge=1)
    unlabelled_batch: int = Field(default=64, ge=2)
    steps: int | None = Field(default=None, ge=1)
    loss: Literal["cross_entropy", "focal", "dice", "cross_entropy_dice"] = "cross_entropy"
    focal_gamma: float = Field(default=2.0, ge=0)
    class_weights: Literal["none", "balanced"] = "none"


class SplitConfig(StrictModel):
    """The rule that made the split, and the hash of what it made."""

    protocol: str
    seed: int
    patch_size: int
    parameters: dict[str, Any]
    hash: str


class InitConfig(StrictModel):
    """The weights that a training started from.

    Attributes:
        source: Id of the run, or path of the file; where the same weights lie does not change a run's id.
        hash: Hash of the file that holds them.
    """

    source: str
    hash: str


class RunConfig(StrictModel):
    """Everything that determines the result of a run, but for the versions of the libraries.

    Attributes:
        scene: Name of the scene or collection.
        scene_hash: Hash of its content, made at import.
        model: Name of the model.
        inputs: Modalities that play each role, stacked in order.
        view: `patch`, `dense` or `pixel`.
        width: Factor on hidden channels.
        options: Further options of the model.
        split: The split.
        recipe_name: Name of the recipe that `recipe` started from.
        recipe: The recipe in full, with what the user changed.
        seed: Seed of weights and sampling.
        device: Kind of device, resolved: `cpu`, `cuda` or `mps`.
        precision: Lightning's name of the precision, such as `32-true` or `bf16-mixed`.
        compile: Whether the network is compiled with `torch.compile`.
        threads: Threads of the CPU.
        members: Networks of a deep ensemble, trained from `seed`, `seed` + 1, ...; 1 is a single network.
        tta: Whether its answers are means over the eight turns of the square (test-time augmentation).
        versions: `RESULT_VERSION` of each room that takes part.
        init: What the weights started from; None are fresh ones.
        chosen_on: Where the kept epoch scored best. `test` are the publications' habits, for comparison with them only.
    """

    model_config = ConfigDict(allow_inf_nan=False)

    scene: str
    scene_hash: str
    model: str
    inputs: dict[str, tuple[str, ...]]
    view: Literal["patch", "dense", "pixel"]
    width: float = Field(gt=0, le=4)
    options: dict[str, bool | int | float | str] = Field(default_factory=dict)
    split: SplitConfig
    recipe_name: str
    recipe: Recipe
    seed: int = Field(ge=0, lt=2**63)
    device: Literal["cpu", "cuda", "mps"]
    precision: Literal["32-true", "bf16-mixed", "16-mixed"]
    compile: bool
    threads: int = Field(ge=1, le=1024)
    members: int = Field(default=1, ge=1)
    tta: bool = False
    versions: dict[str, int]
    init: InitConfig | None = None
    chosen_on: Literal["validation", "test"] = "validation"

    @field_validator("inputs", mode="before")
    @classmethod
    def _tuples(cls, value: Any) -> Any:
        """Lists are fine where tuples are kept: YAML and notebooks have lists."""
        if isinstance(value, dict):
            return {role: tuple(names) if isinstance(names, list) else names for role, names in value.items()}
        return value
