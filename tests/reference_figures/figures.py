"""What each figure counts (docs/domain.md 11), from what ever arrived: the slow reference.

Here belong: K3 to K7, K9 and K13 as lists of things. Not here: K1, K2, K8, K10, K11 and K12 (a module each), pages and
lags (feeds.py), rates (things.py), the rows that they rest on (tests/reference). It shares nothing with the SQL.
"""

from datetime import datetime, timedelta

from tests.reference.acknowledgment_classes import acknowledgment_classes
from tests.reference.announcements import announced_at, announcements
from tests.reference.holdings import Copy, acknowledgments, copies
from tests.reference.obligations import obligations
from tests.reference.policy import ANNOUNCEMENTS
from tests.reference.positions import positions
from tests.reference.records import Knowledge, Record, required_instant, text
from tests.reference.sent import ObligationKey
from tests.reference.versions import Life, Place, lives_of, versions_of
from tests.reference_figures.accesses import Access, accesses, obsolete_copies
from tests.reference_figures.things import Thing, Things, Wait
from tests.reference_figures.worlds import World

NO_PERSON = frozenset({"auto", "proxy"})
ENTITLEMENTS = ("unknown_identity", "barred", "explicit_deny", "no_grant")
VECTORS = ("direct", "bulk", "share_link", "embed", "portal", "email_link", "sftp", "as2", "api")
STATES = (
    *("acknowledged", "acknowledged_late", "void", "closed_by_later", "exempt"),
    *("exception_requested", "declined", "overdue", "pending"),
)


def _is_joiner(world: World, key: ObligationKey, due_at: datetime) -> bool:
    """Whether it came into the audience later than at an instant at which the notice was due."""
    known = world.known
    partner_id, asset_id, version_no, kind = key
    partner = known.find("partners", partner_id)
    if kind not in ANNOUNCEMENTS or partner is None:
        return False
    place = Place(str(partner["region"]), str(partner["timezone"]))
    version = versions_of(known, asset_id)[version_no]
    instants = [
        life.effective_at if life.is_reinstated else announced_at(version, life, world.policy)
        for life in lives_of(known, asset_id, place)
        if life.version_no == version_no
    ]
    return due_at not in instants


def coverage(world: World) -> Things:
    """K3: affected partners at the effective instant, and those of them that were sent a notice."""
    owed = obligations(world.arrivals, as_of=world.as_of, policy=world.policy)
    affected = [
        Thing(key[0], key[1], due_at, numerator=owed[key].sent_at is not None, denominator=True)
        for key, due_at in announcements(world.known, world.as_of, world.policy).items()
        if not _is_joiner(world, key, due_at)
    ]
    return {("K3", "notice_coverage"): affected}


def responses(world: World) -> Things:
    """K4: any response, acknowledged, acknowledged in time."""
    owed = obligations(world.arrivals, as_of=world.as_of, policy=world.policy)
    classes = acknowledgment_classes(world.arrivals, as_of=world.as_of, policy=world.policy)
    kinds = {str(record["ack_id"]): record["kind"] for record in world.known.current("acknowledgments")}
    said = {(ack_id, key) for (ack_id, key), name in classes.items() if name != "revoked"}
    responded = {key for ack_id, key in said if kinds[ack_id] not in NO_PERSON}
    found: Things = {}
    for key, row in owed.items():
        if row.sent_at is None or row.due_at is None:
            continue
        is_due = row.due_at <= world.as_of

        def put(
            measure: str, *, counts: bool, of: bool = True, key: ObligationKey = key, at: datetime = row.sent_at
        ) -> None:
            thing = Thing(key[0], key[1], at, numerator=counts and of, denominator=of, censored=not of)
            found.setdefault(("K4", measure), []).append(thing)

        put("response", counts=key in responded)
        put("acknowledgment", counts=row.state in {"acknowledged", "acknowledged_late"})
        put("on_time", counts=row.state == "acknowledged", of=is_due)
        for state in STATES:
            put(f"state_{state}", counts=row.state == state)
    return found


def currency(world: World) -> Things:
    """K5: current of what is held and has a target; unknown versions apart."""
    found: Things = {("K5", "currency"): [], ("K5", "unknown_version"): []}
    for (partner_id, asset_id), row in positions(world.arrivals, as_of=world.as_of).items():
        has_both = bool(row.held_versions) and row.target_version_no is not None
        is_unknown = row.position == "unknown_version"
        if has_both or is_unknown:
            is_current = row.position == "current"
            thing = Thing(partner_id, asset_id, None, numerator=is_current, denominator=has_both, excluded=is_unknown)
            found["K5", "currency"].append(thing)
            thing = Thing(partner_id, asset_id, None, numerator=is_unknown, denominator=True)
            found["K5", "unknown_version"].append(thing)
    return found


def violations(world: World) -> Things:
    """K9: by verdict, then and now, out of what was an access; a denied attempt is none."""
    counted = [access for access in accesses(world.arrivals, world.as_of) if access.kind != "denied"]
    found: Things = {}
    for when in ("now", "then"):
        for name in ("violations", *ENTITLEMENTS):
            found["K9", f"{name}_{when}"] = [
                _access_thing(access, counts=_is_against(access, when, name)) for access in counted
            ]
    return found


def _is_against(access: Access, when: str, name: str) -> bool:
    verdict = access.now if when == "now" else access.then
    if verdict is None:
        return False
    return verdict.entitlement != "ok" if name == "violations" else verdict.entitlement == name


