"""A scene: what a random network is about, and how a record is put into it.

Here belong: the ids in play (few, so that everything collides), the pool of instants,
and the habit of every record. Not here: which records there are (casts.py).
"""

from dataclasses import dataclass, field
from datetime import datetime

from tests.reference.dice import ERAS, MICROSECOND, STEPS, Dice, Era, spell
from tests.reference.records import Record

PARTNERS = ("p1", "P1", "p2", "p3", "p4")
ASSETS = ("a1", "A1", "a2", "a3")
CHECKSUMS = ("c" * 64, "d" * 64, "e" * 64)
REGIONS = ("US-CA", "US", "US-CAL", "DE", "DE-BY")
RESTRICTED = ("US-CA", "US", "DE", "US-CAL", "U")
UNKNOWN_VERSION_NO = 99


@dataclass
class Scene:
    """Everything that the parts of a network share."""

    dice: Dice
    era: Era
    instants: list[datetime]
    partners: tuple[str, ...]
    assets: tuple[str, ...]
    vip_partners: list[str] = field(default_factory=list)
    grid_assets: dict[str, list[str]] = field(default_factory=dict)
    version_count: dict[str, int] = field(default_factory=dict)
    users: list[str] = field(default_factory=list)
    vip_users: list[str] = field(default_factory=list)
    segments: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    packages: list[str] = field(default_factory=list)
    deliveries: list[Record] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    notices: list[Record] = field(default_factory=list)
    records: list[tuple[str, Record]] = field(default_factory=list)

    def moment(self, *, early: bool | None = None) -> datetime:
        """Pick an instant of the pool, now and then a microsecond beside it."""
        middle = len(self.instants) // 2
        pool = self.instants
        if early is not None and self.dice.chance(70):
            pool = pool[: middle + 1] if early else pool[middle:]
        at = self.dice.pick(pool)
        if self.dice.chance(5):
            return at + self.dice.pick((MICROSECOND, -MICROSECOND))
        return at

    def at(self, *, early: bool | None = None) -> str:
        """Spell an instant of the pool."""
        return spell(self.dice, self.moment(early=early))

    def maybe(self, percent: int, value: object, record: Record, name: str) -> None:
        """Set an optional field; where it has no value, leave it out or null."""
        if self.dice.chance(percent):
            record[name] = value
        elif self.dice.chance(30):
            record[name] = None

    def add(self, stream: str, record: Record) -> None:
        """Put one edition into the scene."""
        self.records.append((stream, record))

    def revise(self, stream: str, record: Record, changes: Record, stamp: str = "updated_at") -> Record:
        """Put another edition of a record into the scene."""
        edition = {**record, **changes, stamp: self.at()}
        self.add(stream, edition)
        return edition

    def region(self) -> str:
        """Pick a partner's region."""
        return self.dice.pick(REGIONS)

    def zone(self) -> str:
        """Pick an IANA zone of the era."""
        return self.dice.pick(self.era.zones)

    def local(self) -> str:
        """Pick a local time: often one that a clock change skips or repeats."""
        if self.dice.chance(40):
            naive = self.moment().replace(tzinfo=None, microsecond=0)
            return naive.isoformat(timespec="seconds")
        return self.dice.pick(self.era.locals)

    def grid_asset(self, asset_id: str) -> str:
        """Pick a name of the asset as Trading Grid names it."""
        return self.dice.pick(self.grid_assets[asset_id])

    def version_no(self, asset_id: str) -> int:
        """Pick a version of the asset, now and then one that VIP does not know."""
        if self.dice.chance(6):
            return UNKNOWN_VERSION_NO
        return self.dice.count(1, self.version_count.get(asset_id, 1))

    def any_asset(self) -> str:
        """Pick an asset by VIP's id, now and then one that nobody knows."""
        if self.dice.chance(2):
            return "a-unknown"
        return self.dice.pick(self.assets)

    def vip_partner(self) -> str:
        """Pick a partner as VIP names it, now and then one that nobody knows."""
        if self.dice.chance(2):
            return "v-unknown"
        return self.dice.pick(self.vip_partners)

    def grid_partner(self) -> str:
        """Pick a partner as Trading Grid names it."""
        return self.dice.pick(self.partners)


def new_scene(dice: Dice, *, is_small: bool) -> Scene:
    """Open a scene in one era, with a pool of instants to collide on."""
    era = dice.pick(ERAS)
    wanted = dice.count(5, 8) if is_small else dice.count(7, 11)
    moments = {era.anchor + dice.pick(STEPS) for _ in range(wanted)}
    partners = PARTNERS[: dice.count(2, 3) if is_small else dice.count(2, 5)]
    assets = ASSETS[: dice.count(1, 2) if is_small else dice.count(1, 4)]
    return Scene(dice, era, sorted(moments), partners, assets)
