"""Streams, names and folders as hostile as a shell makes them: every command does its work and says one right line."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.test_cli import half, wncompare
from wncompare.cli import cli
from wncompare.config import Config

Write = Callable[..., Path]
Capture = pytest.CaptureFixture[str]


def shell(line: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """A line of bash in which $W is the command line; a pipe has the code of the command that failed in it."""
    variables = {**os.environ, "W": f"{sys.executable} -m wncompare", **variables}
    command = ["bash", "-o", "pipefail", "-c", line]
    return subprocess.run(command, capture_output=True, text=True, env=variables, check=False)


@pytest.fixture
def results(write_records: Write, tiny: Config) -> Path:
    """An experiment's folder."""
    return write_records(tiny, half)


FULL = "wncompare: error: the result could not be written to stdout: No space left on device\n"
STREAMS = [(">&-", 0, ""), ("2>&-", 0, ""), ("<&- >&- 2>&-", 0, ""), ("2>/dev/full", 0, ""), (">/dev/full", 1, FULL)]


@pytest.mark.parametrize(("streams", "code", "stderr"), [*STREAMS, ("| true", 0, "")])
def test_no_stream_stops_a_command(streams: str, code: int, stderr: str, results: Path) -> None:
    """Closed streams, a reader that has left and a full disk: an exit code of the command's own, and no traceback."""
    done = shell(f"$W status {results} {streams}")
    assert (done.returncode, done.stderr) == (code, stderr)


@pytest.mark.slow
@pytest.mark.parametrize(("streams", "code"), [("<&- >&- 2>&-", 0), (">/dev/full 2>&1", 1)])
def test_what_a_command_writes_is_written_without_streams(streams: str, code: int, results: Path) -> None:
    """The figures are there, all of them, whoever could not be told."""
    assert shell(f"$W plot {results} {streams}").returncode == code
    assert shell(f"$W plot {results} --output {results}/again").returncode == 0
    folders = results / "plots", results / "again" / "tiny"
    written, again = ({file.name for file in folder.iterdir()} for folder in folders)
    assert written == again


@pytest.mark.parametrize("command", ["report", "report --format html", "compare $RESULTS", "list", "data list"])
def test_every_command_that_prints_survives_a_reader_that_left(command: str, results: Path) -> None:
    """Nothing on stderr, and exit code 0."""
    done = shell(f"$W {command} {'' if 'list' in command else results} | true", RESULTS=str(results))
    assert (done.returncode, done.stderr) == (0, "")


def test_a_gate_keeps_its_exit_code_without_a_reader(write_records: Write, tiny: Config, tmp_path: Path) -> None:
    """`compare --fail-if-worse X | head` must not pass because nobody reads on."""
    better, worse = (write_records(tiny, lambda *_: value, tmp_path / name) for name, value in (("a", 0.9), ("b", 0.5)))  # noqa: B023
    assert shell(f"$W compare {better} {worse} --fail-if-worse 0.01 | true").returncode == 3


def test_a_mistake_keeps_its_exit_code_without_streams() -> None:
    """A usage error is 2 whether or not anybody can be told."""
    for streams in (">&-", "2>&-", ">&- 2>&-", "2>/dev/full"):
        assert shell(f"$W status /nowhere {streams}").returncode == 2


