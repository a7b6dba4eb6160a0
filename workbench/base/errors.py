"""The one error family of the workbench."""

import difflib
from collections.abc import Iterable


class WorkbenchError(Exception):
    """Something a user can mend.

    The message says what was being done, the shapes or grids involved, and what to do next. Faces print it
    without a traceback and exit with code 1.
    """


class UnknownNameError(WorkbenchError):
    """A name that is not there, with the nearest ones that are.

    Args:
        kind: What was looked up, such as ``"model"``.
        name: The name asked for.
        known: The names there are.
        hint: What to do next, appended as a sentence.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], hint: str = "") -> None:
        name = str(name)  # whatever was given: a face may pass a number or None
        self.kind, self.name, self.known, self.hint = kind, name, sorted(known), hint
        near = nearest(name, self.known)
        if near:
            there = f"Nearest: {', '.join(near)}."
        elif self.known:
            there = f"There are: {', '.join(self.known[:20])}{' ...' if len(self.known) > 20 else ''}."
        else:
            there = f"There is no {kind} yet."
        super().__init__(f"Unknown {kind} {name!r}. {there}{' ' + hint if hint else ''}")

    def __reduce__(self) -> tuple[type["UnknownNameError"], tuple[str, str, list[str], str]]:
        """Pickle by the arguments, so that the error survives a process boundary."""
        return type(self), (self.kind, self.name, self.known, self.hint)


def nearest(name: str, known: Iterable[str], most: int = 3) -> list[str]:
    """The known names that look most like `name`, best first (may be empty)."""
    lowered = {item.lower(): item for item in known}
    return [lowered[hit] for hit in difflib.get_close_matches(name.lower(), list(lowered), n=most, cutoff=0.5)]
