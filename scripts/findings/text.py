"""Small pieces of Markdown."""


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


def joined(words: list[str]) -> str:
    if len(words) < 2:
        return "".join(words)
    return ", ".join(words[:-1]) + " and " + words[-1]
