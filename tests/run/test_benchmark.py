"""`wncompare bench`: what it measures and how it compares; the operations that the benchmarks count."""

import json
import math
import resource
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import common, flops, networks, tables, variants
from wncompare import cli
from wncompare import config as configs
from wncompare.catalog.variants import VARIANTS
from wncompare.errors import WncompareError
from wncompare.render.benchmark import table
from wncompare.run import benchmark
from wncompare.tasks import CostMeasured, Report, SpeedMeasured, SpeedTask, Task

SECONDS = st.floats(1e-6, 1e3)
SYSTEMS = ("wncompare", "tutorial")


@dataclass(frozen=True, kw_only=True)
class Doomed(Task):
    """A task that fails."""

    target: ClassVar[str] = f"{__name__}:fail"


def fail(task: Doomed, report: Report) -> CostMeasured:
    """What a worker does with it."""
    raise ValueError("too wide")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `wncompare bench --json` prints on a tiny comparison, read as strict JSON."""
    import yaml

    from tests.conftest import TINY

    file = tmp_path_factory.mktemp("bench") / "tiny.yaml"
    file.write_text(yaml.safe_dump(TINY), encoding="utf-8")
    command = [sys.executable, "-m", "wncompare", "bench", str(file), "--steps", "2", "--repeats", "3", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    def refuse(constant: str) -> None:
        raise AssertionError(f"not strict JSON: {constant}")

    found: dict[str, Any] = json.loads(done.stdout, parse_constant=refuse)
    return found


@pytest.mark.slow
def test_json_says_what_was_measured_and_on_what(measured: dict[str, Any]) -> None:
    """The document names experiment, settings and machine, and has a row a variant in the config's order."""
    assert {"schema_version", "experiment", "dataset", "model", "environment", "variants"} <= measured.keys()
    chosen = {key: measured[key] for key in ("schema_version", "batch_size", "steps", "threads", "device")}
    assert chosen == {"schema_version": 1, "batch_size": 16, "steps": 2, "threads": 1, "device": "cpu"}
    assert {"processor", "cores", "python", "keras"} <= measured["environment"].keys()
    assert [variant["id"] for variant in measured["variants"]] == ["regular", "weight_norm"]
    for variant in measured["variants"]:
        assert len(variant["repeats"]) == 3
        assert min(*variant["repeats"], variant["compile_seconds"], variant["peak_memory_bytes"]) > 0


@pytest.mark.slow
def test_ratios_are_those_of_the_medians(measured: dict[str, Any]) -> None:
    """Each ratio is a variant's median (or memory) over the first variant's, for which it is exactly 1."""
    first, second = measured["variants"]
    assert first["step_ratio"] == {"median": 1.0, "low": 1.0, "high": 1.0}
    assert first["memory_ratio"] == 1.0
    assert second["step_ratio"]["median"] == median(second["repeats"]) / median(first["repeats"])
    assert second["memory_ratio"] == second["peak_memory_bytes"] / first["peak_memory_bytes"]


@pytest.mark.slow
def test_parameters_are_counted(measured: dict[str, Any]) -> None:
    """LeNet on 16 × 16 × 1 with 3 classes, by hand: weight norm adds a g for each output of a layer."""
    kernels = 25 * 6 + 25 * 6 * 16 + 16 * 120 + 120 * 84 + 84 * 3
    outputs = 6 + 16 + 120 + 84 + 3
    assert [variant["parameters"] for variant in measured["variants"]] == [kernels + outputs, kernels + 2 * outputs]


@given(st.lists(st.tuples(SECONDS, SECONDS), min_size=1, max_size=20))
def test_a_ratio_of_medians_lies_between_the_paired_ratios(pairs: list[tuple[float, float]]) -> None:
    """Of an odd number of repeats, the medians' ratio is between the lowest and the highest ratio of two neighbours."""
    pairs = pairs[: len(pairs) - 1 + len(pairs) % 2]
    found = benchmark.ratio(*map(list, zip(*pairs, strict=True)))
    assert found.low * (1 - 1e-12) <= found.median <= found.high * (1 + 1e-12)


