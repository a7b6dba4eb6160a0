"""Parameters that all protocols share."""

from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from workbench.base.config import StrictModel


class SplitParameters(StrictModel):
    """Base of the protocols' parameters; see `make_split`."""

    validation_fraction: float = Field(default=0.2, ge=0, lt=1)
    train_per_class: int | None = Field(default=None, ge=1)
    leave_out: list[str] = Field(default_factory=list)

    def recorded(self) -> dict[str, Any]:
        """As kept with the split, and hashed."""
        return self.model_dump()

    @field_validator("leave_out", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        """Names as a list, or as one text with commas; each once."""
        if isinstance(value, int | float):  # a terminal reads a name such as 7 as a number
            value = str(value)
        if isinstance(value, str):
            value = [name.strip() for name in value.split(",") if name.strip()]
        if isinstance(value, list | tuple):
            return [name for number, name in enumerate(value) if name not in value[:number]]
        return value


class FoldedParameters(SplitParameters):
    """Parameters of the protocols whose units can be dealt out to folds; see `make_split`."""

    test_fraction: float = Field(default=0.5, gt=0, lt=1)
    folds: int = Field(default=0, ge=0)
    fold: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _of_effect(self) -> Self:
        """Refuse what would change nothing; defaults pass, for a split records them and is made again by its record."""
        if not self.folds and (self.fold or ("fold" in self.model_fields_set and "folds" not in self.model_fields_set)):
            raise ValueError(
                f"fold={self.fold} has no effect without folds: say how many there are, such as folds=5, or leave fold out"
            )
        if self.folds and self.test_fraction != type(self).model_fields["test_fraction"].default:
            raise ValueError(
                f"test_fraction={self.test_fraction:g} has no effect with folds: one of {self.folds} tests, about "
                f"{1 / self.folds:.0%} of the pixels; leave test_fraction or folds out"
            )
        return self
