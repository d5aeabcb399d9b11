"""A host that was lost and set up anew knows nothing of its backups; the copies do, and are asked at the start."""

from __future__ import annotations

import logging
import threading
from typing import Literal

from keeper.errors import Problem
from keeper.restore.snapshots import ask, learn
from keeper.settings import Settings
from keeper.state import State

Knowledge = Literal["known", "asking", "unknown"]
NOTHING = "copy.nothing"
log = logging.getLogger("keeper.learning")


class Learning:
    """Asks the copies what they hold, in a thread of its own: the page comes at once."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._problems = settings, list[Problem]()
        self._thread = threading.Thread(target=self._learn, name="learn", daemon=True)
        self._thread.start()

    def __call__(self) -> Knowledge:
        """Return whether it is known what the copies hold: that one holds nothing yet is known, too."""
        if self._thread.is_alive():
            return "asking"
        return "unknown" if any(not _says_nothing(problem) for problem in self._problems) else "known"

    def _learn(self) -> None:
        state = State(self._settings.state)
        unknown = [copy.name for copy in self._settings.repositories if not state.copy(copy.name).snapshots]
        if not unknown:
            return
        try:
            answers = ask(self._settings)
            learn(self._settings, answers)
            self._problems = [each.problem for each in answers if each.problem and each.name in unknown]
        except Exception as error:  # whatever it is, the page must not say that there is nothing
            log.exception("the copies were not asked")
            self._problems = [Problem.of("job.crashed", number=type(error).__name__)]


def _says_nothing(problem: Problem) -> bool:
    """Whether a copy answered that nothing was ever backed up there."""
    reasons = [value for value in problem.values.values() if isinstance(value, Problem)]
    return problem.code == NOTHING or any(_says_nothing(reason) for reason in reasons)