def test_variants_take_turns_in_alternating_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each repeat times every variant once, every other one backwards, and the first repeat does not count."""
    from tests.conftest import TINY
    from wncompare.nn.runs import benchmark as worker

    clock, order = count(1), []

    class Recorder:
        """A trainer whose time is its place in the order of calls."""

        def __init__(self, variant: str) -> None:
            self.variant = variant

        def compile(self) -> float:
            return 0.0

        def step_seconds(self, steps: int, *, seed: int) -> float:
            order.append(self.variant)
            return float(next(clock))

    monkeypatch.setattr(worker, "_trainer", lambda config, variant, dataset: Recorder(variant))
    monkeypatch.setattr(worker, "_dataset", lambda task: None)
    config = configs.from_data(TINY, "tiny")
    task = SpeedTask(name="speed", folder=tmp_path, config=config, device="cpu", steps=5, repeats=2)
    found = worker.speed(task, lambda event: None)
    assert order == ["weight_norm", "regular", "regular", "weight_norm", "weight_norm", "regular"]
    assert found == SpeedMeasured("speed", {"regular": [3.0, 6.0], "weight_norm": [4.0, 5.0]})


def test_peak_memory_is_this_process_s_own() -> None:
    """The peak grows by what is touched on top of it, and agrees with two other counts of the kernel's to 1 %."""
    from wncompare.nn.runs.benchmark import _peak_memory

    def resident() -> int:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize()

    if not Path("/proc/self/statm").exists():
        pytest.skip("needs Linux's /proc")
    missing = max(0, _peak_memory("cpu") - resident()) + 50_000_000
    touched = np.ones(missing, np.uint8)
    peak = _peak_memory("cpu")  # the kernel counts each thread's pages in batches: its counts differ a little
    assert touched.nbytes <= peak
    assert resident() <= 1.01 * peak
    assert peak <= 1.01 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def test_a_variant_that_fails_is_an_error_that_names_it(tmp_path: Path) -> None:
    """A worker's failure ends the benchmark with the task's name and the reason."""
    doomed = Doomed(name="weight_norm", folder=tmp_path)
    with pytest.raises(WncompareError, match=r"^weight_norm: ValueError: too wide$"):
        benchmark._perform(doomed, CostMeasured, environment={}, listen=lambda event: None)


