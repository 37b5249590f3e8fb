"""Filling in a template: rendered once for each set of names that are there, then values are put into its gaps.

Belongs here: the gaps, what may be a gap. Does not belong here: values (``render``), files (``templates``).

Many notices share most of their values (those of an asset in a zone and a language): these are put in once, and only
what is a notice's own is left as a gap.

A name that a template only prints, or asks whether it is there, can be put in afterwards; one that it compares, filters
or loops over cannot, and is part of what the text is remembered by. So a template may do whatever Jinja can do, and ten
thousand notices of one kind cost a handful of renderings.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from operator import itemgetter
from typing import Final

from jinja2 import Environment, Template, TemplateError, nodes

from pipeline.errors import ConfigurationError
from pipeline.notices.names import Values

# No value that is put into a gap has control characters in it (pipeline.notices.text), so no value can pose as a gap.
_GAP: Final = re.compile("\0(\\w+)\0")
_MOST_REMEMBERED: Final = 2_000
_MOST_REMEMBERED_WITHIN: Final = 20_000
_numbers: Final = count()
_ASKING: Final = (nodes.If, nodes.CondExpr)
_JOINING: Final = (nodes.And, nodes.Or, nodes.Not)


@dataclass(frozen=True, slots=True)
class Shared:
    """Values that many notices share; ``number`` is theirs alone in this process."""

    values: Values
    number: int = dataclasses.field(default_factory=lambda: next(_numbers))


class Wording:
    """One compiled text of a template: its subject, or its body."""

    def __init__(self, name: str, environment: Environment, parsed: nodes.Template) -> None:
        """Look for what the text does with each name, and compile it.

        Raises:
            TemplateSyntaxError: it cannot be compiled.

        """
        self._name = name
        self.names = tuple(sorted({node.name for node in parsed.find_all(nodes.Name)}))
        self.looked_into = frozenset(_looked_into(parsed))
        self.gaps = tuple(None if name in self.looked_into else f"\0{name}\0" for name in self.names)
        self._template = Template.from_code(environment, environment.compile(parsed), {})
        self._remembered: dict[tuple[object, ...], tuple[str, ...]] = {}

    def fill(self, values: Values) -> str:
        """Return the text with these values.

        Raises:
            ConfigurationError: the template fails on these values.

        """
        return _Gapped(self.parts(values)).fill(values)

    def parts(self, values: Values) -> tuple[str, ...]:
        """Return text and names of gaps in turn."""
        shape = tuple(
            [
                value if not value or value is True or gap is None else gap
                for value, gap in zip([values[name] for name in self.names], self.gaps, strict=True)
            ]
        )
        parts = self._remembered.get(shape)
        if parts is None:
            if len(self._remembered) >= _MOST_REMEMBERED:
                self._remembered.clear()
            parts = self._remembered[shape] = self._with_gaps(dict(zip(self.names, shape, strict=True)))
        return parts

    def render_whole(self, values: Values) -> str:
        """Return the same text by Jinja alone.

        Raises:
            ConfigurationError: the template fails on these values.

        """
        try:
            return self._template.render(values)
        except (TemplateError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
            message = f"The notice template {self._name} fails: {error}."
            raise ConfigurationError(message) from error

    def _with_gaps(self, shape: Mapping[str, str | bool | None]) -> tuple[str, ...]:
        return tuple(_GAP.split(without_gaps(self.render_whole(shape))))


class Together:
    """Texts that are filled in at once with values most of which many notices share."""

    def __init__(self, *wordings: Wording) -> None:
        """Find the names that can be gaps: in all of the texts."""
        self._wordings = wordings
        self._gaps: dict[str, str | None] = {}
        for wording in wordings:
            for name, gap in zip(wording.names, wording.gaps, strict=True):
                self._gaps[name] = gap and self._gaps.get(name, gap)
        self._layouts: dict[tuple[str, ...], tuple[int, tuple[tuple[str, str | None], ...]]] = {}
        self._remembered: dict[tuple[object, ...], tuple[_Gapped, ...]] = {}

    def fill(self, own: Values, shared: Shared) -> list[str]:
        """Return the texts with the shared values, and with a notice's own, which win.

        Raises:
            ConfigurationError: the template fails on these values.

        """
        named = tuple(own)
        layout = self._layouts.get(named)
        if layout is None:
            asked = tuple((name, self._gaps[name]) for name in named if name in self._gaps)
            layout = self._layouts[named] = (len(self._layouts), asked)
        shape = [value if not (value := own[name]) or value is True or gap is None else gap for name, gap in layout[1]]
        key = (shared.number, layout[0], *shape)
        gapped = self._remembered.get(key)
        if gapped is None:
            if len(self._remembered) >= _MOST_REMEMBERED_WITHIN:
                self._remembered.clear()
            values = {**shared.values, **own}
            parts = (_partly_filled(wording.parts(values), values, frozenset(own)) for wording in self._wordings)
            gapped = self._remembered[key] = tuple(map(_Gapped, parts))
        return [text.fill(own) for text in gapped]


class NoticeTemplate:
    """One kind of notice in one language."""

    def __init__(self, name: str, subject: Wording, body: Wording) -> None:
        """Keep the two texts; ``name`` is the file's."""
        self.name = name
        self.subject = subject
        self.body = body
        self.subject_names = frozenset(subject.names)
        self.names = frozenset((*subject.names, *body.names))
        self._both = Together(subject, body)
        self._subject_alone = Together(subject)

    def render(self, values: Values) -> tuple[str, str]:
        """Return subject and body; the subject is one line, the body has no empty lines in a row.

        Raises:
            ConfigurationError: the template fails on these values.

        """
        return self.render_subject(values), self.body.fill(values)

    def render_subject(self, values: Values) -> str:
        """Return the subject alone."""
        return _one_line(self.subject.fill(values))

    def render_within(self, own: Values, shared: Shared) -> tuple[str, str]:
        """Return subject and body as ``render`` does, of values most of which many notices share.

        Raises:
            ConfigurationError: the template fails on these values.

        """
        subject, body = self._both.fill(own, shared)
        return _one_line(subject), body

    def render_subject_within(self, own: Values, shared: Shared) -> str:
        """Return the subject alone, of values most of which many notices share."""
        return _one_line(self._subject_alone.fill(own, shared)[0])


