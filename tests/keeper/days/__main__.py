"""The long form: `python -m tests.keeper.days --seeds 20 --steps 300`. A seed that is done is not done again."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import TypedDict

from tests.keeper.days.life import life
from tests.keeper.days.steps import live
from tests.keeper.server import Server, running

RESULTS = Path(__file__).resolve().parents[3] / ".cache" / "days.jsonl"


class Result(TypedDict):
    """How a seed went: `failed` is empty when everything held."""

    seed: int
    steps: int
    seconds: float
    failed: str
    figures: dict[str, int]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.keeper.days", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument(
        "--results", type=Path, default=RESULTS, help="where the result of each seed is kept, and looked up"
    )
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what is mounted and started is put away
    options.results.parent.mkdir(parents=True, exist_ok=True)
    known: dict[tuple[int, int], Result] = {(one["seed"], one["steps"]): one for one in _results(options.results)}
    with running() as server:
        for seed in range(options.first, options.first + options.seeds):
            if (seed, options.steps) in known and not known[seed, options.steps]["failed"]:
                continue
            known[seed, options.steps] = one = lived(seed, options.steps, server)
            with options.results.open("a") as file:
                file.write(json.dumps(one) + "\n")
            print(
                f"seed {seed}: {one['seconds']:.0f} s {one['failed'].splitlines()[0] if one['failed'] else 'good'}",
                flush=True,
            )
    return summary([one for (_, steps), one in sorted(known.items()) if steps == options.steps])


def lived(seed: int, steps: int, server: Server) -> Result:
    """Live one seed and return its result."""
    start, failed = time.monotonic(), ""
    figures: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix=f"photos-days-{seed}-", dir=os.environ.get("DAYS_FOLDER")) as folder:
        try:
            with life(seed, Path(folder), server) as one:
                figures = one.figures
                live(one, steps)
        except Exception:  # noqa: BLE001 - the next seed goes on
            failed = traceback.format_exc()
            failed = (
                f"{failed.strip().splitlines()[-1]}\n{failed}"
                if "BrokenPromise" not in failed
                else failed[failed.rindex("BrokenPromise") :]
            )
            if failed and os.environ.get("DAYS_LOG"):
                print(chr(10).join(one.log))
    return {"seed": seed, "steps": steps, "seconds": time.monotonic() - start, "failed": failed, "figures": figures}


def summary(results: list[Result]) -> int:
    """Print what was lived through; return the exit code."""
    total: Counter[str] = Counter()
    for one in results:
        total.update(one["figures"])
    for what, number in sorted(total.items()):
        print(f"{number:6} {what}")
    bad = [one for one in results if one["failed"]]
    print(f"{len(results)} seeds, {len(bad)} failed: {[one['seed'] for one in bad]}")
    return int(bool(bad))


def _results(file: Path) -> list[Result]:
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text().splitlines()]


if __name__ == "__main__":
    sys.exit(main())