def test_characters_that_the_terminal_lacks_are_escaped(results: Path) -> None:
    """With an encoding that has no −, a report is printed with escapes, not with a traceback."""
    done = shell(f"$W report {results} | iconv -f latin1 -t utf8", PYTHONIOENCODING="latin-1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\u" in done.stdout


NAME = os.fsdecode(b"n\xff")
"""A folder's name that is no UTF-8, as an old disk or another system leaves it."""


@pytest.mark.parametrize(
    "arguments",
    [
        ("status",),
        ("status", "--json"),
        ("report", "--format", "html"),
        pytest.param(("report", "--format", "markdown", "--output", "OUTPUT"), marks=pytest.mark.slow),
        ("report", "--format", "json", "--output", "OUTPUT"),
        pytest.param(("plot", "--json"), marks=pytest.mark.slow),
    ],
    ids=" ".join,
)
def test_a_name_that_is_no_utf_8_is_a_name(
    arguments: tuple[str, ...], write_records: Write, tiny: Config, tmp_path: Path
) -> None:
    """Such a folder is read, printed byte for byte and written below; JSON escapes the byte and is UTF-8 itself."""
    folder = write_records(tiny, half, tmp_path / NAME)
    output = folder / f"{NAME}.out"
    command = [str(output) if argument == "OUTPUT" else argument for argument in arguments]
    done = subprocess.run([sys.executable, "-m", "wncompare", *command, str(folder)], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    if "--json" in command:
        found = json.loads(done.stdout.decode())
        names = found["plots"] if "plots" in found else [one["folder"] for one in found["experiments"]]
        assert all(name.startswith(str(folder)) for name in names)
    elif command[0] in ("plot", "status") or output.exists():
        assert os.fsencode(folder) in done.stdout
    if output.exists():
        output.read_text(encoding="utf-8")


def test_two_folders_that_are_no_utf_8_are_compared(write_records: Write, tiny: Config, tmp_path: Path) -> None:
    """`compare`, too, takes the names as they are."""
    folder = write_records(tiny, half, tmp_path / NAME)
    command = [sys.executable, "-m", "wncompare", "compare", folder, folder, "--json"]
    done = subprocess.run(command, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout.decode())["a"]["folder"] == str(folder)


@pytest.mark.parametrize("command", [*sorted(set(cli.commands) - {"data"}), "data list", "data verify mnist"])
def test_a_deleted_working_folder_is_named(command: str, tmp_path: Path) -> None:
    """Every command says what is wrong in one line, and blames nothing else."""
    given = {"compare": "a b", "export": "run --output a.keras", "list": ""}
    arguments = given.get(command, "" if command.startswith("data") else "x")
    done = shell(f"mkdir {tmp_path}/gone; cd {tmp_path}/gone; rmdir {tmp_path}/gone; $W {command} {arguments}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "wncompare: error: the working folder has been deleted: cd into one that is there, and run again\n"
    )


@pytest.mark.parametrize(
    ("output", "at_fault", "problem"),
    [
        ("file", "file", "a file is where a folder is expected"),
        ("file/below", "file", "a file is where a folder is expected"),
        ("file/far/below", "file", "a file is where a folder is expected"),
        ("x" * 300, "x" * 300, "give it a shorter name"),
        ("new/" + "x" * 300, "new/" + "x" * 300, "give it a shorter name"),
    ],
)
@pytest.mark.parametrize("command", ["plot", "report"])
def test_an_output_that_cannot_be_is_a_usage_error(
    command: str, output: str, at_fault: str, problem: str, results: Path, tmp_path: Path, capsys: Capture
) -> None:
    """Below a file, or with a name too long: exit code 2, the path at fault and the remedy, in one line."""
    (tmp_path / "file").touch()
    target = tmp_path / output / "report.txt" if command == "report" else tmp_path / output
    code, _, err = wncompare(command, results, "--output", target, capture=capsys)
    assert (code, err.count("\n")) == (2, 1)
    assert f"{tmp_path / at_fault}" in err
    assert problem in err


@pytest.mark.parametrize("number", ["EACCES", "EROFS", "EPERM"])
def test_the_folder_that_cannot_be_written_to_is_blamed(
    number: str, results: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not one below it, which is not there and could not be; root may write anywhere, so the refusal is played."""
    import errno

    locked = tmp_path / "locked"
    locked.mkdir()
    mkdir = os.mkdir

    def refuse(path: str | Path, mode: int = 0o777) -> None:
        if locked in Path(path).parents:
            raise OSError(getattr(errno, number), "Permission denied", str(path))
        mkdir(path, mode)

    monkeypatch.setattr("os.mkdir", refuse)
    code, _, err = wncompare("plot", results, "--output", locked / "a" / "b", capture=capsys)
    assert code == 2
    assert err.startswith(f"wncompare: error: {locked}: Permission denied: ")


def test_a_device_is_no_output(results: Path, capsys: Capture) -> None:
    """`report --output /dev/null` puts no file in the place of /dev/null, whoever runs it."""
    code, _, err = wncompare("report", results, "--output", "/dev/null", capture=capsys)
    assert (code, err) == (
        2,
        "wncompare: error: /dev/null: a device, not a plain file: name a plain file\n",
    )
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("name", ["plots/accuracy.png", "report.html", "summary.json"])
def test_a_pipe_in_the_place_of_a_file_is_replaced(name: str, results: Path, capsys: Capture) -> None:
    """A pipe that nobody writes to would make a reader or a writer wait for ever."""
    (results / "plots").mkdir()
    os.mkfifo(results / name)
    commands = {"plots/accuracy.png": ["plot"], "report.html": ["report", "--format", "html"]}
    command = commands.get(name, ["report", "--format", "json", "--output", str(results / name)])
    assert wncompare(*command, results, capture=capsys)[0] == 0
    assert (results / name).is_file()


@pytest.mark.parametrize("name", ["experiment.json", "regular/seed-0/run.json", "regular/seed-0/history.csv"])
def test_a_pipe_in_the_place_of_a_record_is_refused(name: str, results: Path, capsys: Capture) -> None:
    """Whatever reads records says at once that this is none."""
    (results / name).unlink()
    os.mkfifo(results / name)
    code, _, err = wncompare("report", results, capture=capsys)
    assert (code, err.count("\n")) == (2, 1)
    assert f"{results / name}: cannot be read (not a plain file)" in err
