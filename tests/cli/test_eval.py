#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""./run eval in its smallest form: the parts that boot nothing, and the page that they make,
in a headless Chromium on a desktop and on a phone. What draws the other parts' figures is
called with numbers of the test's own. TAP on stdout."""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests/tcti"), str(ROOT / "tests/packages")]
from links import check  # noqa: E402
from parts import script  # noqa: E402
from tap import main, test  # noqa: E402

script("need.sh", "python3-jinja2", "python3-matplotlib", "chromium-headless-shell")
from eval import command, figures, page, speed  # noqa: E402
from eval.model import Figure, to_html, to_markdown  # noqa: E402

WORK = tempfile.TemporaryDirectory(prefix="tpmix-eval-")
OUT = Path(WORK.name) / "with space/page"
# Those that the CI has time for.
PARTS = ("deviation", "fault", "cures", "compatibility", "price")
CHROMIUM = ["chromium-headless-shell", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            "--virtual-time-budget=5000"]
# Put into a copy of the page: what a reader would see of it.
LOOK = """<script>addEventListener("load", () => {
  const wide = [...document.querySelectorAll("body *")].filter(one =>
    !one.closest(".wide, .picture, details:not([open])") &&
    one.getBoundingClientRect().right > document.documentElement.clientWidth + 1);
  document.title = JSON.stringify({
    errors: window.errors,
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    wide: wide.map(one => one.outerHTML.slice(0, 80)),
    figures: [...document.querySelectorAll("figure")].map(one => {
      const box = one.querySelector("svg").getBoundingClientRect();
      return [one.id, box.width > 250 && box.height > 50]; }),
    text: document.body.innerText});
});</script>"""
ERRORS = "<script>window.errors = []; onerror = text => window.errors.push(text);</script>"


def seen(width):
    """What Chromium makes of the page, that wide."""
    text = (OUT / "index.html").read_text()
    copy = OUT.parent / "looked-at.html"
    copy.write_text(text.replace("<head>", "<head>" + ERRORS, 1).replace("</body>",
                                                                       LOOK + "</body>", 1))
    # A window of Chromium's is 500 pixels at least: a frame is as narrow as a phone.
    frame = OUT.parent / f"frame-{width}.html"
    frame.write_text(f'<iframe id="f" style="width:{width}px;height:900px;border:0" '
                     f'src="{copy.name}"></iframe><script>onload = () => setTimeout(() => '
                     "document.documentElement.append(document.createComment("
                     "'SEEN' + btoa(unescape(encodeURIComponent("
                     "document.getElementById('f').contentDocument.title))))), 500)</script>")
    result = subprocess.run([*CHROMIUM, "--allow-file-access-from-files", "--dump-dom",
                             f"--window-size={max(width, 500) + 20},1000",
                             f"file://{frame}".replace(" ", "%20")], capture_output=True,
                            text=True, timeout=120, check=True)
    import base64
    found = re.search(r"SEEN([\w+/=]+)", result.stdout)
    assert found, result.stderr[-500:]
    return json.loads(base64.b64decode(found[1]))


def evaluated(timeout):
    result = subprocess.run([ROOT / "run", "eval", "--quick", "--out", OUT, *PARTS],
                            capture_output=True, text=True, timeout=timeout, check=False,
                            stdin=subprocess.DEVNULL)
    assert result.returncode == 0, result.stderr[-600:]
    return result


@test
def command_makes_the_page():
    result = evaluated(500)
    assert result.stdout == f"{OUT / 'index.html'}\n", result.stdout
    for name in PARTS:
        found = json.loads((OUT / f"data/{name}.json").read_text())
        assert found["data"] and found["command"] and found["date"], name
    for file in ("evaluation.md", "figures/heat.svg", "figures/answer.svg"):
        assert (OUT / file).stat().st_size > 1000, file


@test
def parts_that_were_measured_are_not_measured_again():
    result = evaluated(100)
    for name in PARTS:
        assert f"{name}: as measured" in result.stderr or name == "compatibility", \
            (name, result.stderr)
    part = command.module("deviation")
    before = command.key_of(part, True)
    assert command.key_of(part, False) != before
    assert command.kept(part, True)["key"] in (before, command.key_of(part, False))


