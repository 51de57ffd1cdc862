# SPDX-License-Identifier: BSD-2-Clause
"""The documentation as one Sphinx set; scripts/docs.sh builds it. Its sources are docs/:
pages in Markdown that are read in the repository, too, and this folder's, which quote
programs and headers. A page is in the set once it is in a toctree and in include_patterns."""

import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

project = "tpmix"
author = "The tpmix authors"
copyright = f"2026 {author}"  # noqa: A001 Sphinx' own name
release = re.search(r"^ *version: '(.*)'", (ROOT / "meson.build").read_text(), re.M)[1]

extensions = ["breathe", "myst_parser"]
breathe_projects = {"tpmix": os.environ["TPMIX_DOXYGEN_XML"]}
breathe_default_project = "tpmix"
breathe_domain_by_extension = {"h": "c"}

root_doc = "site/index"
include_patterns = ["site/*.rst", "embedding.md"]
exclude_patterns = []
myst_heading_anchors = 3
html_theme = "sphinx_rtd_theme"
html_show_sourcelink = False


def file_of_the_repository(app, env, node, contnode):
    """A link to a file that is there and is no page of the set becomes its text; any
    other that leads nowhere stays a warning, and so an error."""
    target = node.get("reftarget", "").partition("#")[0]
    folder = Path(app.srcdir, node.get("refdoc", "")).parent
    return contnode if target and (folder / target).exists() else None


def setup(app):
    app.connect("missing-reference", file_of_the_repository)
