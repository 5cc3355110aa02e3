"""The QR code of an invitation: as a picture, and as blocks in a terminal."""

import io
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


def blocks(text: str) -> str:
    """Return the code in half blocks, dark on light whatever the terminal's colours are."""
    out = io.StringIO()
    _code(text).terminal(out, border=BORDER, compact=True)
    return out.getvalue()


def _code(text: str) -> segno.QRCode:
    return segno.make(text, error="m", micro=False)
