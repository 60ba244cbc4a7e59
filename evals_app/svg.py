"""What charts are made of: text, and the frame around it. Colours are classes, for the page's theme."""

from xml.sax.saxutils import escape


def text(x: float, y: float, words: str, classes: str = "") -> str:
    """Nothing for no words."""
    marked = f' class="{classes}"' if classes else ""
    return f'<text{marked} x="{x:.1f}" y="{y:.1f}">{escape(words)}</text>' if words else ""


def drawing(inside: str, *, width: float, height: float, title: str) -> str:
    label = escape(title, {'"': "&quot;"})
    return (
        f'<svg class="drawing" viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{label}">'
        f"<title>{escape(title)}</title>{inside}</svg>"
    )
