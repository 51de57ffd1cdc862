# SPDX-License-Identifier: BSD-2-Clause
"""What a page is made of: sections of blocks, from which page.html.j2 makes HTML and
page.md.j2 the text form. In texts `code` is code, and [words](path) is a file of the tree."""

import dataclasses
import html
import re


@dataclasses.dataclass
class Text:
    text: str
    kind = "text"


@dataclasses.dataclass
class List:
    items: list
    kind = "list"


@dataclasses.dataclass
class Table:
    """Rows of strings; long: folded away until it is opened, and printed."""
    title: str
    head: list
    rows: list
    command: str
    note: str = ""
    long: bool = False
    kind = "table"


@dataclasses.dataclass
class Figure:
    """svg: its text; table: the same for who reads no figures, a Table."""
    name: str
    title: str
    alt: str
    command: str
    svg: str = ""
    table: Table = None
    kind = "figure"


@dataclasses.dataclass
class Missing:
    """Something that was not run here: what, and why."""
    what: str
    why: str
    kind = "missing"


@dataclasses.dataclass
class Section:
    name: str
    title: str
    blocks: list
    date: str = ""
    conditions: str = ""


LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")


def is_address(target):
    return "://" in target or target.startswith("#")


def to_html(text):
    """Links to files of the tree are their names: the page is read without it."""
    out = html.escape(str(text), quote=False)
    out = LINK.sub(lambda m: f'<a href="{m[2]}">{m[1]}</a>' if is_address(m[2]) else
                   f"{m[1]} (<code>{m[2]}</code>)" if m[1] != m[2] else f"<code>{m[2]}</code>",
                   out)
    out = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", out)
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", out)


def to_markdown(text):
    """From docs/."""
    return LINK.sub(lambda m: m[0] if is_address(m[2]) else f"[{m[1]}](../{m[2]})", str(text))


def cell(text):
    """Of a table in Markdown."""
    return to_markdown(text).replace("|", "\\|").replace("\n", " ")


def number(value):
    """As people read it: 12 345."""
    return f"{value:,}".replace(",", "\u202f") if isinstance(value, int) else str(value)


def plural(count, noun, nouns=None):
    return f"{number(count)} {noun if count == 1 else nouns or noun + 's'}"


def ratio(mine, theirs):
    """How many times less: "1/13", or more: "1.20 times"."""
    if not mine or not theirs:
        return "-"
    return f"1/{theirs / mine:.1f}" if mine < theirs else f"{mine / theirs:.2f} times"
