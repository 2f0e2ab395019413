"""Everything wncompare raises on purpose, each kind with the exit code that the command line returns for it."""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Argument:
    """Something that a user may set: `--overwrite` on the command line, `overwrite=True` in Python."""

    name: str
    value: str = ""

    def __str__(self) -> str:
        return f"--{self.name.replace('_', '-')}"

    @property
    def in_python(self) -> str:
        """The argument as Python has it."""
        return f"{self.name}={self.value}"


class WncompareError(Exception):
    """A problem with a one-line explanation: the value, what was expected and the remedy.

    It is made of parts, text and `Argument`s, so that whoever tells it can name the arguments as the listener does.
    """

    exit_code = 1

    def __str__(self) -> str:
        return "".join(map(str, self.args))

    def in_python(self) -> Self:
        """The same error with its arguments as Python has them."""
        return type(self)("".join(part.in_python if isinstance(part, Argument) else str(part) for part in self.args))


class UsageError(WncompareError):
    """The command line asks for something that cannot be done as asked."""

    exit_code = 2


class ConfigError(UsageError):
    """A config is refused; the message names file, line, key path and value."""


class DatasetError(UsageError):
    """A dataset is absent, damaged or unsafe to read."""


class ModelError(UsageError):
    """A model cannot be built, varied or loaded as asked."""


class RecordsError(UsageError):
    """A results folder is damaged, foreign or in conflict with what is asked."""


class UnreadableError(RecordsError):
    """A record cannot be read now, though it may be whole: nothing takes its place."""


class EngineError(UsageError):
    """The engine that is asked for cannot be had: not installed, or no cluster at its address."""
