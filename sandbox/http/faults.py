"""Trouble on demand, for one server: to see what a client makes of it."""

from dataclasses import dataclass


@dataclass
class Faults:
    """What is still to go wrong."""

    fail_next: int = 0
    status: int = 503
    accept_then_drop: int = 0
    delay_next: int = 0
    delay_ms: int = 0

    def take_failure(self) -> bool:
        """Whether this request is to fail."""
        if self.fail_next <= 0:
            return False
        self.fail_next -= 1
        return True

    def take_drop(self) -> bool:
        """Whether this write is to be accepted and left without an answer."""
        if self.accept_then_drop <= 0:
            return False
        self.accept_then_drop -= 1
        return True

    def take_delay_seconds(self) -> float:
        """How long this write is to stay in progress."""
        if self.delay_next <= 0:
            return 0.0
        self.delay_next -= 1
        return self.delay_ms / 1000
