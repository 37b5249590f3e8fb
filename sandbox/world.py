"""The world between the two servers: its clock, its agenda, and the one way in which a record is written."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox import instants
from sandbox.agenda import Agenda
from sandbox.dice import Dice, digest
from sandbox.index import Index
from sandbox.instants import DAY, HOUR, MINUTE
from sandbox.store import Store, encode
from sandbox.streams import STREAMS, Record

HAND_OVER = 5 * DAY
"""So long before the start the producer's desk stopped taking up requests, issues and notices by hand."""

_PLAN = ("seed", "scale", "start", "history_days")
_CHUNK = 7 * DAY
_BLOCK = 30 * DAY
_OUTAGE_STREAM = "access_events"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a network is a function of."""

    seed: int
    scale: int
    start: int
    history_days: int = 273


class World:
    """The living network of one (seed, scale, start)."""

    def __init__(self, path: Path, plan: Plan, handlers: Mapping[str, "Handler"]) -> None:
        """Open the network's file; `found` has to follow where it is new."""
        self.store = Store(path)
        self.agenda = Agenda(self.store)
        self.handlers = handlers
        kept = [self.store.setting(name) for name in (*_PLAN, "clock")]
        self.is_new = kept[-1] is None
        *parts, clock = (int(value) if value else 0 for value in kept)
        self.plan = plan if self.is_new else Plan(*parts)
        self.seed, self.scale, self.start = self.plan.seed, self.plan.scale, self.plan.start
        self.now = plan.start - plan.history_days * DAY if self.is_new else clock
        self.index = Index(self.store)
        self._has_written = False

    @property
    def generation(self) -> str:
        """Name the data set, for cursors."""
        return digest(*(getattr(self.plan, name) for name in _PLAN))[:8]

    @property
    def is_handed_over(self) -> bool:
        """Whether the producer's people leave the desk to their tool."""
        return self.now >= self.start - HAND_OVER

    def found(self, founding: Callable[["World"], None]) -> None:
        """Found the network, and live through its history."""
        with self.living():
            for name in _PLAN:
                self.store.set_setting(name, getattr(self.plan, name))
            founding(self)
            self.agenda.flush()
        self.advance(self.start)
        self.is_new = False

    @contextmanager
    def living(self) -> Iterator[None]:
        """Everything within happens, or nothing."""
        try:
            with self.store.transaction():
                yield
        except BaseException:
            self.agenda.forget()
            if self._has_written:
                self.index = Index(self.store)
            raise
        finally:
            self._has_written = False

    def advance(self, target: int) -> int:
        """Live until an instant (inclusive); count what happened."""
        happened = 0
        while True:
            until = min(target, self.now + _CHUNK)
            with self.living():
                happened += self._live(until)
                self.store.set_setting("clock", until)
            if until == target:
                return happened

    def _live(self, until: int) -> int:
        happened = 0
        self.agenda.begin(until)
        while (entry := self.agenda.pop()) is not None:
            self.now = max(self.now, entry.due_at)
            self.handlers[entry.kind](self, entry.args)
            happened += 1
        self.agenda.end()
        self.now = until
        return happened

    def dice(self, *purpose: object) -> Dice:
        """Draws for a purpose."""
        return Dice(self.seed, *purpose)

    def emit(self, stream: str, record: Record, *, is_prompt: bool = False) -> bytes:
        """Write a record down, and serve it: at once if prompt, else with the blemishes of any feed."""
        kind = STREAMS[stream]
        key = kind.key_of(record)
        if is_prompt:
            record = self._after_the_last(stream, key, record)
        body = encode(record)
        if kind.is_kept:
            self.store.put(stream, key, body)
        self.index.apply(stream, record)
        self._has_written = True
        held = 0 if is_prompt else self._blemish(stream, key, body)
        if held:
            self.agenda.push(
                self.now + held, "feed.item", f"held:{stream}:{key}:{self.now}", stream=stream, body=body.decode()
            )
        else:
            self.store.append(stream, self.now, body)
        return body

    def _after_the_last(self, stream: str, key: str, record: Record) -> Record:
        """Let an edition made while the clock stands still be later than the one before, by a microsecond."""
        before = self.store.get(stream, key)
        if before is None or not before.get("updated_at") or not record["updated_at"]:
            return record
        last = instants.parse(before["updated_at"])
        return record if instants.parse(record["updated_at"]) > last else record | {"updated_at": self.text(last + 1)}

    def _blemish(self, stream: str, key: str, body: bytes) -> int:
        """Serve one in 80 twice, and hold one in 150 back, so that it may come after a newer edition."""
        dice = self.dice("blemish", stream, key, self.now)
        again, held = dice.unit(), dice.unit()
        if again < 1 / 80:
            later = self.now + dice.between(21 * HOUR, 40 * HOUR)
            self.agenda.push(later, "feed.item", f"again:{stream}:{key}:{self.now}", stream=stream, body=body.decode())
        is_edited = stream in {"deliveries", "requests", "issues", "asset_versions", "campaign_tasks", "comments"}
        return dice.between(5 * MINUTE, 20 * HOUR) if is_edited and held < 1 / 150 else 0

    def watermark(self, stream: str) -> int:
        """Tell up to when a feed is whole: now, or the beginning of an outage of its recorder."""
        if stream == _OUTAGE_STREAM:
            begin, end = self.outage(self.now)
            if begin <= self.now < end:
                return begin
        return self.now

    def outage(self, instant: int) -> tuple[int, int]:
        """Give the stretch of this block of thirty days in which access events were not recorded; it may be empty."""
        block = (instant - self.start) // _BLOCK
        dice = self.dice("outage", block)
        begin = self.start + block * _BLOCK + dice.between(5 * DAY, 24 * DAY)
        return (begin, begin + dice.between(6 * HOUR, 60 * HOUR)) if dice.chance(0.6) else (begin, begin)

    def text(self, instant: int) -> str:
        """Write an instant as VIP does."""
        return instants.utc(instant)

    def partner_text(self, instant: int, partner_id: str) -> str:
        """Write an instant as Trading Grid does for a partner: with the partner's offset."""
        return instants.with_offset(instant, self.index.partners[partner_id]["timezone"])


Handler = Callable[[World, Record], None]


def serve_item(world: World, args: Record) -> None:
    """Serve an item (again)."""
    world.store.append(args["stream"], world.now, args["body"].encode())


HANDLERS: dict[str, Handler] = {"feed.item": serve_item}
