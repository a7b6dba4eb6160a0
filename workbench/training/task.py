"""The Lightning module: draws batches as positions, gathers windows on the device, and steps the optimiser."""

import math
from dataclasses import dataclass
from typing import Any

import lightning as L
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader

from workbench.analysis import confusion_matrix, scores
from workbench.base.errors import WorkbenchError
from workbench.models.contract import FusionModel, View
from workbench.models.pixels import PixelTable
from workbench.models.predict import logits_at
from workbench.runs import Recipe
from workbench.training.losses import IGNORE, ClassificationLoss
from workbench.training.sampling import (
    EpochPlan,
    blank_draws,
    check_dropout,
    epoch_steps,
    epochs_of,
    patch_plan,
    tile_plan,
    tiles_per_epoch,
    unlabelled_plan,
)
from workbench.training.stopping import FirstBadStep, likely_cause
from workbench.training.turns import turned_squares

ADVERSARY_RATE = 2e-4  # of the GAN's discriminators, as is usual for Adam with betas 0.5 and 0.999
FLAT_EPOCHS = 20  # of the exponential schedule, as the self-loop script has it
STAIR_EPOCHS, STAIR_FACTOR = 50, 0.9  # of the step schedule, as MFT's paper has it


@dataclass(frozen=True)
class Samples:
    """Labelled pixels as a network knows them.

    Attributes:
        positions: int32 `(n, 3)`: tile, row, column.
        targets: int64 `(n,)`: class index from 0.
    """

    positions: NDArray[np.int32]
    targets: NDArray[np.int64]

    def __len__(self) -> int:
        """Number of pixels."""
        return len(self.targets)


