"""What each variant costs, as a table for the terminal."""

from rich import box
from rich.table import Table
from rich.text import Text

from wncompare.run.benchmark import Benchmark, Measured, Spread


def table(measured: Benchmark) -> Table:
    """A row a variant: medians, in brackets the lowest and highest."""
    shown = Table(box=box.SIMPLE_HEAD, title=Text(f"{measured.experiment}: {measured.dataset}"), title_justify="left")
    shown.add_column("variant")
    for name in ("parameters", "ms a step", "ratio", "s to compile", "peak memory, MB", "ratio"):
        shown.add_column(name, justify="right")
    for variant in measured.variants:
        shown.add_row(*map(Text, _cells(variant)))
    shown.caption = Text(_caption(measured))
    shown.caption_justify = "left"
    return shown


def _cells(variant: Measured) -> tuple[str, ...]:
    return (
        variant.label,
        f"{variant.parameters:,}",
        _show(variant.step_seconds, "{:.2f}", 1e3),
        _show(variant.step_ratio, "{:.3f}"),
        f"{variant.compile_seconds:.1f}",
        f"{variant.peak_memory_bytes / 1e6:,.0f}",
        f"{variant.memory_ratio:.3f}",
    )


def _show(spread: Spread, form: str, scale: float = 1.0) -> str:
    middle, low, high = (form.format(scale * value) for value in (spread.median, spread.low, spread.high))
    return f"{middle} ({low}–{high})"


def _caption(measured: Benchmark) -> str:
    found = measured.environment
    versions = (f"{name} {found[key]}" for name, key in _VERSIONS.items() if key in found)
    threads = "1 thread" if measured.threads == 1 else f"{measured.threads} threads"
    return (
        f"median (lowest–highest) of {len(measured.variants[0].repeats)} × {measured.steps} steps, turn by turn; "
        f"batch size {measured.batch_size}, {threads}, {measured.device}, {measured.precision}\n"
        f"{found['processor']}, {found['cores']} cores; {', '.join(versions)}"
    )


_VERSIONS = {
    "wncompare": "wncompare",
    "Python": "python",
    "TensorFlow": "tensorflow",
    "tensorflow-cpu": "tensorflow-cpu",
    "Keras": "keras",
}
