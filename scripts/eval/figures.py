# SPDX-License-Identifier: BSD-2-Clause
"""The figures, as SVG of matplotlib's: to be read without colour, so that what a colour says
a letter, a line's dashes or a pattern says as well; text stays text."""

import io
import itertools
import re

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot  # noqa: E402
from matplotlib.patches import PathPatch, Rectangle  # noqa: E402
from matplotlib.path import Path  # noqa: E402

matplotlib.rcParams |= {
    "svg.fonttype": "none", "svg.hashsalt": "tpmix", "font.family": "sans-serif",
    "font.size": 8, "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "grid.color": "#dddddd", "grid.linewidth": 0.5, "axes.axisbelow": True,
    "hatch.linewidth": 0.6,
}

# What an access made twice comes to. Lightness alone tells them apart, too.
OUTCOMES = {"R": ("right", "#f3f3f0", ""), "E": ("an error", "#f0c66e", "//"),
            "W": ("wrong, and accepted", "#b3261e", ""),
            "2": ("run twice by the TPM", "#c9b6e4", "xxx"),
            "-": ("no such access", "#ffffff", "")}
STYLES = [("#000000", "-"), ("#b3261e", "--"), ("#1f5fa8", "-."), ("#2e7d32", ":"),
          ("#7b5c00", (0, (5, 1))), ("#6a1b9a", (0, (3, 1, 1, 1)))]


def svg_of(figure, name):
    """With ids of its own, as several stand on one page, and no size but its shape."""
    out = io.StringIO()
    figure.savefig(out, format="svg", bbox_inches="tight", metadata={"Date": None})
    pyplot.close(figure)
    text = out.getvalue()
    text = text[text.index("<svg"):]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.S)
    text = re.sub(r'\b(id|xlink:href|href)="(#?)([^"#]+)"',
                  lambda m: f'{m[1]}="{m[2]}{name}-{m[3]}"', text)
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", text)
    head, rest = text.split(">", 1)
    return re.sub(r' (?:width|height)="[^"]*"', "", head) + ' role="img">' + rest


def heat(name, groups):
    """groups: [(title, [(row's title, a letter of OUTCOMES for each access)])]"""
    longest = max(len(cells) for _, rows in groups for _, cells in rows)
    count = sum(len(rows) + 1.3 for _, rows in groups)
    figure = pyplot.figure(figsize=(10, 0.5 + 0.185 * count))
    axes = figure.add_axes([0, 0, 1, 1])
    axes.set(xlim=(0, longest), ylim=(count, 0))
    axes.axis("off")
    at = 0
    for title, rows in groups:
        at += 1.3
        axes.text(0, at - 0.25, title, fontweight="bold")
        for label, cells in rows:
            axes.text(-0.6, at + 0.55, label, ha="right", va="center", fontsize=7)
            # Neighbours that are alike are one shape, and their borders one line.
            x = 0
            for letter, alike in itertools.groupby(cells):
                count = len(list(alike))
                _, colour, hatch = OUTCOMES[letter]
                axes.add_patch(Rectangle((x, at + 0.05), count, 0.9, facecolor=colour,
                                         hatch=hatch, edgecolor="#888888", linewidth=0.3))
                if letter != "R":
                    for at_x in range(x, x + count, 8):
                        axes.text(at_x + 0.5, at + 0.54, letter, ha="center", va="center",
                                  fontsize=5, color="#ffffff" if letter == "W" else "#000000",
                                  fontweight="bold")
                x += count
            ends = [(edge, y) for edge in range(1, x) for y in (at + 0.05, at + 0.95)]
            axes.add_patch(PathPatch(Path(ends, [Path.MOVETO, Path.LINETO] * (x - 1)),
                                     fill=False, edgecolor="#888888", linewidth=0.2))
            at += 1
    used = {letter for _, rows in groups for _, cells in rows for letter in cells} - {"-"}
    handles = [Rectangle((0, 0), 1, 1, facecolor=OUTCOMES[one][1], hatch=OUTCOMES[one][2],
                         edgecolor="#888888", label=f"{'' if one == 'R' else one + ': '}"
                         f"{OUTCOMES[one][0]}") for one in OUTCOMES if one in used]
    axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(0, -0.01), ncol=4,
                frameon=False)
    return svg_of(figure, name)


