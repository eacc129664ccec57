"""Build the site into `site/`, and fail if anything in it is broken.

Zensical's strict mode refuses a Markdown link to a page or heading that does not exist, a cross
reference or `:::` identifier that mkdocstrings cannot find, and a missing sample or section. It
lets through links in docstrings and in HTML, images, absolute links, `nav` entries and whatever
the built page asks for: those are checked here, in the HTML. So are samples that no page shows,
and docstrings whose parameters are not the function's.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

ROOT = Path(__file__).parent.parent

_INCLUDE = re.compile(r'^\s*--8<-- "(?P<sample>[^":]+)(?::(?P<section>[\w-]+))?"$')
_SECTION = re.compile(r"--8<-- \[start:(?P<section>[\w-]+)\]")


def build(root: Path) -> list[str]:
    """Build the site of the project at `root` and return what is wrong with it."""
    if sys.version_info < (3, 11):
        return ["Zensical, which builds the documentation, needs Python 3.11 or later."]
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True)
    output = result.stdout + result.stderr
    if result.returncode:
        return [output]
    return [
        *(line for line in output.splitlines() if line.startswith("griffe:")),
        *_broken_links(root / "site", _address(root)),
        *_broken_samples(root / "docs"),
    ]


def _address(root: Path) -> str:
    """Return the path at which the site is served, from which `404.html` names what it loads."""
    config = (root / "zensical.toml").read_text(encoding="utf-8")
    [url] = re.findall(r'^site_url = "(.*)"$', config, flags=re.MULTILINE)
    return urlsplit(url).path + "/"


def _broken_links(site: Path, address: str) -> Iterator[str]:
    """Check what the built pages link to and load, where they are served at this path."""
    pages = {path: _Page(path) for path in sorted(site.rglob("*.html"))}
    linked = {site / "index.html", site / "404.html"}
    for path, page in pages.items():
        url = "/" + path.relative_to(site).as_posix().removesuffix("index.html")
        for link in sorted(page.loaded):
            if urlsplit(link).netloc:
                yield f"{url} loads {link} from another host"
        for link in sorted(page.links | page.loaded):
            parts = urlsplit(urljoin(address + url[1:], link))
            if parts.scheme or parts.netloc:
                continue
            if not parts.path.startswith(address):
                yield f"{url} links to {link}, which does not exist"
                continue
            target = site / unquote(parts.path).removeprefix(address)
            if parts.path.endswith("/"):
                target /= "index.html"
            if not target.is_file():
                yield f"{url} links to {link}, which does not exist"
            elif target in pages and unquote(parts.fragment) not in pages[target].anchors:
                yield f"{url} links to {link}, but the page has no such anchor"
            if target != path:
                linked.add(target)
    for path in sorted(pages.keys() - linked):
        yield f"{path.relative_to(site)} is linked by no page: add it to nav"


class _Page(HTMLParser):
    """The anchors of a page, what it links to, and what the browser loads with it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors = {""}
        self.links: set[str] = set()
        self.loaded: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.anchors.add(attributes.get("id", ""))
        if "href" in attributes and (tag == "a" or attributes.get("rel") in ("prev", "next")):
            self.links.add(attributes["href"])
        elif "href" in attributes and tag == "link" and attributes.get("rel") != "canonical":
            self.loaded.add(attributes["href"])
        if "src" in attributes:
            self.loaded.add(attributes["src"])


def _broken_samples(docs: Path) -> Iterator[str]:
    """Check that pages include samples as Zensical understands it, and that all are included."""
    included: set[tuple[str, str | None]] = set()
    for page in sorted(docs.rglob("*.md")):
        for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
            if match := _INCLUDE.match(line):
                included.add((match["sample"], match["section"]))
            elif "8<-" in line:
                yield f'{page.relative_to(docs)}:{number}: write it as --8<-- "sample.py:section"'
    source = docs / "src"
    for path in sorted(path for path in source.rglob("*.*") if path.suffix != ".pyc"):
        sample = path.relative_to(source).as_posix()
        sections = _SECTION.findall(path.read_text(encoding="utf-8"))
        if (sample, None) in included:
            continue
        for section in sections or [None]:
            if (sample, section) not in included:
                yield f"docs/src/{sample} is on no page" + (f": section {section}" * bool(section))


if __name__ == "__main__":
    sys.exit("\n".join(build(ROOT)) or None)
