"""The Ray engine against real clusters on this machine: the local engine's results, whatever becomes of the nodes."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from tests.cli.test_run import histories
from tests.conftest import TINY
from wncompare import config as configs
from wncompare import records
from wncompare.config import Config
from wncompare.errors import EngineError
from wncompare.records import Experiment
from wncompare.run import execute as experiment
from wncompare.run.engines import RayEngine
from wncompare.run.engines import ray as engine
from wncompare.run.engines.ray import driver, node
from wncompare.run.engines.ray.place import Place
from wncompare.tasks import Ended, EpochDone, Event, Failed, Notice, Retry, Started, encode_task

from .ray_work import RayWork
from .test_local_engine import is_alive, last, needs_proc, noted, wait_for_death

pytest.importorskip("ray", reason="needs Ray: pip install ray")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]

ROOT = Path(__file__).parents[2]
PATIENCE = 120
EPOCHS = 50


def execute(
    folder: Path, *settings: dict[str, Any], address: str | None = None, cpus: int = 1
) -> Generator[Event, None, None]:
    """The events of `RayWork`, named by its place."""
    folder.mkdir(exist_ok=True)
    tasks = [
        RayWork(name=str(number), folder=folder / str(number), **setting) for number, setting in enumerate(settings)
    ]
    environment = {"PYTHONPATH": str(ROOT)}
    return engine.execute(tasks, folder=folder, workers=2, environment=environment, address=address, cpus=cpus)


class Nodes:
    """A cluster on this machine: a head that runs nothing, and nodes of one CPU, each in processes of its own."""

    def __init__(self) -> None:
        os.environ["PYTHONPATH"] = str(ROOT)  # where Ray's processes find the tests' own tasks
        os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112 (else whatever the machine does besides starves the nodes)
        from ray.cluster_utils import Cluster

        self.cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
        self.address: str = self.cluster.address

    def start(self) -> Any:
        """One more node."""
        return self.cluster.add_node(num_cpus=1)

    def wait(self, *, cpus: int) -> None:
        """Wait for the cluster to have that many CPUs."""
        import ray

        ray.init(address=self.address, logging_level="ERROR", log_to_driver=False)
        deadline = time.monotonic() + PATIENCE
        while ray.cluster_resources().get("CPU", 0) < cpus:
            assert time.monotonic() < deadline, "the node did not come up"
            time.sleep(0.1)
        ray.shutdown()

    def kill(self, node: Any) -> None:
        """The node's processes get SIGKILL, as if its power had gone."""
        self.cluster.remove_node(node, allow_graceful=False)


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    """A cluster of a head and one node."""
    nodes = Nodes()
    nodes.start()
    yield nodes
    nodes.cluster.shutdown()


@pytest.fixture(scope="module")
def config() -> Config:
    """A small network and enough epochs to be interrupted in."""
    training = {**TINY["training"], "epochs": EPOCHS}
    return configs.from_data({**TINY, "model": {"name": "mlp"}, "training": training}, "tiny")


