"""The results as Markdown: reads results/*.json, writes results/README.md. Medians, in brackets lowest and highest.

python -m benchmarks.tables [--results DIR]
"""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.common import STEPS_AN_EPOCH, parser
from wncompare.run.benchmark import Spread, ratio, spread
from wncompare.storage.files import write_bytes

Rows = list[dict[str, Any]]
ARMS = ("regular", "weight_norm")


def main() -> None:
    """Write one section for each benchmark that measured anything."""
    folder: Path = parser(__doc__).parse_args().results
    files = {name: folder / f"{name}.json" for name in SECTIONS}
    results = {name: json.loads(file.read_text(encoding="utf-8")) for name, file in files.items() if file.exists()}
    sections = [SECTIONS[name](result) for name, result in results.items() if result["measurements"]]
    text = "\n\n".join(["# Results", "Written by `make bench`; [how to read them](../README.md).", *sections]) + "\n"
    write_bytes(folder / "README.md", text.encode())
    print(text, end="")


def step_time(result: dict[str, Any]) -> str:
    """A table for each setting of cores: milliseconds a step by arm, weight norm's ratio, seconds an epoch."""
    steps = result["settings"]["steps"]
    parts = ["## Step time and epoch time", machine(result), f"One round times {steps} steps and a whole evaluation."]
    header = ("system", "regular, ms a step", "weight norm, ms a step", "ratio", "epoch, s", "epoch, wncompare = 1")
    for cores in dict.fromkeys(row["cores"] for row in result["measurements"]):
        by_system = grouped((row for row in result["measurements"] if row["cores"] == cores), "system")
        ours = [epoch(row, steps) for row in by_system.get("wncompare", [])]
        rows = [step_time_row(name, rows, ours, steps) for name, rows in by_system.items()]
        parts += [f"### {cores.capitalize()}", markdown(header, rows)]
    parts.append("An epoch is of both arms: training on 50,000 images, from the step time, and evaluation on 10,000.")
    return "\n\n".join([*parts, versions(result["measurements"]), *failures(result)])


def step_time_row(name: str, rows: Rows, ours: list[float], steps: int) -> tuple[str, ...]:
    """One system's cells."""
    regular, weight_norm = ([row["arms"][arm]["train_seconds"] / steps for row in rows] for arm in ARMS)
    epochs = [epoch(row, steps) for row in rows]
    compared = f"{spread(epochs).median / spread(ours).median:.1f}" if ours else "–"
    return (
        name,
        show(spread(regular), "{:.2f}", 1e3),
        show(spread(weight_norm), "{:.2f}", 1e3),
        show(ratio(weight_norm, regular), "{:.2f}"),
        show(spread(epochs), "{:.1f}"),
        compared,
    )


def epoch(row: dict[str, Any], steps: int) -> float:
    """Seconds of one epoch of both arms, evaluation included."""
    return sum(arm["train_seconds"] / steps * STEPS_AN_EPOCH + arm["eval_seconds"] for arm in row["arms"].values())


def whole_job(result: dict[str, Any]) -> str:
    """Seconds of the whole job by system, and how many times as long the tutorial takes for as many runs."""
    by_system = grouped(result["measurements"], "system")
    tutorial = [row["seconds"] / row["runs"] for row in by_system.get("tutorial", [])]
    header = ("system", "runs", "seconds", "seconds a run", "the tutorial takes")
    parts = [
        "## The whole job",
        machine(result),
        f"Runs of {result['settings']['epochs']} epochs, as many of each arm, everything included.",
        markdown(header, (whole_job_row(name, rows, tutorial) for name, rows in by_system.items())),
    ]
    return "\n\n".join([*parts, *failures(result)])


def whole_job_row(name: str, rows: Rows, tutorial: list[float]) -> tuple[str, ...]:
    """One system's cells."""
    each = [row["seconds"] / row["runs"] for row in rows]
    paired = list(zip(tutorial, each, strict=False))
    times = show(ratio(*map(list, zip(*paired, strict=True))), "{:.1f}") + " times as long" if paired else "–"
    seconds = show(spread([row["seconds"] for row in rows]), "{:.0f}")
    return name, str(rows[0]["runs"]), seconds, show(spread(each), "{:.1f}"), times


def scaling(result: dict[str, Any]) -> str:
    """Runs an hour by workers, images a second by batch size, step time and memory by images."""
    rows = result["measurements"]
    workers = [
        (str(count), show(spread([3600 * row["runs"] / row["seconds"] for row in found]), "{:.0f}"))
        for count, found in grouped(rows, "workers").items()
    ]
    epochs = result["settings"]["epochs"]
    parts = ["## Scaling", machine(result), "Drawn images of CIFAR-10's shape, one thread a run."]
    parts.append(markdown(("workers", f"runs of {epochs} epochs finished an hour"), sorted(workers)))
    header = ("variant", "ms a step", "images a second", "peak memory, MB")
    parts.append(markdown(("batch size", *header), list(benched(rows, "batch_size", lambda row: row["batch_size"]))))
    parts.append(markdown(("training images", *header), list(benched(rows, "images", lambda row: 32))))
    return "\n\n".join([*parts, *failures(result)])


