"""Measure, and write docs/performance.md."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from bench import lives, programs
from bench.house import House, interpreter, new_house
from bench.machine import load, machine
from bench.measuring import BenchError, Figures
from bench.page import Run, page
from bench.sides import FLAT, OURS, Composed, FlatPrograms, PhotoSystems, Side, clean, compose_command
from cli.docker_host import connect
from demo.images import build as images
from tests.engine.conftest import lacking
from tests.engine.world import PROJECT, World, new_world

PAGE = PROJECT / "docs" / "performance.md"
ALL_STACKS, ALL_HOSTNAMES = (1, 5, 10), (0, 1, 10, 50)
QUICK_STACKS, QUICK_HOSTNAMES = (1,), (0, 1, 50)


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one stack, fewer hostnames and runs")
    parser.add_argument("--stacks", type=int, nargs="+", help="other numbers of stacks, 1 among them")
    parser.add_argument("--repeats", type=int, help="how often what is short is run")
    parser.add_argument("--page", type=Path, default=PAGE, help="where the figures go")
    options = parser.parse_args()
    if reason := lacking():
        sys.exit(f"bench: {reason}")
    try:
        with world() as here:
            run = measure(
                here,
                counts=options.stacks or (QUICK_STACKS if options.quick else ALL_STACKS),
                hostnames=QUICK_HOSTNAMES if options.quick else ALL_HOSTNAMES,
                repeats=options.repeats or (2 if options.quick else 3),
            )
    except BenchError as error:
        sys.exit(f"bench: {error}")
    options.page.write_text(page(run))
    print(f"{options.page} is written ({run.minutes:.1f} minutes).")


@contextmanager
def world() -> Iterator[World]:
    """Yield a checkout; all that was started in it is removed afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="photos-bench-") as folder,
        stand_ins() as registry,
        new_world(Path(folder), registry) as made,
    ):
        interpreter(made.checkout())
        try:
            yield made
        finally:
            clean(made)


@contextmanager
def stand_ins() -> Iterator[str]:
    """Yield a registry with the stand-ins' images; its names for them go with it."""
    with images.registry() as registry:
        images.build(registry, cache=PROJECT / ".cache" / "images", echo=print, recipes=images.IMAGES)
        images.push(registry, images.IMAGES)
        yield registry
        with connect() as client:
            for tag in [tag for image in client.images.list() for tag in image.tags]:
                if tag.startswith(f"{registry}/"):
                    client.images.remove(tag)


def measure(here: World, *, counts: Sequence[int], hostnames: Sequence[int], repeats: int) -> Run:
    """Measure everything."""
    start, before, figures = time.monotonic(), load(), Figures()
    sides = _sides(here, max(counts))
    house = sides[0].houses[0]
    print(f"Load {before}. Seconds:")
    resources = _programs(house, hostnames, figures, repeats)
    lives.one_stack(sides, figures, repeats, meanwhile=lambda: lives.commands(house, figures, repeats))
    if more := [count for count in counts if count > 1]:
        for side in sides:
            lives.more_stacks(side, more, figures, max(1, repeats // 2))
            side.forget()
    return Run(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        machine=machine(),
        load_before=before,
        load_after=load(),
        minutes=(time.monotonic() - start) / 60,
        repeats=repeats,
        counts=counts,
        hostnames=hostnames,
        resources=resources,
        figures=figures,
    )


def _sides(here: World, count: int) -> list[Side]:
    print(f"Setting up {count} stacks.")
    compose = compose_command()
    # The first stacks run beside each other; of the others only one side's at a time, so they share names and ports.
    ours, flat, composed = (new_house(here, f"bench{letter}0x") for letter in "abc")
    others = [new_house(here, f"bench{number}x") for number in range(1, count)]
    sides: list[Side] = [PhotoSystems([ours, *others]), FlatPrograms([flat, *others])]
    if compose:
        sides.append(Composed([composed, *others], compose))
    else:
        print("Docker compose is not measured: neither `docker compose` nor `docker-compose` 2 is here.")
    return sides


def _programs(house: House, hostnames: Sequence[int], figures: Figures, repeats: int) -> dict[int, int]:
    resources = {}
    for count in hostnames:
        both = programs.ours_and_flat(house, count)
        counted = {who: programs.measured(who, count, both[who], figures, repeats) for who in (OURS, FLAT)}
        resources[count] = counted[FLAT]
    return resources


if __name__ == "__main__":
    main()
