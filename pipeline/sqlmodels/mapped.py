"""A profile's mapping as SQL: what each canonical field of a landed record is, as text.

Belongs here: paths and rules as DuckDB expressions over the record ``r``. Does not belong here: the rules' words
(``pipeline.ingest.profile_mapping``), which chunks are read (``pipeline.sqlmodels.relations``), types (SQL).

What cannot be turned into what its rule says stays as it came: staging then says what is wrong with it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pipeline.ingest.paths import EACH, choice_of, index_of
from pipeline.streams import Stream

_PER_SECOND: Final = {"epoch_seconds": 1, "epoch_milliseconds": 1_000, "epoch_microseconds": 1_000_000}
_INTEGER: Final = "'^[+-]?[0-9]+$'"
_NUMBER: Final = "'^-?[0-9]{1,17}([.][0-9]+)?$'"
# From the year 1 to the year 9999.
_EARLIEST, _LATEST = -62_135_596_800, 253_402_300_799
# Milliseconds would be of 1970 to 1973; a source that sends them sends seconds. So with microseconds and milliseconds.
_SECONDS_NOT_MILLISECONDS: Final = 99_999_999_999


@dataclass(frozen=True, slots=True)
class Otherwise:
    """Records that are read with a mapping of their own: which they are, as a condition."""

    condition: str
    mapping: Mapping[str, Any]


def selected_fields(stream: Stream, mapping: Mapping[str, Any], parts: Sequence[Otherwise] = ()) -> str:
    """Return the select list of a stream's fields, each as text."""
    return ", ".join(f"{_with_parts(name, mapping, parts)} as {name}" for name in stream.field_names)


def rejection(mapping: Mapping[str, Any], parts: Sequence[Otherwise], known_fields: Sequence[str] | None) -> str:
    """Return why a record is rejected by its mapping: the expression of a reason, null where it is not."""
    whens = [
        f"when {_not_among(parts)} and {_is_unknown(rule)} then {text(_unknown_sentence(name, rule))}"
        for name, rule in mapping.items()
        if isinstance(rule, dict) and rule.get("map") and rule["unknown"] == "quarantine"
    ]
    if known_fields is not None:
        known = ", ".join(text(name) for name in known_fields)
        strange = f"list_filter(json_keys(r), lambda name: not list_contains([{known}]::varchar[], name))"
        whens.append(
            f"when {_not_among(parts)} and len({strange}) > 0 then 'it has a field that the profile does not know: '"
            f" || array_to_string(list_sort({strange}), ', ')"
        )
    return f"case when r is null then null {' '.join(whens)} end" if whens else "null::varchar"


def text(value: object) -> str:
    """Return a value as an SQL text."""
    return "'" + str(value).replace("'", "''") + "'"


def _with_parts(name: str, mapping: Mapping[str, Any], parts: Sequence[Otherwise]) -> str:
    main = _field(mapping.get(name, [name]))
    whens = [f"when {part.condition} then {_field(part.mapping.get(name, [name]))}" for part in parts]
    return f"case {' '.join(whens)} else {main} end" if whens else main


def _not_among(parts: Sequence[Otherwise]) -> str:
    return " and ".join(f"not ({part.condition})" for part in parts) or "true"


def _field(rule: Any) -> str:
    if isinstance(rule, list):
        return _at(rule)
    if "mark" in rule:
        return f"coalesce({_at(rule['mark'])}, {_field(rule['rule'])})"
    value = _raw(rule)
    if rule.get("map"):
        value = _mapped(value, rule)
    value = _cast(value, rule)
    if rule.get("default") is not None:
        value = f"coalesce({value}, {text(rule['default'])})"
    if rule.get("only_if"):
        value = f"case when {_holds(rule['only_if'])} then {value} end"
    return value


def _raw(rule: Mapping[str, Any]) -> str:
    """Return what a rule starts from, before ``map`` and ``cast``."""
    if "constant" in rule:
        return "null::varchar" if rule["constant"] is None else text(rule["constant"])
    if rule.get("template"):
        pieces = [_at(piece) if isinstance(piece, list) else text(piece) for piece in rule["template"]]
        value = f"({' || '.join(pieces)})"
    elif rule.get("first_of"):
        value = f"coalesce({', '.join(_at(path) for path in rule['first_of'])})"
    else:
        value = _at(rule["path"])
    if rule.get("extract"):
        pattern = text(rule["extract"])
        value = (
            f"case when regexp_matches({value}, {pattern}) then regexp_extract({value}, {pattern}, 1) else {value} end"
        )
    return value


def _mapped(value: str, rule: Mapping[str, Any]) -> str:
    whens = " ".join(
        f"when {_equals(value, key)} then {'null' if own is None else text(own)}" for key, own in rule["map"]
    )
    return f"case {whens} else {value if rule['unknown'] == 'keep' else 'null'} end"


