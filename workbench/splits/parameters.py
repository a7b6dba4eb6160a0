"""Parameters that all protocols share."""

from pydantic import Field

from workbench.base.config import StrictModel


class SplitParameters(StrictModel):
    """Base of the protocols' parameters; see `make_split`."""

    validation_fraction: float = Field(default=0.2, ge=0, lt=1)
    train_per_class: int | None = Field(default=None, ge=1)
