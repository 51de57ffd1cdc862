# SPDX-License-Identifier: BSD-2-Clause
"""The links of a folder of HTML pages. What is outside of it is not fetched, but must not be
what a page needs to be shown."""

from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

# Attributes that a browser loads from by itself.
LOADED = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src")}
FOLLOWED = {("a", "href"), *LOADED}


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.links, self.anchors = [], {"", "top"}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if value is None:
                continue
            if name == "id" or (tag, name) == ("a", "name"):
                self.anchors.add(value)
            if (tag, name) in FOLLOWED:
                self.links.append((value, (tag, name) in LOADED))


def check(folder):
    """(how many links lead within the folder, what is wrong with others, a line each)"""
    pages = {path.resolve(): Page(path.read_text(encoding="utf-8"))
             for path in folder.rglob("*.html")}
    good, wrong = 0, []
    for path, page in sorted(pages.items()):
        for link, loaded in page.links:
            why = fault(folder.resolve(), pages, path, link, loaded)
            if why:
                wrong.append(f"{path.relative_to(folder.resolve())}: {link}: {why}")
            elif not urlsplit(link).scheme:
                good += 1
    return good, wrong


def fault(folder, pages, path, link, loaded):
    """Why the link of this page leads nowhere; None where it does lead somewhere."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return "is loaded from elsewhere" if loaded else None
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.is_relative_to(folder):
        return "is outside"
    if not target.is_file():
        return "is not there"
    if target in pages and unquote(parts.fragment) not in pages[target].anchors:
        return "has no such anchor"
    return None
