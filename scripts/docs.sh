#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Builds the documentation in build/docs/html: Sphinx, the library's part from what
# Doxygen reads in its header. A warning of either is an error.

. "$(dirname "$0")/lib.sh"

OUT=$BUILD/docs
SITE=$ROOT/docs/site

doxygen_xml() {
    rm -rf "$OUT/doxygen"
    mkdir -p "$OUT/doxygen"
    {
        cat "$SITE/Doxyfile"
        printf '%s = "%s"\n' INPUT "$ROOT/engine/tpmix.h" OUTPUT_DIRECTORY "$OUT/doxygen" \
            STRIP_FROM_PATH "$ROOT/engine"
        printf 'INPUT_FILTER = "%s \\"%s\\""\n' "$PYTHON" "$SITE/doxygen_filter.py"
    } >"$OUT/Doxyfile"
    doxygen "$OUT/Doxyfile"
}

lock
need doxygen python3-breathe python3-sphinx python3-myst-parser python3-sphinx-rtd-theme
mkdir -p "$OUT"
quiet docs-doxygen doxygen_xml
# -E: a page may quote a file that Sphinx does not know it by.
TPMIX_DOXYGEN_XML=$OUT/doxygen/xml quiet docs-sphinx "$PYTHON" -m sphinx -W --keep-going -E -q \
    -b html -c "$SITE" -d "$OUT/doctrees" "$ROOT/docs" "$OUT/html"
say "build/docs/html/site/index.html"
