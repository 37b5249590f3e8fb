"""What partners do by themselves: fetch what is new, look at it, fetch what is old, try what they may not."""

from sandbox import instants
from sandbox.dice import Dice
from sandbox.instants import DAY, HOUR, MINUTE
from sandbox.life import answers, deliveries, holding, versions
from sandbox.life.access import record_access
from sandbox.life.deliveries import Parcel
from sandbox.network import library, partners, words
from sandbox.streams import Record
from sandbox.world import Handler, World


def announce(world: World, args: Record) -> None:
    """A version was approved (or its date moved): everyone entitled decides when to fetch it, if at all."""
    version = world.store.get("asset_versions", args["asset"], args["version"])
    if version is None or versions.is_over(world, version):
        return
    for partner in world.index.audience(args["asset"]):
        if not versions.is_barred(world, version, partner):
            _decide(world, version, partner, is_old=args["is_old"])
    start = max(world.now, _publisher_begin(world, version))
    if not args["is_old"]:
        world.agenda.push(
            start,
            "notice.round",
            f"{args['asset']}:{args['version']}:{start}",
            asset=args["asset"],
            version=args["version"],
        )


def _publisher_begin(world: World, version: Record) -> int:
    zone = world.index.assets[version["asset_id"]]["publisher_timezone"]
    return instants.resolve(version["effective_local"], zone) if version["effective_local"] else world.now


def _decide(world: World, version: Record, partner: str, *, is_old: bool) -> None:
    asset, number = version["asset_id"], version["version_no"]
    habits = partners.habits(world.seed, partner)
    dice = world.dice("adopt", partner, asset, number)
    begin = max(world.now, versions.effective_at(world, version, partner))
    subject = f"{partner}:{asset}:{number}"
    args = {"partner": partner, "asset": asset}
    if is_old:
        if dice.chance(0.95):
            world.agenda.push(world.now + dice.between(HOUR, 20 * DAY), "asset.fetch", subject, **args)
        return
    if begin > world.now + DAY and dice.chance(0.05):
        world.agenda.push(
            world.now + dice.between(HOUR, 20 * HOUR), "asset.fetch", f"{subject}:ahead", **args, version=number
        )
    if dice.chance(habits.adopts):
        wait = (
            dice.skewed(10 * MINUTE, 7 * DAY * habits.pace)
            if not habits.is_integrated
            else dice.between(5 * MINUTE, 8 * HOUR)
        )
        world.agenda.push(begin + wait, "asset.fetch", subject, **args)
    elif dice.chance(0.4):
        world.agenda.push(begin + dice.between(9 * DAY, 60 * DAY), "asset.fetch", subject, **args)
    if number > 1 and dice.chance(0.03):
        world.agenda.push(begin + dice.between(DAY, 45 * DAY), "asset.stray", subject, **args, version=number - 1)


def fetch(world: World, args: Record) -> None:
    """A partner gets what it should have now, or the version that it was after."""
    partner, asset = args["partner"], args["asset"]
    if not world.index.is_active(partner) or (
        not world.index.may_download(partner, asset) and not args.get("is_granted")
    ):
        return
    version = (
        world.store.get("asset_versions", asset, args["version"])
        if "version" in args
        else versions.target(world, asset, partner)
    )
    if version is None or version["approval_status"] != "approved":
        return
    number = version["version_no"]
    dice = world.dice("fetch", partner, asset, number, world.now)
    if holding.has(world, partner, asset, number) and not dice.chance(0.1):
        return
    habits = partners.habits(world.seed, partner)
    if habits.is_integrated and dice.chance(0.85) and "version" not in args:
        deliveries.send(world, Parcel(partner, asset, number, habits.channel), f"habit:{world.now}")
    elif habits.channel == "email_link" and dice.chance(0.5):
        deliveries.send(world, Parcel(partner, asset, number, "email_link"), f"habit:{world.now}")
    else:
        download(world, partner, asset, number, dice)
    if dice.chance(0.06):
        kind = dice.weighted((("received", 3.0), ("completed", 2.0), ("accepted", 1.0)))
        answers.plan(world, (partner, asset, number), kind, dice.between(30 * MINUTE, 2 * DAY))


def download(world: World, partner: str, asset: str, number: int, dice: Dice) -> None:
    """A partner's person looks at a version, perhaps, and downloads it."""
    if dice.chance(0.3):
        record_access(world, partner, asset, number, dice.pick(("previewed", "opened")))
    vector = dice.weighted((("direct", 8.0), ("bulk", 1.5), ("share_link", 0.4), ("embed", 0.2)))
    record_access(world, partner, asset, number, "downloaded", vector=vector)
    holding.obtain(world, partner, asset, number)


def stray(world: World, args: Record) -> None:
    """A partner fetches an older version once more, by an old link."""
    if world.index.is_active(args["partner"]):
        record_access(world, args["partner"], args["asset"], args["version"], "downloaded", vector="share_link")
        holding.obtain(world, args["partner"], args["asset"], args["version"])


def trespass(world: World, args: Record) -> None:
    """Somebody tries what it may not: mostly it is denied, now and then it works."""
    number = args["number"]
    dice = world.dice("trespass", number)
    world.agenda.push(
        world.now + dice.between(10 * HOUR, 4 * DAY) // world.scale, "trespass", str(number + 1), number=number + 1
    )
    partner = dice.pick(partners.partner_ids(world.scale))
    asset = dice.pick(list(library.asset_plans(world.seed, world.scale)))
    last = world.index.last_version.get(asset)
    if last is None or not world.index.is_active(partner) or world.index.may_download(partner, asset):
        return
    works = dice.chance(0.12)
    record_access(
        world, partner, asset, last, "downloaded" if works else "denied", vector="share_link" if works else "direct"
    )
    if works:
        holding.obtain(world, partner, asset, last)
    elif dice.chance(0.2):
        answers.remark(world, ("asset", asset), partner, dice.pick(words.COMMENTS), f"trespass:{number}")


HANDLERS: dict[str, Handler] = {
    "version.announce": announce,
    "asset.fetch": fetch,
    "asset.stray": stray,
    "trespass": trespass,
}
