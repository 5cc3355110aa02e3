"""The QR code of an invitation: as a picture, as a drawing, and as blocks in a terminal."""

import io
import re
from typing import Final

import segno

SCALE: Final = 6
BORDER: Final = 4
"""Light cells all around: what scanners ask for."""


def png(text: str) -> bytes:
    """Return a black and white PNG."""
    out = io.BytesIO()
    _code(text).save(out, kind="png", scale=SCALE, border=BORDER)
    return out.getvalue()


def drawing(text: str) -> tuple[int, str]:
    """Return the side in cells, with the light border, and the path of an SVG's strokes."""
    code, out = _code(text), io.BytesIO()
    code.save(out, kind="svg", border=BORDER, xmldecl=False, svgns=False, omitsize=True)
    found = re.search(rb' d="([^"]+)"', out.getvalue())
    if found is None:
        raise AssertionError("a QR code is one path")
    return int(code.symbol_size(border=BORDER)[0]), found[1].decode()


def blocks(text: str) -> str:
    """Return the code in half blocks, dark on light whatever the terminal's colours are."""
    out = io.StringIO()
    _code(text).terminal(out, border=BORDER, compact=True)
    return out.getvalue()


def _code(text: str) -> segno.QRCode:
    return segno.make(text, error="m", micro=False)
