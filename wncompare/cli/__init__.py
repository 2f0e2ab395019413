"""The command line: parse, call, print. Each command imports what it needs when it runs, so that help is instant."""

import atexit
import gc
import logging
import signal
import sys
from pathlib import Path

import click

from wncompare import __version__
from wncompare.cli import streams
from wncompare.cli.bench import bench
from wncompare.cli.check import check
from wncompare.cli.compare import compare
from wncompare.cli.data import data
from wncompare.cli.export import export
from wncompare.cli.listing import list_catalog
from wncompare.cli.options import INTERRUPTED
from wncompare.cli.plot import plot
from wncompare.cli.report import report
from wncompare.cli.run import run
from wncompare.cli.status import status
from wncompare.errors import UsageError, WncompareError
from wncompare.storage.files import explain, is_a_slip


def main() -> None:
    """Run the command line and exit with its code; errors are one line on stderr, SIGTERM is Ctrl-C."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    atexit.register(gc.freeze)  # or Python looks through all that there is for garbage: half a second after figures
    stdout = streams.install()
    code = _exit_code(sys.argv[1:])
    if reason := streams.lost(stdout):
        click.echo(f"wncompare: error: the result could not be written to stdout: {reason}", err=True)
        code = code or 1
    sys.exit(code)


def _interrupt(number: int, frame: object) -> None:
    """End in good order at the first signal; the system ends the process at once at the second."""
    for again in (signal.SIGINT, signal.SIGTERM):
        signal.signal(again, signal.SIG_DFL)
    raise KeyboardInterrupt


def _exit_code(arguments: list[str]) -> int:
    debug = "--debug" in arguments[:1]
    try:
        code = cli.main(arguments, prog_name="wncompare", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except Exception as error:
        if debug:
            raise
        click.echo(f"wncompare: error: {_one_line(error)}", err=True)
        return _code_of(error)
    return code if isinstance(code, int) else 0


def _code_of(error: Exception) -> int:
    if isinstance(error, WncompareError):
        return error.exit_code
    return UsageError.exit_code if isinstance(error, OSError) and is_a_slip(error) else 1


def _one_line(error: Exception) -> str:
    if isinstance(error, WncompareError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return explain(error)
    return f"{type(error).__name__}: {' '.join(str(error).split())} (wncompare --debug shows where)"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="wncompare")
@click.option("--debug", is_flag=True, help="Show the traceback of an error; goes before the command.")
def cli(debug: bool) -> None:
    """Compare a network with the same network weight-normalized.

    Trains every variant of one YAML config over several seeds, in pairs, and writes histories and plots.
    """
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # without a home it goes on, and says so every time
    try:
        Path.cwd()
    except FileNotFoundError:
        raise UsageError("the working folder has been deleted: cd into one that is there, and run again") from None


for _command in (run, status, plot, report, compare, check, list_catalog, export, data, bench):
    cli.add_command(_command)
