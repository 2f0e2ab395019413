"""Everything wncompare raises on purpose, each kind with the exit code that the command line returns for it."""


class WncompareError(Exception):
    """A problem with a one-line explanation: the value, what was expected and the remedy."""

    exit_code = 1


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
