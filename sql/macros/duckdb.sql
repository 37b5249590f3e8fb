-- What dialects do differently, once: this is the body for DuckDB.

-- The offset of a zone at an instant, as an interval to add to UTC.
create or replace temp macro zone_offset(instant, zone) as
    timezone(zone, instant) - timezone('UTC', instant);

-- A naive local time resolved in a zone as RFC 5545, 3.3.5 says: a skipped one with the offset before the change,
-- a repeated one to the first of the two. The two offsets are those a day before and a day after.
create or replace temp macro local_to_instant(local_time, zone) as
    case
        when zone_offset(
            timezone('UTC', local_time - zone_offset(timezone('UTC', local_time - interval 24 hours), zone)), zone
        ) = zone_offset(timezone('UTC', local_time - interval 24 hours), zone)
            then timezone('UTC', local_time - zone_offset(timezone('UTC', local_time - interval 24 hours), zone))
        when zone_offset(
            timezone('UTC', local_time - zone_offset(timezone('UTC', local_time + interval 24 hours), zone)), zone
        ) = zone_offset(timezone('UTC', local_time + interval 24 hours), zone)
            then timezone('UTC', local_time - zone_offset(timezone('UTC', local_time + interval 24 hours), zone))
        else timezone('UTC', local_time - zone_offset(timezone('UTC', local_time - interval 24 hours), zone))
    end;

-- 'skipped' or 'repeated' where a clock change makes the local time special, else null.
create or replace temp macro local_time_flag(local_time, zone) as
    case
        when timezone(zone, local_to_instant(local_time, zone)) <> local_time then 'skipped'
        when timezone(
            zone,
            timezone('UTC', local_time - zone_offset(timezone('UTC', local_time + interval 24 hours), zone))
        ) = local_time
            and zone_offset(timezone('UTC', local_time + interval 24 hours), zone)
            <> zone_offset(timezone('UTC', local_time - interval 24 hours), zone)
            and timezone('UTC', local_time - zone_offset(timezone('UTC', local_time + interval 24 hours), zone))
            <> local_to_instant(local_time, zone)
            then 'repeated'
    end;

-- A region is barred by itself or by a prefix of it at a '-' (docs/domain.md, 4.3).
create or replace temp macro is_barred_region(restricted_regions, region) as
    len(list_filter(restricted_regions, lambda barred: region = barred or starts_with(region, barred || '-'))) > 0;

-- A part of a key that '|' joins: a '|' or a backslash inside it is escaped, as pipeline/actions/keys.py does.
create or replace temp macro key_part(part) as replace(replace(coalesce(part, ''), '\', '\\'), '|', '\|');

-- The words of a text, in small letters without accents; whatever is no letter and no digit parts them.
create or replace temp macro words_of(said) as
    list_filter(
        string_split(regexp_replace(strip_accents(lower(coalesce(said, ''))), '[^\p{L}\p{N}]+', ' ', 'g'), ' '),
        lambda word: word <> ''
    );
-- The runs of at most so many words of a list, each once, as text.
create or replace temp macro phrases_of(words, longest) as
    list_distinct(
        flatten(
            list_transform(
                range(1, len(words) + 1),
                lambda first: list_transform(
                    range(first, least(first + longest, len(words) + 1)),
                    lambda last: array_to_string(list_slice(words, first, last), ' ')
                )
            )
        )
    );

-- An instant as JSON bears it.
create or replace temp macro instant_text(instant) as strftime(timezone('UTC', instant), '%Y-%m-%dT%H:%M:%S.%fZ');

-- Text as received, typed; null where it cannot be. An instant without an offset is taken as UTC.
create or replace temp macro as_integer(raw) as
    case when regexp_matches(raw, '^-?[0-9]+([.]0+)?$') then try_cast(raw as bigint) end;
create or replace temp macro as_boolean(raw) as try_cast(raw as boolean);
-- RFC 3339 in the years 1 to 9999: its leap second is the second after :59, its letters may be small ones, and an offset
-- has at most 23 hours. What ends with Z or +00:00 is looked at least, for it is the many.
create or replace temp macro as_instant(raw) as
    case
        when regexp_matches(raw, '^[0-9]{4}-[0-9]{2}-[0-9]{2}')
            and raw >= '0001'
            and (
                suffix(raw, 'Z')
                or (suffix(raw, '+00:00') and raw >= '0001-01-02' and not contains(raw, '('))
                or not regexp_matches(raw, ':[0-9.]+ ?[+-](2[4-9]|[3-9][0-9])|[(]|^0001-01-01.+[+]|^9999-12-31.+-')
            )
            then coalesce(
                try_cast(raw as timestamptz),
                case
                    when regexp_matches(raw, '^[0-9-]{10}[Tt ][0-9:]{5}:60')
                        then try_cast(upper(replace(raw, ':60', ':59')) as timestamptz) + interval 1 second
                    else try_cast(upper(raw) as timestamptz)
                end
            )
    end;
create or replace temp macro as_local_time(raw) as
    case when not regexp_matches(raw, '([Zz]|[+-][0-9]{2}:?[0-9]{2})$') then try_cast(raw as timestamp) end;
create or replace temp macro as_texts(raw) as
    case when json_valid(raw) and json_type(raw) = 'ARRAY' then from_json(raw, '["VARCHAR"]') end;

-- A number for a key, the same for the same key within one statement: it takes less room than the key.
create or replace temp macro key_hash(key) as hash(key);

-- Whether an arrival is content that its key did not have before (docs/decisions/0002): a record that came as text is known
-- by its hash, a row of an imported Parquet file has none and is known by its fields, and so is whatever came after it.
create or replace temp macro is_new_content(record_sha256, arrival, arrival_of_fields, earlier_without_text) as
    case
        when record_sha256 is null then arrival_of_fields = 1
        else arrival = 1 and earlier_without_text = 0
    end;

-- The seconds from one instant to another, exact to the microsecond; negative where the second is the earlier one.
create or replace temp macro seconds_between(earlier, later) as
    (epoch_us(later) - epoch_us(earlier))::double / 1000000;

-- An instant as the journal writes it.
create or replace temp macro instant_text(instant) as
    strftime(timezone('UTC', instant), '%Y-%m-%dT%H:%M:%S.%fZ');

-- The UTC day, month and ISO week of an instant, as text.
create or replace temp macro utc_day(instant) as strftime(timezone('UTC', instant), '%Y-%m-%d');
create or replace temp macro utc_month(instant) as strftime(timezone('UTC', instant), '%Y-%m');
create or replace temp macro utc_week(instant) as strftime(timezone('UTC', instant), '%G-W%V');
-- The microseconds from 1970 to an instant.
create or replace temp macro microseconds_of(instant) as epoch_us(instant);
