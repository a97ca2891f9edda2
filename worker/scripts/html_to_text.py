"""Prints the text of all HTML files of a folder, in the order of their names."""

import html.parser
import pathlib
import re
import sys

# Elements whose content is not text, and those that begin a new line.
HIDDEN = {"script", "style", "head"}
BLOCKS = {"p", "br", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "hr"}


class TextOfHtml(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.parts = []
        self.hidden = 0

    def handle_starttag(self, tag, attrs):
        if tag in HIDDEN:
            self.hidden += 1
        if tag in BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag):
        if tag in HIDDEN:
            self.hidden = max(0, self.hidden - 1)

    def handle_data(self, data):
        if not self.hidden:
            # Line breaks of the source are spaces; tags made the others.
            self.parts.append(re.sub(r"\s+", " ", data))

    def text(self):
        lines = (line.strip() for line in "".join(self.parts).split("\n"))
        return "\n".join(line for line in lines if line) + "\n"


def main():
    for path in sorted(pathlib.Path(sys.argv[1]).rglob("*.html")):
        parser = TextOfHtml()
        parser.feed(path.read_text(encoding="utf-8", errors="replace"))
        sys.stdout.buffer.write(parser.text().encode("utf-8"))


if __name__ == "__main__":
    main()