class FusionTask(L.LightningModule):  # type: ignore[misc]  # Lightning is read untyped
    """Training of one network on one scene that lies on the device.

    Args:
        model: The network; its weights are trained in place.
        table: The scene. A plain attribute: a registered buffer would be broadcast at every step of a
            multi-process training.
        training: Training pixels; no other labels reach this class but `validation`.
        validation: Pixels for choosing the epoch; may be empty.
        recipe: How to train.
        view: The view to train.
        seed: Seed of the sampling.
        compiled: Whether to call the network through `torch.compile`; its self-supervised loss never is.
        unlabelled: int32 `(n, 3)`: pixels that train without their labels, where the recipe asks for them.
    """

    def __init__(
        self,
        model: FusionModel,
        table: PixelTable,
        training: Samples,
        validation: Samples,
        recipe: Recipe,
        view: View,
        seed: int,
        compiled: bool = False,
        unlabelled: NDArray[np.int32] | None = None,
    ) -> None:
        super().__init__()
        self.model = model
        if recipe.unlabelled != "none" and (unlabelled is None or not len(unlabelled)):
            raise WorkbenchError(
                f"The recipe has unlabelled={recipe.unlabelled}, but the training was given no unlabelled pixels. Give "
                "those of `unlabelled_pixels`, or set unlabelled=none."
            )
        if compiled and type(model).learn is not FusionModel.learn:
            raise WorkbenchError(
                f"{type(model).__name__} learns by more than one pass and is not compiled. Train without."
            )
        check_dropout(recipe.modality_dropout, len(table.bands))
        self.automatic_optimization = not model.adversaries()
        self._called = [torch.compile(model) if compiled else model]  # a list, so that it is not registered twice
        self.table, self.training_samples, self.validation_samples = table, training, validation
        self.recipe, self.view, self.seed = recipe, view, seed
        for module in model.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm) and recipe.norm_momentum is not None:
                module.momentum = recipe.norm_momentum
        device = table.device
        self._positions = torch.from_numpy(training.positions.astype(np.int64)).to(device)
        self._targets = torch.as_tensor(training.targets, device=device)
        if view == "patch":
            before, size = model.patch_size // 2, model.patch_size
        else:
            before, size = recipe.tile // 2, recipe.tile
            self._target_of_row = torch.full((table.valid.numel() + 1,), IGNORE, dtype=torch.int64, device=device)
            self._target_of_row[table.row_of(self._positions)] = self._targets
        self._windows = turned_squares(before, size).to(device)
        self._plan: tuple[int, EpochPlan] | None = None
        self._unlabelled = None if unlabelled is None else torch.from_numpy(unlabelled).to(device)
        self._unlabelled_plan: tuple[int, EpochPlan] | None = None
        self._loss = ClassificationLoss(recipe, training.targets, model.classes)
        # torch's mean where the recipe asks for nothing else: its last digits are those of runs made before
        usual = recipe.loss == "cross_entropy" and recipe.class_weights == "none"
        self._own_loss = () if usual else (self._loss,)
        self._bad = FirstBadStep(device)
        self._tally = torch.zeros(3, device=device)  # loss, right answers, answers
        self._figures: dict[str, Tensor] = {}  # sums of what the network says of itself: losses by name, clipped shares

    @property
    def steps(self) -> int:
        """Steps of one epoch."""
        return epoch_steps(len(self.training_samples), self.recipe, self.view)

    @property
    def epochs(self) -> int:
        """Epochs of the whole training."""
        return epochs_of(len(self.training_samples), self.recipe, self.view)

    @property
    def total_steps(self) -> int:
        """Steps of the whole training; the last epoch may be cut short."""
        return self.recipe.steps or self.recipe.epochs * self.steps

    def steps_until(self, epoch: int) -> int:
        """Steps of the first `epoch` epochs."""
        return min(epoch * self.steps, self.total_steps)

    def plan(self, epoch: int) -> EpochPlan:
        """The draws of an epoch."""
        if self._plan is None or self._plan[0] != epoch:
            recipe, samples = self.recipe, self.training_samples
            if self.view == "patch":
                plan = patch_plan(len(samples), recipe.batch_size, recipe.augment, self.seed, epoch)
            else:
                plan = tile_plan(
                    samples.targets,
                    tiles_per_epoch(len(samples), recipe),
                    recipe.tile_batch,
                    recipe.tile_balance,
                    recipe.augment,
                    self.seed,
                    epoch,
                )
            self._plan = epoch, plan
        return self._plan[1]

    def batch(self, epoch: int, step: int, rank: int = 0, ranks: int = 1) -> tuple[dict[str, Tensor], Tensor]:
        """Network input and targets of one step, one modality blanked in some samples where the recipe says so.

        Returns:
            Per role float32 `(B, C, k, k)`; targets int64 `(B,)` in the patch view, `(B, k, k)` with -1 for pixels
            that do not count in the dense view.
        """
        samples, turns = self.plan(epoch).step(step, rank, ranks)
        chosen = self._placed(samples)
        grid = self._windows[self._placed(turns)]
        rows = self.table.window_rows(self._positions[chosen], grid)
        targets = self._targets[chosen] if self.view == "patch" else self._target_of_row[rows]
        chance, blanked = self.recipe.modality_dropout, None
        if chance:
            drawn = blank_draws(len(samples), len(self.table.bands), chance, self.seed, epoch, step, rank)
            blanked = self._placed(drawn)
        return self.table.gather(rows, blanked), targets

    def _placed(self, numbers: NDArray[np.int64]) -> Tensor:
        """Numbers on the device; from pinned memory, so that the host does not wait for a GPU."""
        found = torch.from_numpy(numbers)
        device = self.table.device
        return found.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else found.to(device)

    def unlabelled_batch(self, epoch: int, step: int, rank: int = 0, ranks: int = 1) -> dict[str, Tensor]:
        """Network input of one step's unlabelled pixels: per role float32 `(B, C, k, k)`."""
        assert self._unlabelled is not None
        if self._unlabelled_plan is None or self._unlabelled_plan[0] != epoch:
            recipe, count = self.recipe, len(self._unlabelled)
            plan = unlabelled_plan(count, self.steps, recipe.unlabelled_batch, recipe.augment, self.seed, epoch)
            self._unlabelled_plan = epoch, plan
        samples, turns = self._unlabelled_plan[1].step(step, rank, ranks)
        corners = self._unlabelled[torch.as_tensor(samples, device=self.table.device)].long()
        grid = self._windows[torch.as_tensor(turns, device=self.table.device)]
        return self.table.gather(self.table.window_rows(corners, grid))

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor | None:
        """One step; `batch` is only the step's number."""
        inputs, targets = self.batch(self.current_epoch, batch_idx, self.global_rank, self.trainer.world_size)
        self._seed_step(batch_idx)
        if type(self.model).learn is FusionModel.learn:
            output = self._called[0](inputs, view=self.view)
        else:
            output = self.model.learn(inputs, targets, self.view, *self._own_loss)
        loss = self._loss(output.logits, targets)
        for extra in output.losses.values():
            loss = loss + extra
        if self.recipe.unlabelled == "beside":
            loss = loss + self._unlabelled_loss(batch_idx)
        with torch.no_grad():
            counted = targets != IGNORE
            right = (output.logits.argmax(1) == targets) & counted
            share = right.sum() / counted.sum().clamp_min(1)
            self._tally += torch.stack([loss.detach().float(), share, torch.ones_like(loss)])
            self._note({**output.losses, **output.figures})
        if self._bad.note(loss, batch_idx):
            raise self._spoilt("training loss is")
        return self._stepped(loss, output.adversary)

    def _seed_step(self, step: int) -> None:
        """Dropout and noise too follow from (seed, epoch, step, rank), so that a resumed run equals an uninterrupted one."""
        place = np.random.SeedSequence([self.seed, self.current_epoch, step, self.global_rank])
        torch.manual_seed(int(place.generate_state(1, np.uint64)[0] >> 1))

    def _unlabelled_loss(self, step: int) -> Tensor:
        """Sum of the self-supervised losses of the step's unlabelled pixels; kept in the history as `unlabelled_*`."""
        inputs = self.unlabelled_batch(self.current_epoch, step, self.global_rank, self.trainer.world_size)
        losses, figures = self.model.self_supervise(inputs, self.view)
        self._note({f"unlabelled_{name}": value for name, value in {**losses, **figures}.items()})
        return torch.stack(list(losses.values())).sum()

    @torch.no_grad()
    def _note(self, figures: dict[str, Tensor]) -> None:
        for name, value in figures.items():
            self._figures[name] = self._figures.get(name, torch.zeros_like(value)) + value.detach()

    def _stepped(self, loss: Tensor, adversary: Tensor | None = None) -> Tensor | None:
        """The loss for Lightning to step on; None where the optimisers of a GAN have stepped already."""
        if self.automatic_optimization:
            return loss
        self._play(loss, adversary)
        return None

    def _play(self, loss: Tensor, adversary: Tensor | None) -> None:
        """A step of the network, then one of its adversaries; schedules move once a step, whatever Lightning counts."""
        main, other = self.optimizers()
        main.zero_grad()
        self.manual_backward(loss)
        main.step()
        other.zero_grad()  # the network's loss has reached the adversaries as well
        if adversary is not None:
            self.manual_backward(adversary)
            other.step()
        schedule = self.lr_schedulers()
        if schedule is not None:
            schedule.step()

    def take_tally(self) -> tuple[float, float, dict[str, float]]:
        """Mean loss, accuracy and the network's own figures over the steps since the last call.

        Raises:
            WorkbenchError: A loss, or the weights after the last step, are not finite.
        """
        if self._bad.step is not None:
            raise self._spoilt("training loss is")
        if not all(torch.stack([torch.isfinite(weight).all() for weight in self.model.parameters()]).tolist()):
            raise self._spoilt("weights are")
        loss, right, count = self._tally.tolist()
        self._tally.zero_()
        figures = {name: float(total) / max(count, 1) for name, total in self._figures.items()}
        self._figures = {}
        return loss / max(count, 1), right / max(count, 1), figures

    def validate(self) -> dict[str, float]:
        """Loss, OA and AA on the validation pixels, with the network in eval mode.

        Raises:
            WorkbenchError: The loss is not finite.
        """
        samples = self.validation_samples
        self.model.eval()
        with self.trainer.precision_plugin.forward_context():
            logits = logits_at(self.model, self.model, self.table, samples.positions, self.view)
        self.model.train()
        targets = torch.as_tensor(samples.targets)
        loss = self._loss(torch.from_numpy(logits), targets).item()
        if not math.isfinite(loss):
            pixels = torch.as_tensor(samples.positions, dtype=torch.int64, device=self.table.device)
            raise self._spoilt("validation loss is", self.table.gather(self.table.row_of(pixels)[:, None, None]))
        kinds = range(self.model.classes)
        found = scores(confusion_matrix(samples.targets, logits.argmax(1), kinds), kinds)
        return {"validation_loss": loss, "validation_oa": found.oa, "validation_aa": found.aa}

    def _spoilt(self, what: str, inputs: dict[str, Tensor] | None = None) -> WorkbenchError:
        """Of something that is not finite: since which step of this epoch, and why that is likely.

        Args:
            what: What was met, with its verb.
            inputs: What it was met on; None is the step's batch.
        """
        epoch, step, before = self.current_epoch, self._bad.step, self.steps_until(self.current_epoch)
        if step is None:  # the last step spoilt it
            step = self.steps_until(epoch + 1) - before - 1
        if inputs is None:
            inputs = self.shown(step)
        cause = likely_cause(inputs, self.table, self.recipe.learning_rate, str(self.trainer.precision))
        kept = f"History and weights up to epoch {epoch} are kept." if epoch else "No epoch was finished before."
        return WorkbenchError(
            f"The {what} not finite at step {step + 1} of epoch {epoch + 1} (step {before + step + 1} of "
            f"{self.total_steps}). {cause} {kept}"
        )

    def shown(self, step: int) -> dict[str, Tensor]:
        """Network input of a step of this epoch."""
        return self.batch(self.current_epoch, step, self.global_rank, self.trainer.world_size)[0]

    def train_dataloader(self) -> DataLoader[Any]:
        """The steps' numbers: what a batch holds follows from (seed, epoch, step, rank) alone."""
        steps = self.steps_until(self.current_epoch + 1) - self.steps_until(self.current_epoch)
        return DataLoader(range(steps), batch_size=None)  # type: ignore[arg-type]

    def configure_optimizers(self) -> Any:
        """Optimiser and schedule of the recipe; the kernel penalty goes through the optimiser as in Keras."""
        found = self._optimizer()
        if self.automatic_optimization:
            return found
        judges = torch.optim.Adam(self.model.adversaries(), lr=ADVERSARY_RATE, betas=(0.5, 0.999))
        if isinstance(found, dict):
            return [found["optimizer"], judges], [found["lr_scheduler"]]
        return [found, judges]

    def _optimizer(self) -> Any:
        recipe = self.recipe
        against = {id(parameter) for parameter in self.model.adversaries()}
        mine = [parameter for parameter in self.model.parameters() if id(parameter) not in against]
        kernels = [parameter for parameter in mine if parameter.dim() > 1]
        others = [parameter for parameter in mine if parameter.dim() <= 1]
        if recipe.optimizer == "nadam":
            # Keras' l2(c) adds c * sum(w * w) to the loss, whose gradient is 2 c w, before the moments are taken
            groups = [
                {"params": kernels, "weight_decay": 2 * recipe.kernel_l2},
                {"params": others, "weight_decay": 0.0},
            ]
            optimizer: torch.optim.Optimizer = torch.optim.NAdam(
                groups, lr=recipe.learning_rate, eps=1e-7, momentum_decay=4e-3
            )
        elif recipe.optimizer == "sgd":
            optimizer = torch.optim.SGD(mine, lr=recipe.learning_rate, momentum=0.9, weight_decay=recipe.weight_decay)
        elif recipe.optimizer == "adam":
            optimizer = torch.optim.Adam(mine, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
        else:
            groups = [{"params": kernels, "weight_decay": recipe.weight_decay}, {"params": others, "weight_decay": 0.0}]
            optimizer = torch.optim.AdamW(groups, lr=recipe.learning_rate)
        if recipe.schedule == "constant":
            return optimizer
        if recipe.schedule == "exponential":
            decay = torch.optim.lr_scheduler.LambdaLR(
                optimizer, lambda epoch: math.exp(-0.005 * max(0, epoch - FLAT_EPOCHS + 1))
            )
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": decay, "interval": "epoch"}}
        if recipe.schedule == "step":
            stairs = torch.optim.lr_scheduler.StepLR(optimizer, STAIR_EPOCHS, STAIR_FACTOR)
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": stairs, "interval": "epoch"}}
        if recipe.schedule == "polynomial":
            total = self.total_steps
            least = min(1e-6 / recipe.learning_rate, 1.0)
            fall = torch.optim.lr_scheduler.LambdaLR(
                optimizer, lambda step: max((1 - min(step, total) / total) ** 0.9, least)
            )
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": fall, "interval": "step"}}
        total = self.total_steps + 1
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            max_lr=recipe.learning_rate,
            total_steps=5 if total == 4 else total,  # of four steps the rise would take none, by which torch divides
            pct_start=0.25,
            cycle_momentum=False,
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