def test_no_dataset_is_a_usage_error(
    tiny_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dataset that is not there ends the command with code 2 and one line, before any worker starts."""
    monkeypatch.setattr(benchmark, "_perform", lambda *_, **__: pytest.fail("a worker was started"))
    dataset = f"dataset={{name: npz, path: {tmp_path / 'absent.npz'}}}"
    assert cli._exit_code(["bench", str(tiny_file), "--set", dataset]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def spread_of(value: float) -> benchmark.Spread:
    """A spread around a value."""
    return benchmark.Spread(value, 0.5 * value, 2 * value)


def test_the_table_shows_medians_with_their_spread(capsys: pytest.CaptureFixture[str]) -> None:
    """A row a variant, in milliseconds and megabytes; labels are text, never markup; the caption names the machine."""
    from rich.console import Console

    row = benchmark.Measured(
        "a", "[red]A", 62_006, spread_of(0.002), spread_of(1.25), 5.44, 1_500_000_000, 1.5, (0.002,)
    )
    machine = {"processor": "A CPU", "cores": 2, "python": "3.12.1", "wncompare": "1.0"}
    found = benchmark.Benchmark("mine", "Data", "lenet", 32, 100, 1, "cpu", machine, (row,))
    Console(width=140).print(table(found))
    out = capsys.readouterr().out
    assert "[red]A" in out
    for cell in ("62,006", "2.00 (1.00–4.00)", "1.250 (0.625–2.500)", "5.4", "1,500", "1.500"):
        assert cell in out
    assert "median (lowest–highest) of 1 × 100 steps, turn by turn; batch size 32, 1 thread, cpu" in out
    assert "A CPU, 2 cores; wncompare 1.0, Python 3.12.1" in out


def test_useful_operations_are_lenet_s_by_hand() -> None:
    """Two operations a multiplication; three products a layer and step, two in the first, whose input needs none."""
    conv_1, conv_2 = 28 * 28 * 6 * 5 * 5 * 3, 10 * 10 * 16 * 5 * 5 * 6
    dense = 400 * 120 + 120 * 84 + 84 * 10
    assert flops.useful(32) == 2 * 32 * (2 * conv_1 + 3 * conv_2 + 3 * dense)


def test_executed_operations_are_those_of_the_traced_step() -> None:
    """TensorFlow's own count over the matrix products in the graph of a lowered forward and backward pass."""
    counted = operations(lowered=True, backward=True)
    assert counted.keys() == {"MatMul"}
    assert flops.executed(32) == counted["MatMul"]


def test_useful_forward_operations_are_those_of_keras() -> None:
    """TensorFlow's own count over the convolutions and products of the model's own forward pass."""
    products = (*(conv.useful for conv in flops.CONVOLUTIONS), *flops.DENSE)
    counted = operations(lowered=False, backward=False)
    assert counted.keys() == {"Conv2D", "MatMul"}
    assert 32 * sum(product.forward for product in products) == counted.total()


def operations(*, lowered: bool, backward: bool) -> Counter[str]:
    """Operations by kind of op in LeNet's graph at batch 32, by TensorFlow's registered statistics."""
    import tensorflow as tf
    from tensorflow.python.framework import ops

    from wncompare.catalog.registry import Options
    from wncompare.data.form import image_form
    from wncompare.nn.models import lenet
    from wncompare.nn.training.lowering import forward

    model = lenet(Options(), form=image_form((32, 32, 3), 10))
    predict = forward(model, lowered=lowered)

    @tf.function(autograph=False)
    def step(images: Any) -> Any:
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(predict(images, training=True) ** 2)
        return tape.gradient(total, [v.value for v in model.trainable_variables]) if backward else total

    graph = step.get_concrete_function(tf.TensorSpec((32, 32, 32, 3), tf.uint8)).graph
    counted: Counter[str] = Counter()
    for op in graph.get_operations():
        if "MatMul" in op.type or "Conv" in op.type:
            counted[op.type] += int(ops.get_stats_for_node_def(graph, op.node_def, "flops").value)
    return counted


def test_results_survive_a_system_that_fails(tmp_path: Path) -> None:
    """A process that fails is noted with its last line; what was measured before and after it is in the file."""
    results = common.Results("mine", {"rounds": 1}, tmp_path)
    program = "import sys; print('first'); sys.exit('no such device')"
    fine = [sys.executable, "-c", "print('ready'); print('{\"seconds\": 2.5}')"]
    results.measure({"system": "a"}, lambda: common.printed(fine, one_core=False))
    results.measure({"system": "b"}, lambda: common.printed([sys.executable, "-c", program], one_core=True))
    found = json.loads((tmp_path / "mine.json").read_text(encoding="utf-8"))
    assert [(row["system"], row["seconds"]) for row in found["measurements"]] == [("a", 2.5)]
    assert found["failures"] == [{"system": "b", "error": "no such device"}]


def whole_job(*seconds: tuple[float, float]) -> dict[str, Any]:
    """A result of the whole job: seconds of wncompare and of the tutorial, by repeat."""
    rows: Iterator[tuple[str, float]] = (pair for both in seconds for pair in zip(SYSTEMS, both, strict=True))
    return {
        "environment": {"processor": "A CPU", "cores": 2},
        "started": "2026-01-01T00:00:00+00:00",
        "settings": {"epochs": 10},
        "measurements": [{"system": system, "runs": 2, "seconds": value, "load": 0.5} for system, value in rows],
        "failures": [],
    }


def test_the_whole_job_s_ratio_is_that_of_the_medians() -> None:
    """50, 60 and 40 seconds against 500, 480 and 450: medians 50 and 480, ratio 9.6, single repeats 8.0 to 11.2."""
    text = tables.whole_job(whole_job((50, 500), (60, 480), (40, 450)))
    assert "| wncompare | 2 | 50 (40–60) | 25.0 (20.0–30.0) | 9.6 (8.0–11.2) times as long |" in text


def test_a_job_of_more_seeds_is_compared_run_by_run() -> None:
    """20 runs in 200 s are 10 s each; the tutorial's 2 in 80 s are 40 s each, 4 times as long."""
    measured = whole_job((20, 80))
    measured["measurements"].append({"system": "all seeds", "runs": 20, "seconds": 200, "load": 0.5})
    assert "| all seeds | 20 | 200 | 10.0 | 4.0 times as long |" in tables.whole_job(measured)


def test_a_profile_adds_up_to_the_step() -> None:
    """Each part's time is what it adds to the programs before it, the last what the whole step has on top."""
    parts = {"gather": 0.001, "conv_1 forward": 0.003, "step": 0.004}
    seconds = {f"{arm}: {part}": spread_of(value) for arm in tables.ARMS for part, value in parts.items()}
    assert tables.profile(seconds).splitlines()[2:] == [
        "| gather | 1.00 (25%) | 1.00 (25%) |",
        "| conv_1 forward | 2.00 (50%) | 2.00 (50%) |",
        "| optimizer and metrics | 1.00 (25%) | 1.00 (25%) |",
        "| whole step | 4.00 | 4.00 |",
    ]


def test_kernels_are_listed_by_what_they_take_and_none_is_lost() -> None:
    """Of 16 kinds the 14 longest have a row each, the others one together; medians over rounds, by arm."""
    kinds = {f"kind_{place}": {"seconds": (16 - place) * 1e-6, "kernels": 2} for place in range(16)}
    other = {**kinds, "kind_0": {"seconds": 20e-6, "kernels": 2}}
    lines = tables.kernels([dict.fromkeys(tables.ARMS, rows) for rows in (kinds, kinds, other)]).splitlines()
    assert lines[2] == "| kind_0 | 16 (2) | 16 (2) |"
    assert lines[-1] == "| all others | 3 (4) | 3 (4) |"
    assert len(lines) == 2 + 14 + 1


@pytest.mark.slow
def test_networks_are_measured_in_wncompare_and_in_fit() -> None:
    """A step of a VAE takes some time in both, on this backend."""
    for system in ("wncompare", "Keras 3 fit, TensorFlow"):
        found = networks.measured("VAE, dense, 28 × 28", system, steps=2, epochs=1)
        assert found["processor_ms"] > 0
        assert found["step_ms"] > 0


def test_a_table_of_networks_compares_with_wncompare() -> None:
    """Medians over the rounds, as multiples of wncompare's; what was not measured is a dash."""
    times = [("a", "wncompare", 2.0), ("a", "wncompare", 4.0), ("a", "fit", 6.0), ("b", "fit", 5.0)]
    rows = [{"network": name, "system": system, "processor_ms": ms, "load": 1.0} for name, system, ms in times]
    result = {
        "measurements": rows,
        "failures": [],
        "started": "2026-01-01",
        "environment": {"processor": "p", "cores": 2},
        "settings": {"batch": 32, "epochs": 3},
    }
    text = tables.networks(result)
    assert "| a | 3.0 | 6.0 (2.0 times) |" in text
    assert "| b | – | 5.0 |" in text


def test_the_variants_that_are_measured_are_those_of_the_catalog_in_every_system() -> None:
    """All but a function of one's own; PyTorch's networks have as many parameters as Keras's."""
    torch_variants = pytest.importorskip("benchmarks.systems.torch_variants", exc_type=ImportError)
    assert sorted(variants.VARIANTS) == sorted(name for name in VARIANTS if name != "function")
    for name, (model, _) in variants.models(*variants.arrays(variants.BATCH)).items():
        keras_parameters = sum(math.prod(each.shape) for each in model.trainable_variables)
        torch_parameters = sum(each.numel() for each in torch_variants.MODELS[name]().parameters())
        assert torch_parameters == keras_parameters, name


def test_a_table_of_variants_compares_with_wncompare() -> None:
    """Medians over the rounds, a column a system."""
    times = [("wncompare", 2.0), ("wncompare", 4.0), ("fit", 6.0)]
    result = {
        "measurements": [
            {"system": system, "variants": {"batch_norm": {"processor_ms": ms}}, "load": 1.0} for system, ms in times
        ],
        "failures": [],
        "started": "2026-01-01",
        "environment": {"processor": "p", "cores": 2},
        "settings": {"batch": 32, "epochs": 3},
    }
    assert "| batch_norm | 3.0 | 6.0 (2.0 times) |" in tables.variants(result)
