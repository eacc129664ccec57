"""Which fault happens, and at which request."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

ERROR = "error"
INTEGRITY_ERROR = "integrity error"
CANCELLED = "task cancelled"
CONNECTION_LOST = "connection lost"
ANSWER_LOST = "answer lost"
TERMINATED = "backend terminated"
KILLED = "process killed"

ON_SQLITE = (ERROR, INTEGRITY_ERROR, CANCELLED)
ON_SERVERS = (*ON_SQLITE, CONNECTION_LOST, ANSWER_LOST, TERMINATED)


@dataclass
class Injection:
    """A fault at the request number `at`, counted from 1; at none if it is 0.

    It is made in the task that is cancelled.

    Attributes:
        fault: what happens.
        at: when.
        kill: kills the process that makes the request.
        requests: the requests so far.
    """

    fault: str = ERROR
    at: int = 0
    kill: "Callable[[Injection], None] | None" = None
    _task: "asyncio.Task[Any] | None" = field(default_factory=asyncio.current_task, repr=False)
    requests: list[bytes] = field(default_factory=list)

    @property
    def happened(self) -> bool:
        return 0 < self.at <= len(self.requests)

    def is_due(self, request: bytes) -> bool:
        """Count a request, and tell whether the fault happens at it."""
        self.requests.append(request)
        due = len(self.requests) == self.at
        if due and self.fault == CANCELLED:
            assert self._task is not None
            self._task.cancel()
        if due and self.fault == KILLED:
            assert self.kill is not None
            self.kill(self)
        return due