def _is_unknown(rule: Mapping[str, Any]) -> str:
    value = _raw(rule)
    known = " or ".join(_equals(value, key) for key, _ in rule["map"])
    said = f"{value} is not null and not ({known})"
    return f"({said} and {_holds(rule['only_if'])})" if rule.get("only_if") else f"({said})"


def _unknown_sentence(name: str, rule: Mapping[str, Any]) -> str:
    known = ", ".join(key or "null" for key, _ in rule["map"])
    return f"{name} has a value that the profile's map does not know; it knows {known}"


def _equals(value: str, key: str) -> str:
    return f"coalesce({value}, '') = {text(key)}"


def _cast(value: str, rule: Mapping[str, Any]) -> str:
    cast = rule.get("cast")
    if cast == "integer":
        return f"case when regexp_matches(trim({value}), {_INTEGER}) then ltrim(trim({value}), '+') else {value} end"
    if cast == "boolean":
        return (
            f"case when lower({value}) in ('true', 't', 'yes', 'y', '1', 'on') then 'true'"
            f" when lower({value}) in ('false', 'f', 'no', 'n', '0', 'off') then 'false' else {value} end"
        )
    if cast in _PER_SECOND:
        return _epoch(value, _PER_SECOND[cast])
    if cast in {"instant", "local"} and rule.get("format"):
        return _by_pattern(value, rule)
    return _listed(value, rule.get("separator")) if cast == "texts" else value


def _epoch(value: str, per_second: int) -> str:
    number = f"try_cast({value} as decimal(38, 6))"
    bounded = f"{number} between {_EARLIEST * per_second} and {_LATEST * per_second}"
    if per_second != 1:
        bounded += f" and {number} not between 1 and {_SECONDS_NOT_MILLISECONDS * (per_second // 1000)}"
    micros = f"({number} * {1_000_000 // per_second})::bigint"
    return (
        f"case when regexp_matches({value}, {_NUMBER}) and {bounded}"
        f" then strftime(make_timestamp({micros}), '%Y-%m-%dT%H:%M:%S.%fZ') else {value} end"
    )


def _by_pattern(value: str, rule: Mapping[str, Any]) -> str:
    read = f"try_strptime({value}, {text(rule['format'])})"
    if rule["cast"] == "local":
        return f"coalesce(strftime({read}::timestamp, '%Y-%m-%dT%H:%M:%S.%f'), {value})"
    if "%z" in rule["format"]:
        instant = f"{read}::timestamptz"
    else:
        instant = f"local_to_instant({read}, {text(rule.get('zone') or 'UTC')})"
    return f"case when {read} is null then {value} else instant_text({instant}) end"


def _listed(value: str, separator: str | None) -> str:
    alone = (
        f"[{value}]"
        if separator is None
        else f"list_transform(string_split({value}, {text(separator)}), lambda part: trim(part))"
    )
    return f"case when starts_with({value}, '[') or {value} is null then {value} else to_json({alone})::varchar end"


def _holds(condition: Mapping[str, Any]) -> str:
    value = _at(condition["path"])
    for word, not_ in (("one_of", ""), ("none_of", "not ")):
        if condition.get(word) is not None:
            listed = condition[word]
            texts = ", ".join(text(one) for one in listed if one is not None)
            alternatives = [f"coalesce({value} in ({texts}), false)"] if texts else []
            alternatives += [f"{value} is null"] if None in listed else []
            return f"{not_}({' or '.join(alternatives) or 'false'})"
    return f"{value} is {'null' if condition.get('is') == 'absent' else 'not null'}"


def _at(path: Sequence[str]) -> str:
    """Return what stands at a path of the record, as text; lists and objects as JSON."""
    here, plain = "r", "$"
    for position, step in enumerate(path):
        if step == EACH:
            each = _steps(path[position + 1 :])
            listed = f"json_extract({here}, {text(plain + '[*]')})"
            return (
                f"case when json_type({here}, {text(plain)}) = 'ARRAY' then to_json(list_transform({listed},"
                f" lambda part: json_extract_string(part, {text(each)})))::varchar end"
            )
        if (choice := choice_of(step)) is not None:
            listed = f"json_extract({here}, {text(plain + '[*]')})"
            name, wanted = text(f"$.{_name(choice[0])}"), text(choice[1])
            here = f"list_filter({listed}, lambda part: json_extract_string(part, {name}) = {wanted})[1]"
            plain = "$"
        else:
            plain += _steps([step])[1:]
    return f"json_extract_string({here}, {text(plain)})"


def _steps(path: Sequence[str]) -> str:
    return "$" + "".join(f"[{index_of(step)}]" if index_of(step) is not None else f".{_name(step)}" for step in path)


def _name(step: str) -> str:
    return json.dumps(step, ensure_ascii=False)
