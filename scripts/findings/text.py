"""Small pieces of Markdown."""

import textwrap

COLUMNS = 100
NOT_PROSE = ("|", "#", "!", "-")


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def tokens(count: float) -> str:
    return f"{count / 1e6:.3g}M"


def size(parameters: float) -> str:
    return f"{parameters / 1e3:.0f}k"


def signed(value: float, digits: int = 3) -> str:
    return f"{value:+.{digits}f}"


def with_error(value: float, error: float, digits: int = 3) -> str:
    return f"{value:+.{digits}f} ± {error:.{digits}f}"


def bits_name(bits: float) -> str:
    return "16 (control)" if bits == 16 else f"{bits:g}"


def width(bits: float) -> str:
    return "1 bit" if bits == 1 else f"{bits:g} bits"


def probability(p_value: float) -> str:
    return "p < 1e-99" if p_value < 1e-99 else f"p = {p_value:.1g}"


def joined(words: list[str]) -> str:
    if len(words) < 2:
        return "".join(words)
    return ", ".join(words[:-1]) + " and " + words[-1]


def wrapped(markdown: str) -> str:
    """The same with its paragraphs broken anew, since numbers move the ends of lines."""
    blocks = markdown.split("\n\n")
    return "\n\n".join(
        block if block.startswith(NOT_PROSE) else
        textwrap.fill(block, COLUMNS, break_long_words=False, break_on_hyphens=False)
        for block in blocks)
