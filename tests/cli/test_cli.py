"""The command line: commands, exit codes, what goes to which stream, and what is never imported."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from matplotlib.figure import Figure

from wncompare import __version__, cli
from wncompare.cli import cli as group
from wncompare.config import Config
from wncompare.render import figures as plots
from wncompare.run import audit
from wncompare.tasks import Audited

Write = Callable[..., Path]
Capture = pytest.CaptureFixture[str]


def wncompare(*arguments: object, capture: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of the command line, run in this process."""
    capture.readouterr()
    code = cli._exit_code([str(argument) for argument in arguments])
    return code, *capture.readouterr()


AUDITED: dict[str, Audited] = {}


@pytest.fixture(autouse=True)
def _audited_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The networks of a config are tried in one test alone, for the worker that does it imports TensorFlow."""
    real = audit.audit

    def once(config: Config, *place: Any, **places: Any) -> Audited:
        key = repr(config)
        if key not in AUDITED:
            AUDITED[key] = real(config, *place, **places)
        return AUDITED[key]

    monkeypatch.setattr(audit, "audit", once)


def half(variant: str, seed: int, epoch: int) -> float:
    """Accuracies near a half."""
    return 0.5 + 0.01 * seed + 0.02 * epoch + 0.03 * (variant == "weight_norm")


def every_command(commands: click.Group = group, above: str = "wncompare") -> Iterator[tuple[str, click.Command]]:
    """Each command with what a person types for it, those of a group too."""
    for name, command in commands.commands.items():
        yield f"{above} {name}", command
        if isinstance(command, click.Group):
            yield from every_command(command, f"{above} {name}")


@pytest.mark.parametrize(("typed", "command"), list(every_command()))
def test_every_command_is_documented_and_has_help(typed: str, command: click.Command) -> None:
    """Each command says what it does and each of its options what it is for; the README or a page of docs/ shows it."""
    root = Path(__file__).parents[2]
    pages = "".join(page.read_text(encoding="utf-8") for page in (root / "README.md", *(root / "docs").glob("*.md")))
    assert command.help
    assert typed.rpartition(" ")[0] == "wncompare data" or typed in pages
    for option in command.params:
        assert isinstance(option, click.Argument) or option.help, option.name  # type: ignore[attr-defined]
    assert CliRunner().invoke(group, [*typed.split()[1:], "--help"]).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "forbidden"),
    [
        (["--help"], ("keras", "tensorflow", "matplotlib", "pydantic", "numpy")),
        (["list"], ("keras", "tensorflow", "matplotlib")),
        (["check", "CONFIG"], ("keras", "tensorflow")),
        (["plot", "RESULTS"], ("keras", "tensorflow")),
        (["data", "list"], ("keras", "tensorflow", "matplotlib")),
    ],
)
def test_what_does_not_train_imports_no_tensorflow(
    arguments: list[str], forbidden: tuple[str, ...], tiny_file: Path, write_records: Write, tiny: Config
) -> None:
    """Commands that train nothing load neither Keras nor TensorFlow, and help loads next to nothing."""
    results = write_records(tiny, half)
    names = {"CONFIG": str(tiny_file), "RESULTS": str(results)}
    program = (
        "import sys; from wncompare.cli import _exit_code; code = _exit_code(sys.argv[1:]);"
        "print(code, *sorted(name for name in sys.modules if '.' not in name), file=sys.stderr)"
    )
    command = [sys.executable, "-c", program, *(names.get(argument, argument) for argument in arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    code, *modules = done.stderr.splitlines()[-1].split()
    assert code == "0"
    assert not set(modules) & set(forbidden)


def test_workers_start_before_what_the_end_needs_is_imported(tmp_path: Path) -> None:
    """Seconds of imports are not before the first worker, with colours in the config and a list of seeds."""
    config = Path(__file__).parents[2] / "configs" / "cifar10.yaml"
    program = (
        "import sys; from wncompare.run.engines import process;"
        "process._start = lambda *given: sys.exit(' '.join(name for name in sys.modules if '.' not in name));"
        "from wncompare.cli import main; main()"
    )
    command = [sys.executable, "-c", program, "run", str(config), "--output", str(tmp_path), "--device", "cpu"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    modules = set(done.stderr.splitlines()[-1].split())
    assert "wncompare" in modules
    assert not modules & {"scipy", "matplotlib", "pandas", "requests", "tensorflow", "keras"}


def test_a_mistake_exits_with_2_and_one_line(tiny_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A refused config gives exit code 2, nothing on stdout and one line on stderr."""
    code, out, err = wncompare("check", tiny_file, "--set", "training.epochs=0", capture=capsys)
    assert (code, out) == (2, "")
    assert err == "wncompare: error: --set training.epochs=0: training.epochs: 0: expected greater than 0\n"


