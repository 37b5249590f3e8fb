"""Asking ahead: which pages are under way, and what becomes of those that nobody wants."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest

from pipeline.ingest.ahead import WORTH_SECONDS, Ahead
from pipeline.ingest.client import Answer
from pipeline.ingest.page_requests import PageRequest

LONG = 30.0


class Source:
    """A source whose answers are waited for; the pages in ``held`` come only when they are let go."""

    def __init__(self, waited_seconds: float = WORTH_SECONDS, held: tuple[int, ...] = ()) -> None:
        self.asked: list[int] = []
        self.waited_seconds = waited_seconds
        self.came = {page: threading.Event() for page in range(10)}
        self.may_go = {page: threading.Event() for page in held}

    def ask(self, request: PageRequest) -> Answer:
        page = int(request.params["page"])
        self.asked.append(page)
        self.came[page].set()
        if page in self.may_go:
            assert self.may_go[page].wait(LONG)
        if page == 9:
            raise LookupError(page)
        return Answer(
            url="http://127.0.0.1/",
            query=(),
            status=200,
            headers={},
            body=b"%d" % page,
            received_at=datetime(2026, 3, 2, tzinfo=UTC),
            waited_seconds=self.waited_seconds,
        )


def page(number: int) -> PageRequest:
    return PageRequest("/v1/assets", {"page": number}, str(number))


def pages(*numbers: int) -> list[PageRequest]:
    return [page(number) for number in numbers]


def test_the_next_pages_are_asked_for_while_one_is_looked_at() -> None:
    source = Source(held=(1, 2, 3))
    with Ahead(source.ask, 3) as ahead:
        ahead.get(page(0))
        ahead.expect(pages(1, 2, 3, 4))
        for number in (1, 2, 3):
            assert source.came[number].wait(LONG)
        # The last of them answers first.
        for number in (3, 2, 1):
            source.may_go[number].set()
        assert [ahead.get(page(number)).body for number in (1, 2, 3)] == [b"1", b"2", b"3"]
    assert sorted(source.asked) == [0, 1, 2, 3]


def test_a_source_that_answers_at_once_is_asked_one_page_after_the_other() -> None:
    source = Source(waited_seconds=0.0)
    with Ahead(source.ask, 3) as ahead:
        ahead.get(page(0))
        ahead.expect(pages(1, 2))
    assert source.asked == [0]


def test_a_page_that_is_expected_again_is_not_asked_for_again() -> None:
    source = Source()
    with Ahead(source.ask, 3) as ahead:
        ahead.get(page(0))
        ahead.expect(pages(1, 2))
        ahead.get(page(1))
        ahead.expect(pages(2, 3))
        assert [ahead.get(page(number)).body for number in (2, 3)] == [b"2", b"3"]
    assert sorted(source.asked) == [0, 1, 2, 3]


def test_another_page_than_the_expected_one_is_asked_for_at_once() -> None:
    source = Source()
    with Ahead(source.ask, 2) as ahead:
        ahead.get(page(0))
        ahead.expect(pages(1, 2))
        assert ahead.get(page(5)).body == b"5"
        ahead.expect(pages(6))
        assert ahead.get(page(6)).body == b"6"


def test_a_failure_ahead_is_met_at_its_page() -> None:
    source = Source()
    with Ahead(source.ask, 2) as ahead:
        ahead.get(page(0))
        ahead.expect(pages(1, 9))
        assert ahead.get(page(1)).body == b"1"
        with pytest.raises(LookupError):
            ahead.get(page(9))
