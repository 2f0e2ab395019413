"""The command line: parse, call, print. Each command imports what it needs when it runs, so that help is instant."""

import logging
import signal
import sys

import click

from wncompare import __version__
from wncompare.cli.bench import bench
from wncompare.cli.check import check
from wncompare.cli.compare import compare
from wncompare.cli.data import data
from wncompare.cli.export import export
from wncompare.cli.listing import list_
from wncompare.cli.options import INTERRUPTED
from wncompare.cli.plot import plot
from wncompare.cli.report import report
from wncompare.cli.run import run
from wncompare.cli.status import status
from wncompare.errors import WncompareError
from wncompare.storage.files import explain


def main() -> None:
    """Run the command line and exit with its code; errors are one line on stderr, SIGTERM is Ctrl-C."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    sys.exit(_exit_code(sys.argv[1:]))


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
        return error.exit_code if isinstance(error, WncompareError) else 1
    return code if isinstance(code, int) else 0


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


for _command in (run, status, plot, report, compare, check, list_, export, data, bench):
    cli.add_command(_command)
