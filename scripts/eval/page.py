# SPDX-License-Identifier: BSD-2-Clause
"""The page, of what the parts found: HTML that needs no other file, figures and data beside
it, and the text form."""

import json
import shutil
from pathlib import Path

import jinja2

from . import answer, tree
from .command import PARTS, module
from .model import Figure, List, Missing, Section, Table, Text, cell, number, to_html, \
    to_markdown

HERE = Path(__file__).resolve().parent
TEXT = tree.ROOT / "docs/evaluation.md"


def conditions(found):
    here = found["conditions"]
    return (f"{here['processors']} processors ({here['processor']}), {here['system']}, Linux "
            f"{here['kernel']}, {'with' if here['kvm'] else 'without'} /dev/kvm, "
            f"load {here.get('load', '-')} when it began"
            f"{', the quick form' if found['quick'] else ''}; commit {found['commit'] or '-'}")


def of_part(name, found, failed=""):
    part = module(name)
    if not found:
        why = f"it failed: {failed}" if failed else f"not run here: `./run eval {name}`"
        return Section(name, part.TITLE, [Missing(part.TITLE, why)])
    section = part.section(found["data"])
    section.date, section.conditions = found["date"], conditions(found)
    return section


def how(found):
    """The last section: what each part was measured with, and how to repeat it."""
    rows = [[module(name).TITLE, f"`{one['command']}`" if one else f"`./run eval {name}`",
             one["date"] if one else "not run here", number(round(one["seconds"])) if one else "-",
             "quick" if one and one["quick"] else "whole" if one else "-", conditions(one)
             if one else "-"] for name, one in found.items()]
    return Section("how", "How this was measured, and what is uncertain", [
        Table("Each part, and one command that makes it again",
              ["part", "command", "date", "seconds", "form", "on"], rows, "./run eval"),
        Text("What is uncertain:"),
        List(answer.uncertain(found)),
        Text("To repeat all of it: `./run test`, then `./run prove mutants` and `./run fuzz 600` "
             "for their rows, then `./run eval`. A part is measured again when a file that it "
             "depends on has changed; `./run eval PART` says which. Results of the suites are "
             "those of their last run."),
    ])


def sections(found, failed):
    return [answer.section(found),
            *(of_part(name, one, failed.get(name)) for name, one in found.items()), how(found)]


def environment():
    env = jinja2.Environment(loader=jinja2.FileSystemLoader(HERE), trim_blocks=True,
                             lstrip_blocks=True, autoescape=False,
                             undefined=jinja2.StrictUndefined)
    env.filters |= {"html": to_html, "md": to_markdown, "cell": cell}
    return env


def write(out, found, failed, text):
    """failed: {part: why}; text: docs/evaluation.md as well."""
    found = {name: found.get(name) for name in PARTS}
    made = sections(found, failed)
    commit, changed = tree.commit()
    about = {"sections": made, "date": tree.now(), "commit": commit, "changed": changed,
             "version": (tree.ROOT / "engine/VERSION").read_text().strip()}
    out.mkdir(parents=True, exist_ok=True)
    for folder in ("figures", "data"):
        shutil.rmtree(out / folder, ignore_errors=True)
        (out / folder).mkdir()
    for section in made:
        for block in section.blocks:
            if isinstance(block, Figure):
                (out / f"figures/{block.name}.svg").write_text(standalone(block.svg),
                                                               encoding="utf-8")
    for name, one in found.items():
        if one:
            (out / f"data/{name}.json").write_text(json.dumps(one, indent=1) + "\n",
                                                   encoding="utf-8")
    env = environment()
    (out / "index.html").write_text(env.get_template("page.html.j2").render(about),
                                    encoding="utf-8")
    said = env.get_template("page.md.j2").render(about)
    (out / "evaluation.md").write_text(said, encoding="utf-8")
    if text:
        TEXT.write_text(said, encoding="utf-8")


def standalone(svg):
    """As a file: with the name spaces that HTML does not want."""
    for name in ('xmlns="http://www.w3.org/2000/svg"',
                 'xmlns:xlink="http://www.w3.org/1999/xlink"'):
        if name not in svg:
            svg = svg.replace("<svg", f"<svg {name}", 1)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + svg
