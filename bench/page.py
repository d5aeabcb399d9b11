"""Write docs/performance.md from what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.lives import AGAIN, DESTROY, FIRST_UP, PREVIEW
from bench.measuring import Figures
from bench.programs import MEMORY, PROGRAM
from bench.sides import COMPOSE, FLAT, OURS

GOAL = 1.2
NOTHING = "-"


@dataclass(frozen=True, kw_only=True)
class Run:
    """All of one run of the bench."""

    date: str
    machine: Mapping[str, str]
    load_before: str
    load_after: str
    minutes: float
    repeats: int
    counts: Sequence[int]
    hostnames: Sequence[int]
    resources: Mapping[int, int]
    figures: Figures


def page(run: Run) -> str:
    """Return the page."""
    return "\n".join([*_head(run), *_lives(run), *_programs(run), *_commands(run), *_machine(run)])


def _head(run: Run) -> list[str]:
    return [
        "# Performance",
        "",
        "<!-- written by `python -m bench`; change bench/page.py, not this file -->",
        "",
        "How long the program takes, beside a **flat program** that declares the same resources one after the other, without",
        "components, configuration or checks, and beside **docker compose** with the same containers. The flat program and the",
        "compose file are generated from what the program declares, and a test compares them. Stacks are those of the `dev`",
        "example, with the stand-ins of `demo/images` for the apps.",
        "",
        f"Seconds, the median of {run.repeats} runs (first up and destroy: of one). In brackets how many times the flat program; the goal is at most {GOAL}.",
        "",
        f"Measured on {run.date} in {run.minutes:.0f} minutes; load of the machine before {run.load_before}, after {run.load_after}.",
        "",
    ]


def _lives(run: Run) -> list[str]:
    lines = [
        "## Stacks on one host",
        "",
        "With several stacks the last one is measured while the others run.",
        "",
        "| stacks | what | photo system | flat program | docker compose |",
        "|---|---|---|---|---|",
    ]
    for count in run.counts:
        for what in (FIRST_UP, PREVIEW, AGAIN, DESTROY):
            ours, flat, compose = (run.figures.typical(who, what, count) for who in (OURS, FLAT, COMPOSE))
            lines.append(f"| {count} | {what} | {_ratio(ours, flat)} | {_seconds(flat)} | {_seconds(compose)} |")
    return [
        *lines,
        "",
        "First up holds the waiting for the health of MariaDB and PhotoPrism, which is the same for all. The preview of compose",
        "is `--dry-run`, which asks for less. `destroy` leaves the data volumes with all three.",
        "",
    ]


def _programs(run: Run) -> list[str]:
    lines = [
        "## Hostnames",
        "",
        "From the start of Python to the last resource, without the engine (Pulumi's mocks). With 0 hostnames the photo system also checks the host.",
        "The flat program imports `pulumi_cloudflare` as everybody does; the photo system loads the part that it uses (`components/cloudflare_sdk.py`).",
        "",
        "| hostnames | resources | photo system | flat program | memory: photo system | flat program |",
        "|---|---|---|---|---|---|",
    ]
    for count in run.hostnames:
        ours, flat = (run.figures.typical(who, PROGRAM, count) for who in (OURS, FLAT))
        memory = [run.figures.typical(who, MEMORY, count) for who in (OURS, FLAT)]
        lines.append(
            f"| {count} | {run.resources[count]} | {_ratio(ours, flat)} | {_seconds(flat)} | "
            + " | ".join(f"{value:.0f} MB" if value else NOTHING for value in memory)
            + " |"
        )
    return [*lines, ""]


def _commands(run: Run) -> list[str]:
    lines = ["## Commands", "", "| command | seconds | goal |", "|---|---|---|"]
    plain = run.figures.typical("pulumi preview", "command", 1)
    goals = {
        "./photos --help": "0.3",
        "pulumi preview": "",
        "./photos preview": f"{plain + 0.5:.2f} (0.5 more than pulumi)" if plain else "",
    }
    lines += [
        f"| `{who}` | {_seconds(run.figures.typical(who, 'command', 1))} | {goal} |" for who, goal in goals.items()
    ]
    return [*lines, ""]


def _machine(run: Run) -> list[str]:
    return [
        "## Machine",
        "",
        "| | |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in run.machine.items()),
        "",
        "Run it as root on a quiet machine: `.venv/bin/python -m bench` (`--quick` for one stack only). It needs what the engine",
        "tests need (CONTRIBUTING.md), works in a folder and with names of its own, and removes what it made.",
        "",
    ]


def _seconds(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.2f}"


def _ratio(ours: float | None, flat: float | None) -> str:
    return _seconds(ours) if not (ours and flat) else f"{ours:.2f} ({ours / flat:.2f})"
