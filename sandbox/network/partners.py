"""Who holds the producer's assets: partners, their people, their groups; a function of seed and scale."""

from dataclasses import dataclass
from functools import lru_cache

from sandbox.dice import Dice, digest
from sandbox.network import words
from sandbox.network.words import Place
from sandbox.streams import Record

PARTNERS_AT_SCALE_1 = 60
_CHANNELS = (("ONTRADE", 3.0), ("OFFTRADE", 4.0), ("ONLINE", 2.0))


@dataclass(frozen=True, slots=True)
class Habits:
    """How a partner goes about its business; a function of seed and partner."""

    channel: str
    """How deliveries reach it: `portal`, `email_link`, `sftp`, `as2` or `api`."""
    adopts: float
    """How likely it is to fetch a new version by itself, soon."""
    answers: float
    """How likely it is to answer a notice."""
    pace: float
    """How long it takes for everything; 1 is usual."""
    has_system: bool
    """A system confirms notices before people see them."""

    @property
    def is_integrated(self) -> bool:
        """Whether files reach it without anybody clicking."""
        return self.channel in {"sftp", "as2", "api"}


@lru_cache(maxsize=20_000)
def habits(seed: int, partner_id: str) -> Habits:
    """Give the habits of a partner."""
    dice = Dice(seed, "habits", partner_id)
    kind = dice.weighted((("integrated", 26), ("keen", 30), ("usual", 28), ("lax", 11), ("asleep", 5)))
    channel = (
        dice.pick(("sftp", "as2", "api")) if kind == "integrated" else dice.pick(("portal", "portal", "email_link"))
    )
    adopts, answers, pace = {
        "integrated": (0.95, 0.72, 0.7), "keen": (0.84, 0.92, 0.6), "usual": (0.66, 0.76, 1.0),
        "lax": (0.36, 0.42, 2.2), "asleep": (0.15, 0.08, 3.0),
    }[kind]  # fmt: skip
    return Habits(channel, adopts, answers, pace, kind == "integrated" and dice.chance(0.6))


def partner_ids(scale: int) -> list[str]:
    """List the partners, in the order of founding."""
    return [f"P-{1001 + number}" for number in range(PARTNERS_AT_SCALE_1 * scale)]


def newcomer_id(number: int) -> str:
    """Name a partner that joins after the founding; it is no branch of anybody."""
    return f"P-{90_003 + 9 * number}"


def place_of(seed: int, partner_id: str) -> Place:
    """Tell where a partner is; a family is in one place."""
    return Dice(seed, "place", _head(partner_id)).weighted([(place, place.weight) for place in words.PLACES])


def parent_of(partner_id: str) -> str | None:
    """Name the parent: every ninth partner has two branches."""
    head = _head(partner_id)
    return None if head == partner_id else head


def partner_record(seed: int, partner_id: str, updated_at: str) -> Record:
    """Write a partner as it joins."""
    dice, place = Dice(seed, "partner", partner_id), place_of(seed, partner_id)
    number = int(partner_id.removeprefix("P-"))
    return {
        "partner_id": partner_id,
        "name": partner_name(seed, partner_id),
        "parent_partner_id": parent_of(partner_id),
        "region": place.region,
        "timezone": place.timezone,
        "locale": place.locale,
        "tier": dice.weighted((("gold", 2.0), ("silver", 4.0), ("bronze", 3.0), (None, 1.0))),
        "status": "active",
        "left_at": None,
        "trading_addresses": [f"ZZ:VG{number:06d}", *([f"14:{_gln(number)}"] if dice.chance(0.4) else [])],
        "gln": _gln(number) if dice.chance(0.8) else None,
        "updated_at": updated_at,
        "deleted_at": None,
    }


def partner_name(seed: int, partner_id: str) -> str:
    """Name a partner; branches bear the name of their head."""
    head, place = _head(partner_id), place_of(seed, partner_id)
    number = int(head.removeprefix("P-")) - 1001
    family = words.FAMILY_NAMES[(number * 7 + Dice(seed, "names").between(0, 39)) % len(words.FAMILY_NAMES)]
    trades = words.TRADES.get(place.locale[:2], words.TRADES["en"])
    label = f"{family} {Dice(seed, 'trade', head).pick(trades)}"
    branch = int(partner_id.removeprefix("P-")) - int(head.removeprefix("P-"))
    return label if not branch else f"{label}, {place.city} {('I', 'II')[branch - 1]}"


def user_records(seed: int, partner_id: str, updated_at: str) -> list[Record]:
    """Write the people of a partner, and its system if it has one."""
    dice = Dice(seed, "users", partner_id)
    number = partner_id.removeprefix("P-")
    records = []
    for position, name in enumerate(dice.some(words.PEOPLE, dice.between(1, 3)), start=1):
        login = name.lower().replace(" ", ".").encode("ascii", "ignore").decode()
        records.append(_user(f"U-{number}-{position}", partner_id, f"{login}.{number}", name, updated_at))
    if habits(seed, partner_id).has_system:
        records.append(_user(f"U-{number}-SYS", partner_id, f"svc.{number}", None, updated_at))
    return records


def brand_positions(seed: int, partner_id: str, count: int) -> list[int]:
    """Tell which brands a partner carries: two to four; a family carries the same."""
    dice = Dice(seed, "carries", _head(partner_id))
    return dice.some(range(count), dice.weighted(((2, 3.0), (3, 4.0), (4, 2.0))))


def group_ids(seed: int, partner_id: str, codes: list[str]) -> list[str]:
    """Name the groups that a partner is in, given the codes of the brands that it carries."""
    dice, cluster = Dice(seed, "groups", partner_id), place_of(seed, partner_id).cluster
    found = [f"GRP-CH-{dice.weighted(_CHANNELS)}", f"GRP-REG-{cluster}"]
    for code in codes:
        found += [f"GRP-{code}", f"GRP-{code}-{cluster}"]
        if dice.chance(0.55):
            found.append(f"GRP-{code}-ACT")
    return found


def vip_partner_id(partner_id: str) -> str | None:
    """Give VIP's own id of a partner, where it differs."""
    number = int(partner_id.removeprefix("P-"))
    return f"V-{number + 19_000}" if number % 7 == 3 else None  # noqa: PLR2004


def vip_user_id(user_id: str) -> str | None:
    """Give VIP's own id of a user, where it differs."""
    return f"VU-{digest('user', user_id)[:8]}" if int(digest(user_id)[:4], 16) % 9 == 0 else None


def _user(user_id: str, partner_id: str, login: str, name: str | None, updated_at: str) -> Record:
    return {
        "user_id": user_id,
        "partner_id": partner_id,
        "login_id": login,
        "display_name": name,
        "email": f"{login}@example.com",
        "roles": ["system"] if name is None else ["content_manager"],
        "status": "active",
        "updated_at": updated_at,
    }


def _head(partner_id: str) -> str:
    number = int(partner_id.removeprefix("P-"))
    return f"P-{number - number % 9}" if number % 9 in {1, 2} and number - number % 9 >= 1001 else partner_id  # noqa: PLR2004


def _gln(number: int) -> str:
    digits = f"40{number:010d}"
    total = sum(int(digit) * (3 if position % 2 else 1) for position, digit in enumerate(digits))
    return digits + str(-total % 10)