@pytest.fixture(scope="module")
def local(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    """The experiment as the local engine runs it."""
    folder = tmp_path_factory.mktemp("local") / "tiny"
    experiment.execute(config, folder)
    return records.read(folder)


def final_weights(found: Experiment) -> dict[str, list[Any]]:
    """All that a run's resume point holds after its last epoch."""
    return {run.name: _arrays(run.folder / records.CHECKPOINT_FILE) for run in found.runs}


def _arrays(file: Path) -> list[Any]:
    with np.load(file) as saved:
        return [saved[name].tolist() for name in sorted(saved.files)]


def assert_same(found: Experiment, expected: Experiment) -> None:
    """Both experiments are finished and equal to the last bit, but for their seconds."""
    assert {run.record.status for run in found.runs} == {"finished"}
    assert histories(found) == histories(expected)
    assert final_weights(found) == final_weights(expected)


class Killer:
    """A listener that keeps the events and kills a node once, when a run is under way there."""

    def __init__(self, folder: Path, node: int, kill: Callable[[], None]) -> None:
        self.folder = folder
        self.node = node
        self.kill = kill
        self.events: list[Event] = []
        self.killed = ""

    def hear(self, event: Event) -> None:
        """Note the event, and kill if it is time."""
        self.events.append(event)
        if not self.killed and isinstance(event, EpochDone) and 3 <= event.epoch <= EPOCHS // 2:
            log = (self.folder / event.task / records.LOG_FILE).read_text()
            if self.node in ancestors(int(re.findall(r"in process (\d+)", log)[-1])):
                self.killed = event.task
                self.kill()

    def resumed(self) -> tuple[str, int]:
        """The run that was lost, and how many epochs it had when it started again."""
        ((lost, run),) = [(number, event.task) for number, event in enumerate(self.events) if isinstance(event, Retry)]
        return run, next(e.epochs for e in self.events[lost:] if isinstance(e, Started) and e.task == run)


def ancestors(pid: int) -> Iterator[int]:
    """The process's parent, that one's, and so on."""
    with suppress(FileNotFoundError):
        while pid:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
            yield pid


@needs_proc
def test_a_node_killed_under_way_changes_no_bit(
    nodes: Nodes, config: Config, local: Experiment, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Two nodes, one killed mid-run: its run goes on from an epoch it had, all histories are the local engine's, and
    nothing of what Ray has to say gets among the output."""
    second = nodes.start()
    raylet = second.all_processes["raylet"][0].process.pid
    folder = tmp_path / "tiny"
    killer = Killer(folder, raylet, lambda: nodes.kill(second))
    capfd.readouterr()
    experiment.execute(config, folder, engine=RayEngine(nodes.address), listen=killer.hear)
    assert "".join(capfd.readouterr()) == ""
    run, epochs = killer.resumed()
    assert run == killer.killed
    assert epochs >= 3
    assert_same(records.read(folder), local)
    assert not list(tmp_path.rglob(".shared*"))


@pytest.fixture
def apart(nodes: Nodes, tmp_path: Path) -> Iterator[int]:
    """One more node, which sees an empty folder where the driver has the results: the process that holds it."""
    hidden = tmp_path / "tiny"
    hidden.mkdir()
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs unshare, which may not make mount namespaces here")
    node = f"mount -t tmpfs none {hidden} && exec ray start --address={nodes.address} --num-cpus=1 --block"
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    process = subprocess.Popen(
        ["unshare", "-rm", "sh", "-c", node],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PATH": path},
    )
    nodes.wait(cpus=2)
    yield process.pid
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.usefixtures("apart")
def test_results_come_back_from_a_node_that_does_not_see_the_folder(nodes: Nodes, tmp_path: Path) -> None:
    """Of two tasks at once one runs apart, in a folder of its own; both leave a run's files here, and those alone."""
    folder = tmp_path / "tiny"
    writes = {"writes": ("history.csv", "other.txt", "run.json"), "sleeps": 3}
    events = list(execute(folder, writes, writes, address=nodes.address))
    assert [event.status for event in events if isinstance(event, Ended)] == ["finished", "finished"]
    there = {event.task: event.message.split()[2] for event in events if isinstance(event, Notice)}
    (distant,) = [task for task, place in there.items() if place != str(folder / task)]
    assert {file.name for file in (folder / distant).iterdir()} == {"history.csv", "log.txt", "run.json"}
    assert (folder / distant / "history.csv").read_text() == "written"
    assert distant in (folder / distant / "log.txt").read_text()


@needs_proc
def test_a_run_goes_on_from_what_a_lost_node_had_sent(
    nodes: Nodes, apart: int, config: Config, local: Experiment, tmp_path: Path
) -> None:
    """The node without the results folder is killed mid-run: another goes on from the epochs that the driver got."""
    folder = tmp_path / "tiny"
    killer = Killer(folder, apart, lambda: os.killpg(apart, signal.SIGKILL))
    experiment.execute(config, folder, engine=RayEngine(nodes.address), listen=killer.hear)
    run, epochs = killer.resumed()
    assert run == killer.killed
    assert epochs >= 3
    assert_same(records.read(folder), local)


def test_a_node_goes_on_from_the_driver_s_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that does not see the driver's folder gets the files of a run begun elsewhere, and sends them all back."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(node, "_WORKERS", {})
    task = RayWork(name="0", folder=tmp_path / "0", writes=("run.json",))
    place = Place(tmp_path, {"PYTHONPATH": str(ROOT)}, tmp_path / "no token")
    *_, (event, files) = node.perform(encode_task(task), {"history.csv": b"begun"}, place)
    assert event == Ended("0", "finished")
    assert files is not None
    assert (files["history.csv"], files["run.json"]) == (b"begun", b"written")
    assert not (tmp_path / "0").exists()
    for worker in node._WORKERS.values():
        worker.kill()
        worker.bury()


def test_the_folders_of_the_first_run_need_not_be_there(nodes: Nodes, tmp_path: Path) -> None:
    """A single task, below whose results folder nothing is yet, is done, on the disk that the node shares."""
    place = tmp_path / "regular" / "seed-0"
    task = RayWork(name="0", folder=place)
    environment = {"PYTHONPATH": str(ROOT)}
    events = engine.execute([task], folder=tmp_path, workers=1, environment=environment, address=nodes.address)
    said, ended = events
    assert isinstance(said, Notice)
    assert said.message.split()[2] == str(place)
    assert ended == Ended("0", "finished")
    assert [file.name for file in tmp_path.iterdir()] == ["regular"]


def test_a_task_that_raises_fails_alone(nodes: Nodes, tmp_path: Path) -> None:
    """An exception fails its task with one line, and the next is done in the same process: TensorFlow starts once."""
    events = list(execute(tmp_path, {"fails": True}, {}, {}, address=nodes.address))
    assert last(events) == {"0": Failed("0", "two lines"), **{task: Ended(task, "finished") for task in "12"}}
    assert (tmp_path / "0" / "log.txt").read_text().endswith("two\nlines\n")
    assert len({said.split()[0] for said in noted(events)}) == 1


@pytest.mark.parametrize("victim", [0, 1], ids=["worker", "parent"])
def test_a_process_that_is_killed_costs_its_task_a_retry(nodes: Nodes, tmp_path: Path, victim: int) -> None:
    """SIGKILL of the worker or of Ray's process around it: the task runs again, and is done."""
    events: list[Event] = []
    for event in execute(tmp_path, {"sleeps": 2}, address=nodes.address):
        if isinstance(event, Notice) and not events:
            os.kill(int(event.message.split()[victim]), signal.SIGKILL)
        events.append(event)
    assert list(map(type, events)) == [Notice, Retry, Notice, Ended]
    wait_for_death(int(noted(events)[0].split()[0]))


def test_a_task_that_kills_its_worker_again_and_again_fails(nodes: Nodes, tmp_path: Path) -> None:
    """The third death of a task is its last, and says why."""
    *events, end = execute(tmp_path, {"dies": True}, address=nodes.address)
    assert list(map(type, events)) == [Notice, Retry, Notice, Retry, Notice]
    assert isinstance(end, Failed)
    assert "SIGKILL" in end.error


def test_closing_the_events_ends_the_tasks_and_leaves_the_cluster(nodes: Nodes, tmp_path: Path) -> None:
    """When the caller stops listening, the worker ends, what waits is dropped, and the cluster takes new tasks."""
    events = execute(tmp_path, {"sleeps": 600}, {"sleeps": 600}, address=nodes.address)
    pid = int(noted([next(events)])[0].split()[0])
    assert is_alive(pid)
    events.close()
    wait_for_death(pid)
    assert last(list(execute(tmp_path, {}, address=nodes.address)))["0"] == Ended("0", "finished")


def test_a_cluster_that_is_too_small_says_so(nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that no node can hold is not waited for in silence."""
    monkeypatch.setattr(driver, "PATIENCE_SECONDS", 0.5)
    events = execute(tmp_path, {}, address=nodes.address, cpus=64)
    event = next(events)
    events.close()
    assert event == Notice("", "no node of the Ray cluster has 64 CPU, the most is 1 CPU: waiting for a larger one")


def test_nothing_in_the_working_folder_is_imported(
    nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module in the driver's working folder that bears a library's name, left there by someone else, is not run."""
    marker = tmp_path / "executed"
    for name in ("json", "yaml", "wncompare", "keras"):
        (tmp_path / f"{name}.py").write_text(f"open({str(marker)!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    assert last(list(execute(tmp_path / "out", {}, address=nodes.address)))["0"] == Ended("0", "finished")
    assert not marker.exists()


def trainers(marker: str) -> set[int]:
    """The living worker processes that have inherited the marker."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command, environment = ((folder / name).read_bytes() for name in ("cmdline", "environ"))
        except OSError:  # gone, or another user's
            continue
        if b"wncompare.run.engines.worker" in command and marker.encode() in environment:
            found.add(int(folder.name))
    return found


def wait_for_none(marker: str) -> None:
    """Wait for all workers that have the marker to end."""
    deadline = time.monotonic() + PATIENCE
    while left := trainers(marker):
        assert time.monotonic() < deadline, f"processes {left} live on"
        time.sleep(0.1)


@needs_proc
def test_a_ray_of_its_own_ends_with_the_driver_whatever_ends_that(
    config: Config, local: Experiment, tmp_path: Path
) -> None:
    """`wncompare run --engine ray`, killed, interrupted, left alone: no worker trains on, no bit differs."""
    file = tmp_path / "tiny.yaml"
    file.write_text(yaml.safe_dump(config.dump()))
    folder = tmp_path / "tiny"
    for end, code in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130), (None, 0)):
        marker = f"{tmp_path}-{code}"
        driver = subprocess.Popen(
            [sys.executable, "-m", "wncompare", "run", str(file), "--output", str(folder), "--engine", "ray"],
            env={**os.environ, "MARKER": marker},
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        assert driver.stderr is not None
        said = []
        for line in driver.stderr:
            said.append(line)
            if end and ": epoch " in line:
                assert trainers(marker)
                os.kill(driver.pid, end)
                break
        driver.communicate()
        assert driver.returncode == code, said
        wait_for_none(marker)
    assert_same(records.read(folder), local)


def test_without_ray_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray is optional: one line names the command."""
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(EngineError, match=r"not installed: pip install ray$"):
        next(execute(tmp_path, {}))


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "nonsense"])
def test_an_address_without_a_cluster_is_one_line(tmp_path: Path, address: str) -> None:
    """A wrong address is refused at once, with a remedy, and leaves nothing behind."""
    with pytest.raises(EngineError, match=rf"{address}.*--address") as refusal:
        next(execute(tmp_path, {}, address=address))
    assert "\n" not in str(refusal.value)
    assert not list(tmp_path.iterdir())
