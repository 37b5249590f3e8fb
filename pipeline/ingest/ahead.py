"""Asking for pages before they are needed: while one is cut, hashed and stored, the next are on their way.

A source that answers at once is asked page by page all the same: a second thread would only get in the way.

Belongs here: which answers are under way, in the order in which they are wanted. Does not belong here: which pages
come next (``pipeline.ingest.paging``), how fast may be asked (``resources.rest_pace``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Final, Self

from pipeline.ingest.client import Answer
from pipeline.ingest.page_requests import PageRequest

WORTH_SECONDS: Final = 0.005
# A request that is the only one gets so much time to go out before this thread hashes, which keeps all others waiting.
_HEAD_START_SECONDS: Final = 0.002


class Ahead:
    """The pages of one way into a stream that are under way, at most ``at_once``."""

    def __init__(self, ask: Callable[[PageRequest], Answer], at_once: int) -> None:
        """Ask for nothing yet; ``ask`` has to be safe to use from several threads."""
        self._ask = ask
        self._at_once = at_once
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="ahead")
        self._waited_seconds = 0.0
        self._under_way: deque[tuple[PageRequest, Future[Answer]]] = deque()

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give up what nobody waits for any more, and wait for what is under way."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def expect(self, requests: Sequence[PageRequest]) -> None:
        """Say which pages come next, as far as that is known; what is under way and not among them is given up."""
        if self._waited_seconds < WORTH_SECONDS:
            return
        was_idle = not self._under_way
        for place, request in enumerate(requests[: self._at_once]):
            if place < len(self._under_way) and self._under_way[place][0] != request:
                self._give_up(place)
            if place == len(self._under_way):
                self._under_way.append((request, self._threads.submit(self._ask, request)))
        if was_idle and self._under_way:
            wait([self._under_way[0][1]], timeout=_HEAD_START_SECONDS)

    def get(self, request: PageRequest) -> Answer:
        """Return the answer to the request that was expected next, or to another one, asked now.

        Raises:
            Exception: whatever asking raised.

        """
        if self._under_way and self._under_way[0][0] == request:
            answer = self._under_way.popleft()[1].result()
        else:
            self._give_up(0)
            answer = self._ask(request)
        self._waited_seconds = answer.waited_seconds
        return answer

    @property
    def is_under_way(self) -> bool:
        """Whether anything was asked for ahead."""
        return bool(self._under_way)

    def forget(self) -> None:
        """Give up what is under way: the source has changed meanwhile, and is asked anew."""
        self._give_up(0)

    def _give_up(self, keep: int) -> None:
        while len(self._under_way) > keep:
            self._under_way.pop()[1].cancel()
