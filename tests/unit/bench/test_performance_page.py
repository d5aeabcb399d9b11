"""The page says what was measured, and what was not."""

from __future__ import annotations

from bench.lives import FIRST_UP, PREVIEW
from bench.measuring import Figures
from bench.page import Run, page
from bench.programs import PROGRAM
from bench.sides import COMPOSE, FLAT, OURS


def run(figures: Figures) -> Run:
    return Run(
        date="2026-11-29",
        machine={"processor": "2 x Z80"},
        load_before="0.1, 0.2, 0.3",
        load_after="1.0, 0.9, 0.8",
        minutes=3.2,
        repeats=3,
        counts=(1,),
        hostnames=(50,),
        resources={50: 172},
        figures=figures,
    )


def test_figures_are_medians_with_the_ratio_to_the_flat_program() -> None:
    figures = Figures()
    for seconds in (3.0, 9.0, 3.3):
        figures.add(OURS, PREVIEW, 1, seconds)
    figures.add(FLAT, PREVIEW, 1, 3.0)
    figures.add(COMPOSE, PREVIEW, 1, 0.5)

    assert f"| 1 | {PREVIEW} | 3.30 (1.10) | 3.00 | 0.50 |" in page(run(figures))


def test_what_was_not_measured_is_a_dash_and_no_ratio() -> None:
    figures = Figures()
    figures.add(OURS, FIRST_UP, 1, 30.0)

    assert f"| 1 | {FIRST_UP} | 30.00 | - | - |" in page(run(figures))


def test_the_goal_of_our_preview_stands_beside_what_pulumi_takes() -> None:
    figures = Figures()
    figures.add("pulumi preview", "command", 1, 3.0)
    figures.add("./photos preview", "command", 1, 3.4)

    assert "| `./photos preview` | 3.40 | 3.50 (0.5 more than pulumi) |" in page(run(figures))


def test_hostnames_come_with_their_resources_and_the_machine_with_its_load() -> None:
    figures = Figures()
    figures.add(OURS, PROGRAM, 50, 2.0)
    figures.add(FLAT, PROGRAM, 50, 4.0)
    text = page(run(figures))

    assert "| 50 | 172 | 2.00 (0.50) | 4.00 |" in text
    assert "| processor | 2 x Z80 |" in text
    assert "before 0.1, 0.2, 0.3, after 1.0, 0.9, 0.8" in text
