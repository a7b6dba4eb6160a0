"""Parameters that all protocols share."""

from typing import Any

from pydantic import Field, field_validator

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