def many_runs(result: dict[str, Any]) -> str:
    """Seconds of each command on many finished runs."""
    settings, by_command = result["settings"], grouped(result["measurements"], "command")
    rows = [
        (f"`wncompare {command}`", show(spread([row["seconds"] for row in found]), "{:.1f}"))
        for command, found in by_command.items()
    ]
    parts = ["## Many finished runs", machine(result), f"An experiment of {settings['runs']:,} runs, nothing to train."]
    return "\n\n".join([*parts, markdown(("command", "seconds, start-up included"), rows), *failures(result)])


def networks(result: dict[str, Any]) -> str:
    """The processor's milliseconds a step, of each network by system, and how many times wncompare's they are."""
    rows = result["measurements"]
    systems = list(grouped(rows, "system"))
    settings = result["settings"]
    lines = []
    for network, found in grouped(rows, "network").items():
        by_system = {name: [row["processor_ms"] for row in each] for name, each in grouped(found, "system").items()}
        ours = by_system.get("wncompare")
        lines.append((network, *(_compared(by_system.get(system), ours) for system in systems)))
    about = (
        f"Milliseconds of the processor a step of {settings['batch']}, in the fastest of {settings['epochs']} epochs, "
        "and how many times wncompare's."
    )
    parts = ["## Sequences and generative models", machine(result), about]
    return "\n\n".join([*parts, markdown(("network", *systems), lines), *failures(result)])


def variants(result: dict[str, Any]) -> str:
    """Milliseconds a step of each variant of LeNet by system, and how many times wncompare's they are."""
    settings = result["settings"]
    by_system = grouped(result["measurements"], "system")
    found = {system: _by_variant(rows) for system, rows in by_system.items()}
    ours = found.get("wncompare", {})
    rows = [(name, *(_compared(each.get(name), ours.get(name)) for each in found.values())) for name in ours]
    about = (
        f"LeNet on one core, images of CIFAR-10's shape: milliseconds of the processor a step of {settings['batch']}, "
        f"in the fastest of {settings['epochs']} epochs, and how many times wncompare's."
    )
    parts = ["## Step time of every variant", machine(result), about, markdown(("variant", *found), rows)]
    return "\n\n".join([*parts, *failures(result)])


def _by_variant(rows: Rows) -> dict[str, list[float]]:
    """The processor's milliseconds a step of each variant, by round."""
    return {name: [row["variants"][name]["processor_ms"] for row in rows] for name in rows[0]["variants"]}


def _compared(found: list[float] | None, ours: list[float] | None) -> str:
    if not found:
        return "–"
    ratio_text = f" ({spread(found).median / spread(ours).median:.1f} times)" if ours and found is not ours else ""
    return f"{spread(found).median:.1f}{ratio_text}"


def benched(rows: Rows, key: str, batch_size: Callable[[dict[str, Any]], int]) -> Iterator[tuple[str, ...]]:
    """A row of cells for each variant of each measurement that has the key."""
    for row in rows:
        for variant in row["variants"] if key in row else ():
            seconds = Spread(**variant["step_seconds"])
            images = f"{batch_size(row) / seconds.median:,.0f}"
            memory = f"{variant['peak_memory_bytes'] / 1e6:,.0f}"
            yield f"{row[key]:,}", variant["id"], show(seconds, "{:.2f}", 1e3), images, memory


def limit(result: dict[str, Any]) -> str:
    """GFLOP/s of matrix products and of the step, and what each part of a step takes."""
    rows, settings = result["measurements"], result["settings"]
    seconds = {name: spread([row["seconds"][name] for row in rows]) for name in rows[0]["seconds"]}
    speeds = dict(rates(seconds, settings))
    fastest = max(speeds.values())
    lines = [(name, f"{speed:.1f}", f"{speed / fastest:.0%}") for name, speed in speeds.items()]
    parts = ["## Distance to the limit", machine(result), "One core, float32; the step is of LeNet at batch 32."]
    counted = (
        f"{settings['useful_flop'] / 1e6:.1f} million useful, {settings['executed_flop'] / 1e6:.1f} million executed"
    )
    parts += [
        markdown(("program", "GFLOP/s", "of the fastest"), lines),
        f"Operations a step: {counted}.",
        profile(seconds),
        kernels([row["kernels"] for row in rows]),
    ]
    return "\n\n".join([*parts, *failures(result)])


