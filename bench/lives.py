"""Up, no-op and destroy of one, five and ten stacks, by each side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product

from bench.house import House
from bench.measuring import Command, Figures
from bench.sides import Side

FIRST_UP, PREVIEW, AGAIN, DESTROY = "first up", "preview, no-op", "up, no-op", "destroy"
AT_ONCE = 5
"""How many stacks are started beside each other where nothing is measured."""


def one_stack(sides: Sequence[Side], figures: Figures, repeats: int, meanwhile: Callable[[], None]) -> None:
    """Measure a stack of each side. They run beside each other, and take turns, so that noise hits all alike.

    `meanwhile` is called while they run.
    """
    for side in sides:
        figures.add(side.name, FIRST_UP, 1, side.operations(0)["up"].run())
    for _, (what, step), side in product(range(repeats), ((PREVIEW, "preview"), (AGAIN, "again")), sides):
        figures.add(side.name, what, 1, side.operations(0)[step].run())
    meanwhile()
    for side in sides:
        figures.add(side.name, DESTROY, 1, side.operations(0)["destroy"].run())


def more_stacks(side: Side, counts: Iterable[int], figures: Figures, repeats: int) -> None:
    """Measure the last of so many stacks that run at the same time, for each count; then remove all."""
    running: list[int] = []
    for count in counts:
        last = count - 1
        fill = [number for number in range(last) if number not in running]
        side_by_side(side.operations(number)["up"] for number in fill)
        running += fill
        figures.add(side.name, FIRST_UP, count, side.operations(last)["up"].run())
        for _, (what, step) in product(range(repeats), ((PREVIEW, "preview"), (AGAIN, "again"))):
            figures.add(side.name, what, count, side.operations(last)[step].run())
        figures.add(side.name, DESTROY, count, side.operations(last)["destroy"].run())
    side_by_side(side.operations(number)["destroy"] for number in running)


def commands(house: House, figures: Figures, repeats: int) -> None:
    """Measure ./photos beside plain pulumi, on a stack that runs."""
    for _ in range(repeats):
        figures.add("./photos --help", "command", 1, house.photos("--help").run())
        figures.add("pulumi preview", "command", 1, house.pulumi("preview").run())
        figures.add("./photos preview", "command", 1, house.photos("preview", house.name).run())


def side_by_side(steps: Iterable[Command]) -> None:
    """Run commands, a few at a time."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(lambda step: step.run(), steps):
            pass