def curves(name, panels, unit="us"):
    """panels: [(title, [(who, samples)])]: cumulative distributions, side by side."""
    figure, axes = pyplot.subplots(1, len(panels), figsize=(3.3 * len(panels), 2.9),
                                   sharey=True, squeeze=False)
    for ax, (title, lines) in zip(axes[0], panels):
        for number, (who, samples) in enumerate(lines):
            ranked = sorted(samples)
            colour, dashes = STYLES[number % len(STYLES)]
            ax.step(ranked, [100 * (i + 1) / len(ranked) for i in range(len(ranked))],
                    where="post", color=colour, linestyle=dashes, linewidth=1.4, label=who)
        ax.set(xscale="log", title=title, xlabel=unit)
        ax.set_ylim(0, 101)
    axes[0][0].set_ylabel("% of the commands that took no longer")
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper center", bbox_to_anchor=(0.5, 0), ncol=2,
                  frameon=False)
    return svg_of(figure, name)


def lines(name, series, xlabel, ylabel):
    """series: [(who, [(x, y)])]"""
    figure, ax = pyplot.subplots(figsize=(6.4, 3.4))
    for number, (who, points) in enumerate(series):
        colour, dashes = STYLES[number % len(STYLES)]
        ax.plot(*zip(*points), color=colour, linestyle=dashes, marker="os^Dvx"[number % 6],
                markersize=4, linewidth=1.3, label=who)
    ax.set(xlabel=xlabel, ylabel=ylabel, yscale="symlog")
    ax.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncol=2)
    return svg_of(figure, name)


def bars(name, labels, series, xlabel, log=False):
    """series: [(what, values, one for each label)]; a bar's number stands beside it."""
    height = 0.8 / len(series)
    figure, ax = pyplot.subplots(figsize=(7, 0.6 + 0.26 * len(labels) * len(series)))
    for number, (what, values) in enumerate(series):
        at = [i + number * height for i in range(len(labels))]
        ax.barh(at, values, height * 0.92, label=what, edgecolor="#000000", linewidth=0.5,
                color=["#555555", "#ffffff", "#bbbbbb", "#8fb3d9"][number % 4],
                hatch=["", "///", "", "..."][number % 4])
        for y, value in zip(at, values):
            ax.annotate(f" {value:g}", (value, y), va="center", fontsize=7)
    ax.set_yticks([i + 0.4 - height / 2 for i in range(len(labels))], labels)
    ax.invert_yaxis()
    ax.set_xlabel(xlabel)
    if log:
        ax.set_xscale("symlog")
    ax.grid(axis="y", visible=False)
    ax.margins(x=0.12)
    if len(series) > 1:
        ax.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.22 if
                  len(labels) < 6 else -0.1), ncol=3)
    return svg_of(figure, name)


def stacked(name, labels, series, xlabel):
    """Parts of a whole: [(what, values)], told apart by lightness and pattern."""
    figure, ax = pyplot.subplots(figsize=(7, 0.7 + 0.34 * len(labels)))
    left = [0] * len(labels)
    for what, values, colour, hatch in series:
        ax.barh(range(len(labels)), values, 0.72, left=left, label=what, color=colour,
                hatch=hatch, edgecolor="#000000", linewidth=0.4)
        for y, (value, begin) in enumerate(zip(values, left)):
            if value >= 5:
                ax.text(begin + value / 2, y, f"{value:.0f}", ha="center", va="center",
                        fontsize=7, color="#ffffff" if colour == "#b3261e" else "#000000",
                        bbox={"facecolor": colour, "edgecolor": "none", "pad": 0.8})
        left = [a + b for a, b in zip(left, values)]
    ax.set_yticks(range(len(labels)), labels)
    ax.invert_yaxis()
    ax.set_xlabel(xlabel)
    ax.grid(axis="y", visible=False)
    ax.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.3 if len(labels) < 5
              else -0.16), ncol=4)
    return svg_of(figure, name)


def share_rows(counts):
    """For stacked(): counts of letters, as shares in %."""
    out = []
    for letter, (what, colour, hatch) in OUTCOMES.items():
        values = [100 * one.get(letter, 0) / max(1, sum(one.values())) for one in counts]
        if any(values):
            out.append((what, values, colour, hatch))
    return out
