"""Patience: a source that is down costs a few requests and not a few for each stream, and is asked again in time."""

from __future__ import annotations

import pytest

from pipeline.errors import SourceError
from pipeline.ingest.profile_limits import Limits
from resources.rest_errors import Attempt, HttpError, NeverReachedError
from resources.rest_pace import Pace, retry_after_seconds
from resources.rest_patience import Patience
from tests.rest.making import NOW, client
from tests.rest.scripted import Scripted, answer, hang_up

GOOD = answer(b'{"items": []}')
BUSY = answer(b"{}", "503 Busy")
ATTEMPT = Attempt("Fetching assets from", "vip", "http://127.0.0.1/v1/assets")
STREAMS = [f"stream-{number}" for number in range(20)]


@pytest.mark.parametrize("fault", [BUSY, hang_up, answer(b"{}", "429 Slow"), answer(b"")])
def test_a_source_that_is_down_is_not_hammered_stream_after_stream(fault: object) -> None:
    with Scripted([fault]) as server:  # type: ignore[list-item]
        opened = client(server.url)
        said = []
        for stream in STREAMS:
            with pytest.raises(SourceError) as caught:
                opened.get(f"/v1/{stream}", (), what=stream)
            said.append(str(caught.value))
            assert caught.value.is_transient
        opened.close()
    assert len(server.asked) == 4 + 1
    assert said[-1].startswith(f"Fetching {STREAMS[-1]} from vip ({server.url}/v1/{STREAMS[-1]}) was left for later")
    assert "because it failed a moment ago: Fetching stream-1 from vip" in said[-1]


def test_a_stream_that_fails_alone_holds_up_no_other_one() -> None:
    with Scripted([BUSY] * 4 + [GOOD] + [BUSY] * 4 + [GOOD]) as server:
        opened = client(server.url)
        for _ in range(2):
            with pytest.raises(SourceError, match="answered with 503"):
                opened.get("/v1/reviews", (), what="reviews")
            opened.get("/v1/assets", (), what="assets")
        opened.close()
    assert len(server.asked) == 10


def test_a_refusal_says_that_the_source_is_there() -> None:
    with Scripted([BUSY] * 4 + [answer(b"{}", "404 No"), *[BUSY] * 4]) as server:
        opened = client(server.url)
        for stream in ("reviews", "absent", "reviews"):
            with pytest.raises(SourceError):
                opened.get(f"/v1/{stream}", (), what=stream)
        opened.close()
    assert len(server.asked) == 9


def test_a_source_that_asks_for_a_day_is_asked_by_nobody_else() -> None:
    with Scripted([answer(b"{}", "429 Slow", Retry_After="86400")]) as server:
        opened = client(server.url)
        for stream in STREAMS:
            with pytest.raises(SourceError, match="asks to wait 86400 s"):
                opened.get(f"/v1/{stream}", (), what=stream)
        opened.close()
    assert len(server.asked) == 1


class Clock:
    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def failing(status: int = 503, wait_seconds: float | None = None) -> HttpError:
    return HttpError(f"{ATTEMPT} failed.", is_transient=True, status=status, wait_seconds=wait_seconds)


@pytest.mark.parametrize(
    ("errors", "asked_again_after"),
    [
        ([failing(), failing()], 15),
        ([NeverReachedError(f"{ATTEMPT} nobody answers there.", is_transient=True)], 15),
        ([failing(429, wait_seconds=7200)], 7200),
    ],
)
def test_what_was_left_for_later_is_asked_for_again_in_time(errors: list[HttpError], asked_again_after: int) -> None:
    clock = Clock()
    limits = Limits()
    patience = Patience(limits, Pace(limits, sleep=lambda _: None), monotonic=clock)

    def fail(error: HttpError) -> str:
        raise error

    for error in errors:
        with pytest.raises(HttpError):
            patience.repeatedly(lambda error=error: fail(error), ATTEMPT)  # type: ignore[misc]
    clock.at += asked_again_after - 0.1
    with pytest.raises(NeverReachedError, match="was left for later"):
        patience.repeatedly(lambda: "not asked", ATTEMPT)
    clock.at += 0.2
    assert patience.repeatedly(lambda: "asked", ATTEMPT) == "asked"
    assert patience.repeatedly(lambda: "trusted", ATTEMPT) == "trusted"


DATE = "Mon, 02 Mar 2026 08:00:10 GMT"
YEAR = 366 * 86_400


@pytest.mark.parametrize(
    ("said", "date", "seconds"),
    [
        ("", None, None),
        ("3", None, 3),
        ("0", None, 0),
        ("+3", None, 3),
        ("-3", None, 0),
        ("000000000000000007", None, 7),
        ("1.5", None, None),
        ("soon", None, None),
        ("\u0661", None, None),
        ("9" * 12, None, YEAR),
        ("9" * 400, None, YEAR),
        ("9" * 5000, None, YEAR),
        (DATE, None, 10),
        (DATE, "Mon, 02 Mar 2026 08:00:04 GMT", 6),
        (DATE, "Mon, 02 Mar 2026 09:00:00 GMT", 0),
        (DATE, "nonsense", 10),
        ("Mon, 02 Mar 9999 08:00:10 GMT", None, YEAR),
        ("Mon, 02 Mar 99999999999999999999 08:00:10 GMT", None, None),
        ("Mon, 32 Mar 2026 08:00:10 GMT", None, None),
    ],
)
def test_retry_after_is_read_in_all_its_forms(said: str, date: str | None, seconds: float | None) -> None:
    headers = {"retry-after": said} | ({} if date is None else {"date": date})
    assert retry_after_seconds(headers, NOW) == seconds


def test_a_budget_of_any_length_is_no_error() -> None:
    slept: list[float] = []
    pace = Pace(Limits(requests_per_second=1e6), sleep=slept.append)
    for remaining in ("9" * 5000, "0" * 5000, "\u0660"):
        for reset in ("9" * 5000, "1", "", "\u0661"):
            pace.note({"RateLimit-Remaining": remaining, "RateLimit-Reset": reset}, NOW)
    pace.wait()
    assert 0 < max(slept) <= 1
