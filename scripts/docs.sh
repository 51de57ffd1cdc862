#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Builds the documentation in build/docs/html: Sphinx over the pages where they stand, the
# library's part from what Doxygen reads in its header, manual pages by mandoc. A warning
# of any of them is an error.

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

# One checksum of all that a page may be made of, quote or link to.
inputs() {
    (cd "$ROOT" && find . \( -path ./build -o -path ./.git -o -name __pycache__ \) -prune \
        -o -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum)
}

lock
need doxygen mandoc python3-breathe python3-sphinx python3-myst-parser python3-sphinx-rtd-theme
mkdir -p "$OUT"
made=$(inputs)
if [ "$(cat "$OUT/inputs" 2>/dev/null)" = "$made" ]; then
    say "build/docs/html/index.html"
    exit
fi
rm -rf "$OUT/inputs" "$OUT/html"
quiet docs-doxygen doxygen_xml
# -E: a page may quote a file that Sphinx does not know it by.
TPMIX_DOXYGEN_XML=$OUT/doxygen/xml quiet docs-sphinx "$PYTHON" -m sphinx -W --keep-going -E -q \
    -b html -c "$SITE" -d "$OUT/doctrees" "$ROOT" "$OUT/html"
echo "$made" >"$OUT/inputs"
say "build/docs/html/index.html"