def test_an_unexpected_error_exits_with_1_and_one_line(
    tiny_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug shows as one line that names --debug; with --debug it shows its traceback."""

    def broken(*arguments: object) -> None:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr("wncompare.config.load", broken)
    code, _, err = wncompare("check", tiny_file, capture=capsys)
    assert (code, err) == (1, "wncompare: error: RuntimeError: two lines (wncompare --debug shows where)\n")
    with pytest.raises(RuntimeError):
        wncompare("--debug", "check", tiny_file, capture=capsys)


def test_an_unknown_command_or_option_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    """Usage errors are exit code 2."""
    assert wncompare("trian", capture=capsys)[0] == 2
    assert wncompare("run", "--nonsense", capture=capsys)[0] == 2


def test_check_prints_config_plan_and_estimate(tiny_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`check` shows what would run, and how long it may take."""
    code, out, _ = wncompare("check", tiny_file, "--workers", "1", capture=capsys)
    assert code == 0
    assert "name: tiny" in out
    assert "plan: 2 variants × 2 seeds = 4 runs of 2 epochs of 3 steps" in out
    assert "estimate: about 0:00:" in out


def test_check_opens_the_data(tiny_file: Path, tmp_path: Path, capsys: Capture) -> None:
    """It says what the data are, and refuses what a run would refuse, in one line, before anything is started."""
    _, out, _ = wncompare("check", tiny_file, capture=capsys)
    assert "data: synthetic: 48 training and 24 test images, 16 × 16 × 1, 3 classes" in out
    absent = f"dataset={{name: npz, path: {tmp_path / 'absent.npz'}}}"
    code, out, err = wncompare("check", tiny_file, "--set", absent, capture=capsys)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "absent.npz" in err
    held = ("dataset.train=3", "validation={holdout: 0.1}")
    code, _, err = wncompare("check", tiny_file, "--set", held[0], "--set", held[1], capture=capsys)
    assert (code, err.count("\n")) == (2, 1)


def test_check_downloads_nothing(
    tiny_file: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Published data that are not there yet are no mistake: it says that a run downloads them."""
    monkeypatch.setattr("wncompare.data.files.store.folders", lambda data_dir: [])
    monkeypatch.setattr("requests.Session.request", lambda *_, **__: pytest.fail("something was downloaded"))
    code, out, _ = wncompare("check", tiny_file, "--set", "dataset={name: mnist}", capture=capsys)
    assert code == 0
    assert "data: mnist is not on this machine: run downloads it, as does wncompare data fetch mnist" in out
    data = json.loads(wncompare("check", tiny_file, "--set", "dataset={name: mnist}", "--json", capture=capsys)[1])
    assert data["dataset"] is None


def test_check_finds_a_model_file_that_is_not_there(tiny_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line names the file."""
    code, _, err = wncompare("check", tiny_file, "--set", "model={file: absent.keras}", capture=capsys)
    assert (code, err.count("\n")) == (2, 1)
    assert "absent.keras: cannot be read" in err


def test_check_as_json_is_json_alone(tiny_file: Path, tiny: Config, capsys: pytest.CaptureFixture[str]) -> None:
    """With --json stdout is one JSON document with a schema version and the resolved config."""
    _, out, _ = wncompare("check", tiny_file, "--json", capture=capsys)
    data = json.loads(out)
    assert data["schema_version"] == 1
    assert data["config"] == tiny.dump()
    assert data["plan"]["runs"] == 4
    found = {"label": "synthetic", "train": 48, "test": 24, "shape": [16, 16, 1], "classes": 3, "caveats": []}
    found["inputs"] = {"input": {"kind": "image", "shape": [16, 16, 1]}}
    found["targets"] = {"kind": "classes", "shape": []}
    assert data["dataset"] == found
    kernels = {variant: layers["kernels"] for variant, layers in data["layers"].items()}
    assert list(kernels) == ["regular", "weight_norm"]
    assert {row["by"] for row in kernels["regular"]} == {None}
    normalized = {row["layer"]: row["gain"] for row in kernels["weight_norm"] if row["by"] == "WeightNormalization"}
    assert normalized == {"conv_1": [6], "conv_2": [16], "dense_1": [120], "dense_2": [84], "classes": [3]}


def test_check_builds_every_variant_once(tiny_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It shows what of each is normalized, and refuses in one line a model that does not fit its data."""
    _, out, _ = wncompare("check", tiny_file, capture=capsys)
    assert "regular: lenet: 0 of 5 kernels are normalized\n" in out
    assert "weight_norm: lenet: 5 of 5 kernels are normalized\n" in out
    small = "dataset={name: synthetic, shape: [8, 8, 1], classes: 3, train: 48, test: 24}"
    code, out, err = wncompare("check", tiny_file, "--set", small, capture=capsys)
    expected = "variant regular: model lenet: images of 8 × 8: expected at least 16 × 16; use the model mlp"
    assert (code, out, err) == (2, "", f"wncompare: error: {expected}\n")


def test_list_names_everything_with_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    """`list` shows datasets, models, variants and how to train them, and JSON has the same names."""
    _, text, _ = wncompare("list", capture=capsys)
    data = json.loads(wncompare("list", "--json", capture=capsys)[1])
    sections = ("datasets", "models", "variants", "optimizers", "schedules", "losses", "metrics")
    assert set(data) == {"schema_version", *sections}
    for section in sections:
        for name, entry in data[section].items():
            assert name in text
            for option in entry["options"]:
                assert option in text


def test_plot_writes_into_each_experiment(
    write_records: Write, tiny: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    """`plot DIR` draws every experiment below it into its own plots/ and prints the files."""
    results = write_records(tiny, half).parent
    write_records(tiny, half, results / "other")
    code, out, _ = wncompare("plot", results, "--format", "svg", capture=capsys)
    files = [Path(line) for line in out.splitlines()]
    assert code == 0
    assert {file.parent for file in files} == {results / "tiny" / "plots", results / "other" / "plots"}
    assert {"accuracy.svg", "differences.svg", "overview.svg"} < {file.name for file in files}
    assert all(file.exists() for file in files)


def test_plot_output_mirrors_the_experiments(
    write_records: Write,
    tiny: Config,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`plot --output DIR` mirrors PATH below DIR, like names apart, and writes nothing into the results."""
    monkeypatch.setattr(plots, "planned", lambda found: {"one": Figure})  # where figures go, not which
    results, figures = tmp_path / "results", tmp_path / "figures"
    for machine in ("one", "two"):
        write_records(tiny, half, results / machine / "tiny")
    data = json.loads(wncompare("plot", results, "--output", figures, "--json", capture=capsys)[1])
    assert {Path(file).parent for file in data["plots"]} == {figures / "one" / "tiny", figures / "two" / "tiny"}
    alone = wncompare("plot", results / "one" / "tiny", "--output", tmp_path / "alone", capture=capsys)[1].split()
    assert {Path(file).parent for file in alone} == {tmp_path / "alone" / "tiny"}
    assert not (results / "one" / "tiny" / "plots").exists()


def test_plot_of_nothing_exits_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder without records is a usage error that says what was looked for."""
    code, _, err = wncompare("plot", tmp_path, capture=capsys)
    assert (code, err) == (
        2,
        f"wncompare: error: {tmp_path}: no experiment.json here or below: "
        "name a results folder that wncompare run wrote\n",
    )


def test_leaving_looks_for_no_garbage() -> None:
    """When a command ends Python does not look through all that there is for garbage: a cycle stays as it is."""
    program = """if True:
        from wncompare.cli import main
        class Cycle:
            def __init__(self):
                self.again = self
            def __del__(self):
                print("collected")
        kept = Cycle()
        main()
    """
    done = subprocess.run([sys.executable, "-c", program, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"wncompare, version {__version__}\n"


def test_the_package_runs_as_a_module() -> None:
    """`python -m wncompare` is the same command."""
    done = subprocess.run([sys.executable, "-m", "wncompare", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"wncompare, version {__version__}\n"
