"""Deep ensembles: networks that were trained alike from different seeds answer together."""

from collections.abc import Iterator, Mapping, Sequence

from torch import Tensor, nn

from workbench.base.errors import WorkbenchError
from workbench.models.combined import Combined
from workbench.models.contract import FusionModel, FusionOutput, View


class Ensemble(Combined):
    """The mean of the class probabilities of several networks (Lakshminarayanan et al. 2017, section 2.4).

    The paper's members differ by their initial weights and the order of the samples, as runs of different seeds do. Its
    adversarial training is left out.

    Args:
        members: Trained networks of one kind, in eval mode.

    Raises:
        WorkbenchError: There is none, or they differ in kind, inputs, classes, patch size or window.
    """

    def __init__(self, members: Sequence[FusionModel]) -> None:
        kinds = {
            f"{type(one).__name__} of {one.inputs} and {one.classes} classes, patch {one.patch_size}, window {one.window}"
            for one in members
        }
        if len(kinds) != 1:
            raise WorkbenchError(
                "An ensemble needs networks of one kind on the same inputs and classes, got "
                f"{'; '.join(sorted(kinds)) or 'none'}. Train its members with the same request but for the seed."
            )
        super().__init__(members[0])
        self.members = nn.ModuleList(members)

    @property
    def networks(self) -> list[FusionModel]:
        """The members as what they are."""
        return [one for one in self.members if isinstance(one, FusionModel)]

    def receptive_field(self, view: View) -> tuple[int, int]:
        """That of the members; the largest, should they differ."""
        before, after = zip(*(one.receptive_field(view) for one in self.networks), strict=True)
        return max(before), max(after)

    def answers(self, inputs: Mapping[str, Tensor], view: View, attention: bool) -> Iterator[FusionOutput]:
        """What each member says."""
        for (
            one
        ) in self.networks:  # not through `forward`: the inputs are checked, and an exported graph takes any batch
            yield one.patch(inputs, attention) if view == "patch" else one.dense(inputs, attention)