def rates(seconds: dict[str, Spread], settings: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """GFLOP/s of every matrix product and of each arm's step."""
    side = settings["product_side"]
    for name, found in seconds.items():
        if name.startswith("product: "):
            label = f"matrix product, {name.removeprefix('product: ')}, {side} × {side} × {side}"
            yield label, settings["product_flop"] / found.median / 1e9
    for arm in ARMS:
        for kind in ("useful", "executed"):
            speed = settings[f"{kind}_flop"] / seconds[f"{arm}: step"].median / 1e9
            yield f"training step, {arm}, {kind} operations", speed


def profile(seconds: dict[str, Spread]) -> str:
    """What each part of a step adds to those before it, by arm."""
    parts = [name.removeprefix("regular: ") for name in seconds if name.startswith("regular: ")]
    totals = {arm: [seconds[f"{arm}: {part}"].median for part in parts] for arm in ARMS}
    added = {arm: [b - a for a, b in zip([0.0, *values], values, strict=False)] for arm, values in totals.items()}
    names = [*parts[:-1], "optimizer and metrics"]
    rows = [
        (name, *(f"{1e3 * added[arm][index]:.2f} ({added[arm][index] / totals[arm][-1]:.0%})" for arm in ARMS))
        for index, name in enumerate(names)
    ]
    rows.append(("whole step", *(f"{1e3 * totals[arm][-1]:.2f}" for arm in ARMS)))
    return markdown(("part of a step", "regular, ms", "weight norm, ms"), rows)


MOST_KINDS = 14


def kernels(rounds: list[dict[str, Any]]) -> str:
    """The kinds of kernel that take most, by arm: median seconds over the rounds, and how many there are of a kind."""
    found = {arm: dict(kinds([one[arm] for one in rounds])) for arm in ARMS}
    ranked = sorted(found[ARMS[1]], key=lambda kind: -found[ARMS[1]][kind][0])
    rows = [(kind, *(_microseconds(*found[arm].get(kind, (0.0, 0))) for arm in ARMS)) for kind in ranked[:MOST_KINDS]]
    others = [[found[arm][kind] for kind in found[arm] if kind not in ranked[:MOST_KINDS]] for arm in ARMS]
    rows.append(("all others", *(_microseconds(*map(sum, zip(*rest, strict=True))) for rest in others)))
    return markdown(("kind of kernel (number)", "regular, µs", "weight norm, µs"), rows)


def kinds(rounds: list[dict[str, dict[str, float]]]) -> Iterator[tuple[str, tuple[float, int]]]:
    """Each kind of kernel of one arm with its median seconds and its number."""
    for kind, first in rounds[0].items():
        yield kind, (spread([one[kind]["seconds"] for one in rounds if kind in one]).median, int(first["kernels"]))


def _microseconds(seconds: float, number: int) -> str:
    return f"{1e6 * seconds:.0f} ({number})" if number else "–"


def grouped(rows: Iterable[dict[str, Any]], key: str) -> dict[Any, Rows]:
    """Rows that have the key, by its value."""
    found: dict[Any, Rows] = {}
    for row in rows:
        if key in row:
            found.setdefault(row[key], []).append(row)
    return found


def coverage(result: dict[str, Any]) -> str:
    """A table for each kind of study: shares and means with their Monte Carlo standard errors."""
    parts = ["## How often verdicts and intervals are right", f"{result['settings']['experiments']} experiments."]
    for name, rows in grouped(result["measurements"], "table").items():
        columns = list(dict.fromkeys(column for row in rows for column in row["cells"]))
        cells = ([simulated(row["cells"].get(column)) for column in columns] for row in rows)
        named = ((row["what"], row["should_be"], *shown) for row, shown in zip(rows, cells, strict=True))
        parts += [f"### {name}", markdown((" ", "should be", *columns), named)]
    return "\n\n".join(parts)


def simulated(cell: dict[str, Any] | None) -> str:
    """A share in percent, or a mean, ± its standard error."""
    if cell is None:
        return ""
    scale, unit = (100, " %") if cell["is_share"] else (1, "")
    return f"{scale * cell['value']:.1f}{unit} ± {scale * cell['error']:.1f}"


def machine(result: dict[str, Any]) -> str:
    """What it was measured on, and how busy that was."""
    found = result["environment"]
    packages = ("python", "tensorflow-cpu", "tensorflow", "keras", "numpy")
    listed = ", ".join(f"{package} {found[package]}" for package in packages if package in found)
    load = spread([row["load"] for row in result["measurements"]])
    processor = f"{found['processor']}, {found['cores']} cores"
    return f"{processor}; {listed}; load average {show(load, '{:.1f}')}; {result['started'][:10]}."


def versions(rows: Rows) -> str:
    """The packages of every system."""
    found = {row["system"]: ", ".join(f"{name} {version}" for name, version in row["versions"].items()) for row in rows}
    return "\n".join(f"- {system}: {listed}" for system, listed in found.items())


def failures(result: dict[str, Any]) -> list[str]:
    """What could not be measured, and why."""
    return [f"Not measured: {json.dumps(row)}" for row in result["failures"]]


def show(found: Spread, form: str, scale: float = 1.0) -> str:
    """The median, with the lowest and highest where they differ."""
    middle, low, high = (form.format(scale * value) for value in (found.median, found.low, found.high))
    return middle if low == high else f"{middle} ({low}–{high})"


def markdown(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table."""
    lines = [list(header), *map(list, rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in [lines[0], ["---"] * len(lines[0]), *lines[1:]])


SECTIONS: dict[str, Callable[[dict[str, Any]], str]] = {
    "whole_job": whole_job,
    "step_time": step_time,
    "limit": limit,
    "scaling": scaling,
    "many_runs": many_runs,
    "networks": networks,
    "variants": variants,
    "coverage": coverage,
}


if __name__ == "__main__":
    main()
