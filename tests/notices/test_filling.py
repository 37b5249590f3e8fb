"""A filled-in template reads as if it had been rendered whole."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from pipeline.notices.filling import NoticeTemplate, Shared, Wording, without_gaps
from pipeline.notices.names import COMMON, KINDS, rich_sample
from pipeline.notices.templates import load_templates
from pipeline.notices.text import one_line

TEMPLATES = load_templates()
LINES = (
    st.text(st.characters(min_codepoint=33, max_codepoint=0x24F), min_size=1, max_size=12).map(one_line).filter(bool)
)


@st.composite
def notices(draw: st.DrawFn) -> tuple[str, str, Mapping[str, str | bool | None]]:
    kind = draw(st.sampled_from(KINDS))
    values = {
        name: draw(st.booleans()) if isinstance(sample, bool) else draw(st.none() | st.just(sample) | LINES)
        for name, sample in rich_sample(kind).items()
    }
    return kind, draw(st.sampled_from(("en", "de", "es"))), values


@given(notices())
def test_a_filled_in_notice_is_the_rendered_one(
    notice: tuple[str, str, Mapping[str, str | bool | None]],
) -> None:
    kind, language, values = notice
    _, template = TEMPLATES.find(language, kind)

    # Twice: the first time renders, the second fills in.
    for _ in range(2):
        assert template.body.fill(values) == without_gaps(template.body.render_whole(values))
        assert template.render_subject(values) == " ".join(template.subject.render_whole(values).split())


@given(notices(), st.sets(st.sampled_from(sorted(COMMON))))
def test_what_is_shared_with_other_notices_changes_nothing(
    notice: tuple[str, str, Mapping[str, str | bool | None]], names: set[str]
) -> None:
    kind, language, values = notice
    _, template = TEMPLATES.find(language, kind)
    own = {name: value for name, value in values.items() if name not in names}
    shared = Shared({**dict.fromkeys(values, "of another"), **{name: values[name] for name in names}})

    for _ in range(2):
        assert template.render_within(own, shared) == template.render(values)
        assert template.render_subject_within(own, shared) == template.render_subject(values)


@pytest.mark.parametrize(
    ("text", "looked_into"),
    [
        ("{{ a }}{% if a %}x{% endif %}{% if a and not b %}y{% endif %}", set()),
        ("{{ 'x' if a else 'y' }}", set()),
        ("{{ a|upper }}", {"a"}),
        ("{% if a == 'x' %}{{ b }}{% endif %}", {"a"}),
        ("{% for c in a %}{{ c }}{% endfor %}", {"a", "c"}),
        ("{% set c = a %}{{ c }}", {"a", "c"}),
        ("{{ a or b }}", {"a", "b"}),
        ("{{ a ~ b }}", {"a", "b"}),
    ],
)
def test_only_what_is_printed_or_asked_for_becomes_a_gap(text: str, looked_into: set[str]) -> None:
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)

    assert Wording("test", environment, environment.parse(text)).looked_into == looked_into


def test_a_value_cannot_pose_as_a_gap() -> None:
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    text = "{{ a }} {{ b }}"
    wording = Wording("test", environment, environment.parse(text))

    assert wording.fill({"a": "\0b\0", "b": "secret"}) == "\0b\0 secret"


def test_percent_signs_are_text() -> None:
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    template = NoticeTemplate(
        "test",
        *(
            Wording("test", environment, environment.parse(text))
            for text in ("{{ a }}: 5 %s", "100 % of {{ b }}, {{ a }}")
        ),
    )

    assert template.render_within({"a": "%s 1 %"}, Shared({"b": "%(a)s"})) == ("%s 1 %: 5 %s", "100 % of %(a)s, %s 1 %")
