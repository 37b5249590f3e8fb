"""What was written by clients: stored answers (for idempotency), and the book of what arrived."""

from collections import Counter
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import msgspec

from sandbox import instants
from sandbox.http.problems import ProblemError
from sandbox.http.reading import Call
from sandbox.store import Store, decode, encode
from sandbox.streams import Record


@dataclass(frozen=True, slots=True)
class Answer:
    """What a write is answered with."""

    status: int
    body: bytes
    location: str | None = None
    is_replay: bool = False


def fingerprint(call: Call, system: str) -> str:
    """Tell whether two requests with one key ask for the same."""
    text = msgspec.json.encode([system, call.operation.name, call.path, call.body], order="sorted")
    return blake2b(text, digest_size=16).hexdigest()


def stored_answer(store: Store, client: str, call: Call, mark: str) -> Answer | None:
    """Give the first answer to this key again, if there is one.

    Raises:
        ProblemError: The key was used for something else (422).
    """
    row = store.one(
        "select fingerprint, status, body, location from answers where client = ? and idempotency_key = ?",
        client,
        call.idempotency_key,
    )
    if row is None:
        return None
    if row[0] != mark:
        raise ProblemError(422, "The Idempotency-Key was used before, for another request.")
    store.run(
        "update answers set replays = replays + 1 where client = ? and idempotency_key = ?",
        client,
        call.idempotency_key,
    )
    return Answer(row[1], row[2], row[3], is_replay=True)


def keep_answer(store: Store, client: str, call: Call, mark: str, answer: Answer) -> None:
    """Keep the first answer to a key."""
    store.run(
        "insert into answers (client, idempotency_key, fingerprint, status, body, location) values (?, ?, ?, ?, ?, ?)",
        client,
        call.idempotency_key,
        mark,
        answer.status,
        answer.body,
        answer.location,
    )


def book(store: Store, call: Call, answer: Answer, now: int) -> None:
    """Write down that a write had its effect."""
    record: Record = decode(answer.body)
    subject = next((record[name] for name in record if name.endswith("_id")), None)
    store.run(
        "insert into received (operation, idempotency_key, external_key, subject_id, partner_id, kind, at, body)"
        " values (?, ?, ?, ?, ?, ?, ?, ?)",
        call.operation.name,
        call.idempotency_key,
        call.body.get("external_key"),
        subject,
        record.get("partner_id"),
        call.body.get("kind"),
        now,
        encode(call.body),
    )


def book_refusal(store: Store, call: Call, problem: ProblemError, now: int) -> None:
    """Write down that a write was refused."""
    store.run(
        "insert into refused (operation, path, idempotency_key, at, status, detail, body) values (?, ?, ?, ?, ?, ?, ?)",
        call.operation.name,
        "/".join(map(str, call.path.values())),
        call.idempotency_key,
        now,
        problem.status,
        problem.detail,
        encode(call.body),
    )


def writes(store: Store) -> dict[str, list[Record]]:
    """List every write that clients sent, whole: those that had an effect, and those that were refused."""
    effects = store.all(
        "select seq, operation, subject_id, partner_id, idempotency_key, external_key, at, body from received"
        " order by seq"
    )
    refusals = store.all("select operation, path, idempotency_key, at, status, detail, body from refused order by seq")
    names = ("seq", "operation", "subject_id", "partner_id", "idempotency_key", "external_key", "at")
    refused = ("operation", "path", "idempotency_key", "at", "status", "detail")
    return {
        "writes": [_entry(names, row) for row in effects],
        "refused": [_entry(refused, row) for row in refusals],
    }


def _entry(names: tuple[str, ...], row: tuple[Any, ...]) -> Record:
    """Put a row into members; the last one is the body."""
    entry = dict(zip(names, row[:-1], strict=True))
    return entry | {"at": instants.utc(entry["at"]), "body": decode(row[-1])}


def summary(store: Store) -> dict[str, Any]:
    """Sum up what arrived."""
    effects = dict(store.all("select operation, count(*) from received group by operation order by operation"))
    arrivals = dict(store.all("select idempotency_key, replays + 1 from answers"))
    notices = store.all(
        "select external_key, idempotency_key, kind, partner_id from received"
        " where operation = 'postNotice' order by seq"
    )
    by_key: dict[str, dict[str, Any]] = {}
    for external_key, key, _, _ in notices:
        entry = by_key.setdefault(external_key, {"notices": 0, "idempotency_keys": {}})
        entry["notices"] += 1
        entry["idempotency_keys"][key] = arrivals.get(key, 1)
    twice = store.all(
        "select operation, external_key, count(*) from received where external_key is not null"
        " and operation in ('postNotice', 'createDelivery', 'createComment')"
        " group by operation, external_key having count(*) > 1 order by operation, external_key"
    )
    return {
        "effects": effects,
        "replays": sum(count - 1 for count in arrivals.values()),
        "notices": {
            "total": len(notices),
            "by_kind": dict(Counter(kind for _, _, kind, _ in notices)),
            "by_partner": dict(Counter(partner for _, _, _, partner in notices)),
            "by_external_key": by_key,
        },
        "duplicates": [{"operation": op, "external_key": key, "effects": count} for op, key, count in twice],
    }


def posted_notices(store: Store, partner_id: str | None) -> list[Record]:
    """List the notices that clients posted, as posted, with the ids they got."""
    rows = store.all(
        "select subject_id, idempotency_key, at, body from received where operation = 'postNotice'"
        " and (? is null or partner_id = ?) order by seq",
        partner_id,
        partner_id,
    )
    return [
        {"notice_id": subject, "idempotency_key": key, "posted_at": at, **decode(body)}
        for subject, key, at, body in rows
    ]
