#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The documentation as a site: what is in it, its links, its search, and that faults end
`./run build docs`. TAP on stdout."""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from sphinx.search import js_index
from sphinx.search.en import SearchEnglish

sys.path.insert(0, str(Path(__file__).resolve().parent))
from installed import BUILD, ROOT, main_in  # noqa: E402
from links import check  # noqa: E402
from tap import test  # noqa: E402

WORK = Path(tempfile.mkdtemp(prefix="tpmix-site-"))
SITE = BUILD / "docs/html"
HEADER = (ROOT / "engine/tpmix.h").read_text()
# A word, and the page that somebody who looks for it wants.
WORDS = {"doorbell": "docs/specification", "bindgen": "docs/embedding",
         "takeover": "linux-driver/README", "libvirt": "docs/libvirt",
         "PKCS": "docs/stack", "completion": "docs/site/tpmix.1",
         "transport": "docs/site/tss2-tcti-indexed.7", "tpmix_complete": "docs/site/api",
         "rollback": "docs/soundness", "median": "docs/evaluation"}


def text(page):
    return re.sub(r"<[^>]*>", "", (SITE / f"{page}.html").read_text())


@test
def every_page_of_the_repository():
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, check=True, text=True,
                            capture_output=True).stdout.split()
    assert len(listed) > 30, listed
    missing = [name for name in listed if not (SITE / name).with_suffix(".html").is_file()]
    assert not missing, missing
    for page, title in (("tpmix.1", "SYNOPSIS"), ("mmio-replay.7", "EXAMPLES"),
                        ("tss2-tcti-indexed.7", "DESCRIPTION")):
        assert title in text(f"docs/site/{page}"), page


@test
def library_and_examples():
    """Every function and structure of the header is there, programs are quoted."""
    functions = set(re.findall(r"^[a-z][\w ]*[ *](tpmix_\w+)\(", HEADER, re.M))
    structures = set(re.findall(r"^struct (tpmix_?\w*) \{", HEADER, re.M))
    assert len(functions) > 10 and len(structures) > 3, (functions, structures)
    page = text("docs/site/api")
    missing = [name for name in functions | structures if name not in page]
    assert not missing, missing
    assert "static void machine_map(" in text("docs/site/examples")


@test
def security_names_what_is_there():
    """Proofs and mutants, which it names without a link."""
    page = (ROOT / "SECURITY.md").read_text()
    named = {folder: {name for names in re.findall(rf"{word}s? ((?:`[\w*-]+`(?:, )?)+)", page)
                      for name in re.findall(r"`(.*?)`", names)}
             for word, folder in (("proof", "proofs"), ("mutant", "mutants"))}
    assert min(map(len, named.values())) > 4, named
    missing = [name for folder, names in named.items() for name in names
               if not list((ROOT / "tests" / folder).glob(name if folder == "proofs"
                                                          else f"{name}.patch"))]
    assert not missing, missing


@test
def links_lead_somewhere():
    good, wrong = check(SITE)
    assert not wrong, f"{len(wrong)} wrong: {'; '.join(wrong[:8])}"
    assert good > 1000, good


@test
def links_that_lead_nowhere_are_found():
    folder = WORK / "wrong"
    folder.mkdir()
    (folder / "a.html").write_text(
        '<p id="here"></p><a href="b.html#there">1</a><a href="#here">2</a>'
        '<a href="none.html">3</a><a href="b.html#none">4</a><a href="#none">5</a>'
        '<a href="../site.html">6</a><a href="https://example.org/x">7</a>'
        '<script src="https://example.org/y"></script>')
    (folder / "b.html").write_text('<h1 id="there"></h1>')
    good, wrong = check(folder)
    assert good == 2, good
    assert [line.split(": ")[1] for line in wrong] == \
        ["none.html", "b.html#none", "#none", "../site.html", "https://example.org/y"], wrong


@test
def search_finds():
    index = js_index.loads((SITE / "searchindex.js").read_text())
    stem = SearchEnglish({}).stem
    for word, page in WORDS.items():
        found = []
        for table in (index["terms"], index["titleterms"]):
            at = table.get(stem(word.lower()), [])
            found += [index["docnames"][i] for i in (at if isinstance(at, list) else [at])]
        assert page in found, (word, found)
    assert stem("a-word-of-no-page") not in index["terms"]


def copy_of_the_tree():
    tree = WORK / "tree"
    shutil.copytree(ROOT, tree, symlinks=True, ignore=lambda at, _:
                    ["build", ".git"] if Path(at) == ROOT else [])
    return tree


@test
def faults_end_it():
    """One in the header; then several of which Sphinx names each."""
    tree = copy_of_the_tree()
    (tree / "docs/lost.md").write_text("# A page that is in no list\n")
    in_sphinx = {
        "docs/embedding.md": ("(specification.md)", "(nowhere.md)", "nowhere.md"),
        "README.md": ("specification.md#words", "specification.md#no-words", "no-words"),
        "docs/site/examples.rst": ("[exits]", "[nonsense]", "nonsense"),
        "tools/tpmix.1": (".SH NAME", ".SH NAME\n.nosuchmacro", "tpmix.1"),
    }
    in_header = {"engine/tpmix.h": ("/* Last ticket completed; equal to s.accepted where "
                                    "nothing runs. */\n", "", "tpmix_completed")}
    for faults, log in (in_header, "docs-doxygen"), (in_sphinx, "docs-sphinx"):
        before = {}
        for file, (old, new, _) in faults.items():
            before[file] = (tree / file).read_text()
            assert old in before[file], (file, old)
            (tree / file).write_text(before[file].replace(old, new, 1))
        result = subprocess.run([tree / "run", "build", "docs"], capture_output=True, text=True,
                                timeout=500, check=False, stdin=subprocess.DEVNULL)
        said = (tree / f"build/log/{log}.log").read_text()
        assert result.returncode == 1, result
        for file, (_, _, complaint) in faults.items():
            assert complaint in said, (file, said[-900:])
            (tree / file).write_text(before[file])
    assert "lost.md" in said, said


if __name__ == "__main__":
    sys.exit(main_in(WORK))