@test
def the_page_on_a_desktop_and_a_phone():
    for width in (1200, 390):
        found = seen(width)
        assert found["errors"] == [], found["errors"]
        assert found["overflow"] <= 0 and not found["wide"], (width, found["overflow"],
                                                              found["wide"][:5])
        assert len(found["figures"]) >= 3 and all(shown for _, shown in found["figures"]), \
            found["figures"]
        missing = re.findall(r"\b(?:None|nan|undefined|NaN)\b|\{\w*\}", found["text"])
        assert not missing, missing


@test
def every_section_says_what_it_is_of():
    text = (OUT / "index.html").read_text()
    for name in command.PARTS:
        section = re.search(rf'<section id="{name}">(.*?)(?=<section id=|</main>)', text, re.S)
        assert section, name
        assert "Measured 2" in section[1] or "Not run:" in section[1], name
    # What makes it again stands with each table and figure.
    blocks = len(re.findall(r"<figcaption>|<h3>|<summary>", text))
    assert blocks > 15 and text.count('<span class="by">made by <code>') == blocks, blocks
    assert "http://" not in re.sub(r'xmlns(:\w+)?="[^"]*"|<a href="[^"]*"', "", text)


@test
def links_lead_somewhere():
    good, wrong = check(OUT)
    assert good > 8 and not wrong, (good, wrong)


@test
def figures_are_readable_without_colour():
    """A letter or a pattern for what a colour says; ids of a figure are its own."""
    for number, draw in enumerate((
            lambda name: figures.heat(name, [("a", [("row", "RREW2")])]),
            lambda name: figures.curves(name, [("PCR_Read", [("a", [1.0, 2.0]), ("b", [3.0])])]),
            lambda name: figures.lines(name, [("a", [(10, 1), (20, 2)])], "x", "y"),
            lambda name: figures.bars(name, ["a", "b"], [("n", [1, 2]), ("m", [3, 4])], "x"),
            lambda name: figures.stacked(name, ["a"], figures.share_rows([{"R": 1, "W": 9}]),
                                         "%"))):
        svg = draw(f"figure{number}")
        assert svg.startswith("<svg") and svg.endswith("</svg>\n"), svg[:80]
        assert all(one.startswith(f"figure{number}-") for one in re.findall(r' id="([^"]+)"',
                                                                           svg))
        assert "<image" not in svg and "nan" not in svg
    assert figures.heat("x", [("a", [("row", "RREW2")])]).count(">W</text>") >= 1
    shades = {colour for _, colour, _ in figures.OUTCOMES.values()}
    assert len(shades) == len(figures.OUTCOMES)


@test
def speed_is_drawn_of_what_bench_writes():
    import test_bench
    found = test_bench.results()
    for one in found:
        one.counts = {name: one.counts[name] for name in ("PCR_Read", "GetCap commands",
                                                          "CreatePrimary P-256")}
    with tempfile.TemporaryDirectory() as work:
        path = Path(work) / "bench.json"
        test_bench.bench.save(path, {"guest": (found, [])}, [], 1.0)
        section = speed.section(speed.slim(json.loads(path.read_text())))
    drawn = [block for block in section.blocks if isinstance(block, Figure)]
    assert [block.name for block in drawn] == ["speed", "exits"]
    assert all(block.table.rows for block in drawn)


@test
def texts_become_html_and_markdown():
    assert to_html("a `b<c` [d](docs/e.md) **f**") == \
        "a <code>b&lt;c</code> d (<code>docs/e.md</code>) <strong>f</strong>"
    assert to_markdown("[d](docs/e.md) [x](https://example.org/)") == \
        "[d](../docs/e.md) [x](https://example.org/)"
    assert page.of_part("speed", None).blocks[0].kind == "missing"


if __name__ == "__main__":
    status = main()
    WORK.cleanup()
    sys.exit(status)
