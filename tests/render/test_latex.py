"""The LaTeX report: its numbers, that names are text in it, and that TeX makes a page of it."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cli.test_cli import wncompare
from tests.recorded import amend, configured, summary_of
from wncompare.analysis.methods import methods
from wncompare.config import Config
from wncompare.render.latex import escaped, render

Write = Callable[..., Path]

HOSTILE = r"\input{/etc/passwd} ^^5cx %c $a$ _b {c} #1 & ~ [2pt] `` '' -- <<x>> ?` 权 γ ‖v‖ × é "

DOCUMENT = r"""\documentclass{article}
\usepackage{booktabs}
\begin{document}
%s
\end{document}
"""


def last(variant: str, seed: int, epoch: int) -> float:
    """Weight normalization ahead, a little more for later seeds."""
    return 0.5 + 0.02 * seed + 0.1 * epoch + (0.03 + 0.002 * seed) * (variant == "weight_norm")


def compiled(text: str, folder: Path) -> str:
    """The text of the page that pdfLaTeX makes, which stops at the first error."""
    if not (shutil.which("pdflatex") and shutil.which("pdftotext")):
        pytest.skip("there is no pdflatex and pdftotext: apt-get install texlive-latex-recommended poppler-utils")
    (folder / "report.tex").write_text(DOCUMENT % text, encoding="utf-8")
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "-no-shell-escape", "report.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-2000:]
    shown = subprocess.run(["pdftotext", "-layout", "report.pdf", "-"], cwd=folder, capture_output=True, check=True)
    return shown.stdout.decode()


def test_the_table_has_the_summary_s_numbers(write_records: Write, tiny: Config) -> None:
    """Six seeds: the last epoch is 0.65 + 0.02 · seed, 0.03 + 0.002 · seed ahead, so the means are exact."""
    text = render(summary_of(write_records(configured(tiny, seeds=list(range(6))), last)))
    rows = [line for line in text.splitlines() if line.startswith("\\raggedright")]
    _, regular, weight_norm, _, contrast = rows
    assert "Regular ConvNet & 6 & 0.7000 \\ensuremath{\\pm}" in regular
    assert "& 6 & 0.7350 \\ensuremath{\\pm}" in weight_norm
    assert "& 6 & +0.0350 (+0.0" in contrast
    assert "& 0.0312 &" in contrast  # 2/2⁶, the least that six pairs can reach


def test_the_methods_say_what_a_reviewer_asks(write_records: Write, tiny: Config) -> None:
    """Seeds, pairing, test, interval, correction, training, tuning, what is conditional: each stands there."""
    folder = write_records(configured(tiny, seeds=list(range(6))), last)
    made = {"python": "3.12.1", "keras": "3.12", "processor": "AMD EPYC", "cores": 2, "platform": "Linux"}
    for seed in range(6):
        for variant in ("regular", "weight_norm"):
            cores = {"cores": 4} if seed == 5 else {}
            amend(folder, f"{variant}/seed-{seed}", device="cpu", environment=made | cores)
    text = methods(summary_of(folder))
    assert "bfloat16" not in text
    for said in (
        "with 6 seeds (0 to 5)",
        "share their initial kernels and the order of their batches",
        "seed by seed (6 pairs)",
        "2 epochs with batches of 16",
        "the optimizer adam (learning_rate 0.001)",
        "No setting was tuned",
        "validation accuracy at the last epoch, on the test split",
        "95 % Student-t intervals",
        "sign-flip permutation tests (exact), not corrected: there is one contrast",
        "conditional on this training set, on this test set and split",
        "on the cpu of a machine with 2 or 4 cores (AMD EPYC; Linux), with 1 thread a run",
        "Software: Python 3.12.1, Keras 3.12.",
    ):
        assert said in text, said


def test_the_methods_follow_the_config(write_records: Write, tiny: Config) -> None:
    """A grid, a holdout, a schedule, early stopping, several contrasts and a run that diverged are said."""
    contrasts = [{"name": name, "variant": "weight_norm", "reference": "regular"} for name in ("one", "two")]
    training = tiny.dump()["training"] | {
        "schedule": {"name": "cosine", "warmup_epochs": 1.0},
        "early_stopping": {"metric": "val_loss", "patience": 3},
        "precision": "mixed_bfloat16",
    }
    changes = {"grid": {"training.batch_size": [8, 16]}, "validation": {"holdout": 0.25}, "seeds": [3, 5]}
    folder = write_records(configured(tiny, **changes, training=training, contrasts=contrasts), last)
    amend(folder, "regular/batch_size=8/seed-3", status="diverged")
    text = methods(summary_of(folder))
    for said in (
        "with 2 seeds (3, 5)",
        "chosen from one grid (training.batch_size in {8, 16})",
        "25 % of the training examples were held out",
        "The schedule was cosine (warmup_epochs 1.0",
        "Layers computed in bfloat16 (mixed_bfloat16), but for the output layers",
        "The early stopping was (metric val_loss, patience 3",
        "corrected for 2 contrasts by Holm's method",
        "Of 8 planned runs: 7 finished, 1 diverged.",
        "A run that diverged ranks worst",
    ):
        assert said in text, said


def test_a_page_comes_of_it_whatever_the_names_are(write_records: Write, tiny: Config, tmp_path: Path) -> None:
    """pdfLaTeX compiles hostile labels, also at the start of a row, and shows them as they are written."""
    variants = [{"name": "regular", "label": HOSTILE}, {"name": "weight_norm", "label": "[2pt] *"}]
    grid = {"training.batch_size": [8, 16]}
    folder = write_records(configured(tiny, variants=variants, grid=grid), last)
    amend(folder, "regular/batch_size=8/seed-0", status="diverged")
    text = render(summary_of(folder))
    page = " ".join(compiled(text, tmp_path).split())
    for part in (r"\input{/etc/passwd}", "ˆˆ5cx", "%c", "$a$", "{c}", "#1", "&", "[2pt]", "--", "U+6743", "batch"):
        assert part in page, part
    assert "root:" not in page


def test_control_characters_are_left_out() -> None:
    """Escape sequences, line ends and what reverses text do not reach the file."""
    assert escaped("a\x1b[31mb\x07\u202ec\r\nd\te") == "abc d e"


@given(st.text(max_size=40))
@settings(max_examples=300)
def test_no_character_of_a_name_is_left_to_tex(text: str) -> None:
    """Of what TeX gives a meaning, only macros that `escaped` wrote itself are left, each closed by {} or braces."""
    left = escaped(text)
    for macro in (
        "textbackslash",
        "textasciicircum",
        "textasciitilde",
        "textasciigrave",
        "textless",
        "textgreater",
        "textbar",
    ):
        left = left.replace(f"\\{macro}{{}}", "")
    for character in "{}$&#_%":
        left = left.replace(f"\\{character}", "")
    left = re.sub(r"\\ensuremath\{(\\[A-Za-z]+[0-9]*|[-'^n{}]+)\}", "", left)
    assert not set(left) & set('\\$&#%~`"<>|^_\n\r\t\x00\x1b')


def test_every_character_has_a_glyph(tmp_path: Path) -> None:
    """pdfLaTeX shows every character that `escaped` lets through, of the first 9,000."""
    kept = [chr(code) for code in range(0x21, 0x2300) if f"U+{code:04X}" != escaped(chr(code))]
    assert len(kept) > 300
    compiled("\n\n".join(escaped(character) for character in kept), tmp_path)


def test_report_prints_latex(write_records: Write, tiny: Config, capsys: pytest.CaptureFixture[str]) -> None:
    """`report --format latex` prints what `latex` makes, and `--output` writes it."""
    folder = write_records(tiny, last)
    code, out, err = wncompare("report", folder, "--format", "latex", capture=capsys)
    assert (code, err) == (0, "")
    assert out == render(summary_of(folder))