class _Gapped:
    """A text with gaps, ready to be filled often."""

    __slots__ = ("_pattern", "_pick")

    def __init__(self, parts: tuple[str, ...]) -> None:
        """Take text and names of gaps in turn."""
        names = parts[1::2]
        self._pattern = "%s".join(text.replace("%", "%%") for text in parts[::2])
        # One name more than there may be: of a single one, no tuple would be picked.
        self._pick = itemgetter(names[0], *names) if names else None

    def fill(self, values: Values) -> str:
        """Return the text with the values in its gaps."""
        return self._pattern % (() if self._pick is None else self._pick(values)[1:])


def _one_line(text: str) -> str:
    # What can be printed has blanks for its only spaces.
    is_one = text.isprintable() and "  " not in text
    return text.strip() if is_one else " ".join(text.split())


def _partly_filled(parts: tuple[str, ...], values: Values, own: frozenset[str]) -> tuple[str, ...]:
    """Put all values in but a notice's own."""
    kept = [parts[0]]
    for name, text in zip(parts[1::2], parts[2::2], strict=True):
        if name in own:
            kept += [name, text]
        else:
            kept[-1] += str(values[name]) + text
    return tuple(kept)


def without_gaps(text: str) -> str:
    """Return the text without empty lines in a row, and without blanks at the ends of lines."""
    kept: list[str] = []
    for line in text.strip().split("\n"):
        if line.strip() or (kept and kept[-1]):
            kept.append(line.rstrip())
    return "\n".join(kept)


def _looked_into(parsed: nodes.Template) -> Iterator[str]:
    """Yield the names of which more is asked than whether they are there, and that are not just printed."""
    waiting: list[tuple[nodes.Node, bool]] = [(parsed, False)]
    while waiting:
        node, is_asked = waiting.pop()
        if isinstance(node, nodes.Name):
            if not is_asked:
                yield node.name
            continue
        for field, child in _children(node):
            is_printed = isinstance(node, nodes.Output)
            is_condition = isinstance(node, _ASKING) and field == "test"
            is_joined = is_asked and isinstance(node, _JOINING)
            waiting.append((child, (is_printed and isinstance(child, nodes.Name)) or is_condition or is_joined))


def _children(node: nodes.Node) -> Iterator[tuple[str, nodes.Node]]:
    for field, value in node.iter_fields():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, nodes.Node):
                yield field, one
