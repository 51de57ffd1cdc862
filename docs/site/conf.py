# SPDX-License-Identifier: BSD-2-Clause
"""The documentation as one Sphinx set; scripts/docs.sh builds it. Its pages in Markdown
stay where they are read in the repository, beside what they are about; this folder's quote
programs, headers and manual pages. A page that is in no toctree is a warning, and so an
error."""

import os
import posixpath
import subprocess
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

ROOT = Path(__file__).resolve().parent.parent.parent

project = "tpmix"
author = "The tpmix authors"
copyright = f"2026 {author}"  # noqa: A001 Sphinx' own name
release = (ROOT / "engine/VERSION").read_text().strip()

extensions = ["breathe", "myst_parser"]
breathe_projects = {"tpmix": os.environ["TPMIX_DOXYGEN_XML"]}
breathe_default_project = "tpmix"
breathe_domain_by_extension = {"h": "c"}

root_doc = "docs/site/index"
include_patterns = ["**.md", "docs/site/*.rst"]
# subprojects/tpmix is engine/ again.
exclude_patterns = ["build", ".git", "subprojects"]
myst_heading_anchors = 3
highlight_language = "none"
html_theme = "sphinx_rtd_theme"
html_show_sourcelink = False
html_show_sphinx = False
html_static_path = ["site.css"]
html_css_files = ["site.css"]
# The address without a page is the first one's.
html_additional_pages = {"index": "first.html"}
templates_path = ["."]

# What pages of the repository link to as files or folders, and the page of it here.
PAGES = {
    "docs/decisions": "docs/site/decisions",
    "docs/mmio-replay.7": "docs/site/mmio-replay.7",
    "tcti/tss2-tcti-indexed.7": "docs/site/tss2-tcti-indexed.7",
    "tools/tpmix.1": "docs/site/tpmix.1",
}


class ManualPage(SphinxDirective):
    """manualpage:: PATH, of the repository: the page as mandoc shows it."""

    required_arguments = 1

    def run(self):
        path = ROOT / self.arguments[0]
        self.env.note_dependency(str(path))
        mandoc = subprocess.run(["mandoc", "-T", "html", "-O", "fragment", "-W", "error,stop",
                                 path], check=False, capture_output=True, text=True)
        if mandoc.returncode:
            raise self.error(mandoc.stderr.strip())
        return [nodes.raw("", mandoc.stdout, format="html")]


def of_repository(docname, target):
    """The path of a relative link, from the repository's root."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(docname), target))


def file_to_page(_, doctree):
    """A link to a file that has a page here leads to the page, not to a download."""
    for node in list(doctree.findall(addnodes.download_reference)):
        if of_repository(node["refdoc"], node["reftarget"]) in PAGES:
            node.replace_self(addnodes.pending_xref(
                "", *node.children, refdoc=node["refdoc"], reftarget=node["reftarget"],
                reftype="myst", refdomain=None, refexplicit=True, refwarn=True))


def folder(app, env, node, contnode):
    """A link to a folder leads to its page here, if it has one, else it becomes its text.
    Any other that leads nowhere stays a warning, and so an error."""
    path = of_repository(node.get("refdoc", ""), node.get("reftarget", ""))
    if path in PAGES:
        return make_refnode(app.builder, node["refdoc"], PAGES[path], "", contnode)
    return contnode if (ROOT / path).is_dir() else None


def setup(app):
    app.add_directive("manualpage", ManualPage)
    app.connect("doctree-read", file_to_page)
    app.connect("missing-reference", folder)