def _access_thing(access: Access, *, counts: bool) -> Thing:
    return Thing(access.partner_id, access.asset_id, access.happened_at, numerator=counts, denominator=True)


def obsolete(world: World) -> Things:
    """K7: copies obtained at or after the version's end, in all and by reason, grace, vector, identity."""
    sorts = ("", "_withdrawn", "_expired", "_superseded", "_in_grace", "_after_grace", "_by_unknown_identity")
    found: Things = {("K7", f"obsolete{sort}"): [] for sort in (*sorts, *(f"_by_{vector}" for vector in VECTORS))}
    for copy in obsolete_copies(world.known, world.as_of):
        thing = Thing(copy.partner_id, copy.asset_id, copy.obtained_at, numerator=True)
        found.setdefault(("K7", "obsolete"), []).append(thing)
        found.setdefault(("K7", f"obsolete_{copy.reason}"), []).append(thing)
        grace = "in" if copy.is_in_grace else "after"
        found.setdefault(("K7", f"obsolete_{grace}_grace"), []).append(thing)
        if copy.vector is not None:
            found.setdefault(("K7", f"obsolete_by_{copy.vector}"), []).append(thing)
        if not copy.is_partner_known:
            found.setdefault(("K7", "obsolete_by_unknown_identity"), []).append(thing)
    return found


def evidence(world: World) -> Things:
    """K13: version and identity of events, digests, acknowledgments that found their obligation."""
    known, found = world.known, Things()
    events = accesses(world.arrivals, world.as_of)
    found["K13", "with_version"] = [
        _access_thing(access, counts=access.now.timing != "version_unknown") for access in events
    ]
    found["K13", "with_identity"] = [
        _access_thing(access, counts=access.now.entitlement != "unknown_identity") for access in events
    ]
    found["K13", "deliveries_with_digest"] = [
        _access_thing(access, counts=text(_delivery(known, access), "checksum_sha256") is not None)
        for access in events
        if access.kind == "delivery"
    ]
    classes = acknowledgment_classes(world.arrivals, as_of=world.as_of, policy=world.policy)
    joined = {ack_id for (ack_id, key) in classes if key is not None}
    assets = {ack.ack_id: ack.asset_id for ack in acknowledgments(known)}
    found |= {("K13", "acknowledgments_joined"): [], ("K13", "acknowledgments_with_digest"): []}
    for record in known.current("acknowledgments"):
        ack_id, at = str(record["ack_id"]), required_instant(record, "occurred_at")
        if at <= world.as_of:
            for measure, counts in (
                ("acknowledgments_joined", ack_id in joined),
                ("acknowledgments_with_digest", text(record, "content_digest") is not None),
            ):
                thing = Thing(str(record["partner_id"]), assets.get(ack_id), at, numerator=counts, denominator=True)
                found["K13", measure].append(thing)
    return found


def _delivery(known: Knowledge, access: Access) -> Record:
    return known.find("deliveries", access.subject_id) or {}


def times(world: World) -> Things:
    """K6: how long each version took to replace an older one; no wait where it was there before it took effect."""
    known = world.known
    obtained = [copy for copy in copies(known) if copy.obtained_at <= world.as_of and copy.version_no is not None]
    found: Things = {("K6", "time_to_currency"): [], ("K6", "prepositioned"): []}
    for partner_id, asset_id in sorted({(copy.partner_id, copy.asset_id) for copy in obtained}):
        partner = known.find("partners", partner_id)
        if partner is None or known.find("assets", asset_id) is None:
            continue
        mine = [copy for copy in obtained if (copy.partner_id, copy.asset_id) == (partner_id, asset_id)]
        place = Place(str(partner["region"]), str(partner["timezone"]))
        begun = [life for life in lives_of(known, asset_id, place) if life.effective_at <= world.as_of]
        for version_no in sorted({life.version_no for life in begun}):
            own = [life for life in begun if life.version_no == version_no]
            wait = _wait(world, mine, own)
            if wait is None:
                continue
            at, is_ahead = own[0].effective_at, wait == "prepositioned"
            found["K6", "prepositioned"].append(Thing(partner_id, asset_id, at, numerator=is_ahead, denominator=True))
            found["K6", "time_to_currency"].append(
                Thing(partner_id, asset_id, at, excluded=is_ahead, wait=wait if isinstance(wait, Wait) else None)
            )
    return found


def _wait(world: World, mine: list[Copy], lives: list[Life]) -> Wait | str | None:
    """One version's wait; a word where it was prepositioned, None where it had nothing to replace."""
    number, effective_at = lives[0].version_no, lives[0].effective_at
    older = [copy.obtained_at for copy in mine if copy.version_no is not None and copy.version_no < number]
    first = min((copy.obtained_at for copy in mine if copy.version_no == number), default=None)
    if not older:
        return None
    if first is not None and first < effective_at:
        return "prepositioned"
    started_at = max(effective_at, min(older))
    if first is not None:
        return Wait(max(first - started_at, timedelta(0)), is_reached=True)
    ends = [life.ended_at for life in lives]
    last_end = None if None in ends else max(end for end in ends if end is not None)
    if last_end is None or last_end > world.as_of:
        return Wait(world.as_of - started_at, is_reached=False)
    return Wait(last_end - started_at, is_reached=False) if started_at < last_end else None
