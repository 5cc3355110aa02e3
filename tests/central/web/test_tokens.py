"""Every pair of colours of the console is readable: the WCAG 2 formula over tokens.css."""

import re
from itertools import product
from pathlib import Path
from typing import Final

import pytest

TOKENS: Final = Path(__file__).parents[3] / "central" / "web" / "src" / "styles" / "tokens.css"
THEMES: Final = ("light", "dark", "wall")
GROUNDS: Final = ("bg", "surface", "raised", "sunken", "select")
STATES: Final = ("red", "orange", "yellow", "blue", "blind")
TEXTS: Final = ("ink", "ink-2", "ink-3", *(f"{state}-ink" for state in STATES))
SERIES_AT_LEAST: Final = {"light": 5.05, "dark": 6.45, "wall": 8.65}
TEXT: Final = 4.5
MARK: Final = 3.0

Theme = dict[str, str]


def read_themes(css: str) -> dict[str, Theme]:
    """Return name to colour per theme; colours are the tokens that are six hex digits."""
    themes = {}
    for name in THEMES:
        block = re.search(rf'\[data-theme="{name}"\] \{{(.*?)\n\}}', css, re.S)
        assert block, f"no theme {name} in tokens.css"
        themes[name] = dict(re.findall(r"--([\w-]+): (#[0-9A-Fa-f]{6});", block[1]))
    return themes


def luminance(colour: str) -> float:
    """Relative luminance of `#RRGGBB` (WCAG 2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours (WCAG 2), 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.fixture(scope="module")
def themes() -> dict[str, Theme]:
    return read_themes(TOKENS.read_text(encoding="utf-8"))


def test_the_formula_is_the_standards() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize(("theme", "text"), list(product(THEMES, TEXTS)))
def test_text_is_readable_on_every_ground(themes: dict[str, Theme], theme: str, text: str) -> None:
    colours = themes[theme]
    grounds = [*GROUNDS]
    if text.endswith("-ink"):
        grounds.append(text.replace("-ink", "-tint"))
    poor = {g: contrast(colours[text], colours[g]) for g in grounds}
    assert min(poor.values()) >= TEXT, poor


@pytest.mark.parametrize(("theme", "state"), list(product(THEMES, STATES)))
def test_a_state_is_seen_and_read(themes: dict[str, Theme], theme: str, state: str) -> None:
    colours = themes[theme]
    assert contrast(colours[f"{state}-on"], colours[f"{state}-fill"]) >= TEXT
    for ground in GROUNDS:
        assert contrast(colours[f"{state}-edge"], colours[ground]) >= MARK, ground
    for text in ("ink", "ink-3"):
        assert contrast(colours[text], colours[f"{state}-tint"]) >= TEXT, text


@pytest.mark.parametrize("theme", THEMES)
def test_controls_have_a_visible_border_and_focus(themes: dict[str, Theme], theme: str) -> None:
    colours = themes[theme]
    for ground in GROUNDS:
        assert contrast(colours["line-strong"], colours[ground]) >= MARK, ground
        assert contrast(colours["focus"], colours[ground]) >= MARK, ground
    # a primary button and an inverted tag write the panel's colour on ink
    assert contrast(colours["surface"], colours["ink"]) >= TEXT
    assert contrast(colours["surface"], colours["ink-2"]) >= TEXT


@pytest.mark.parametrize("theme", THEMES)
def test_series_are_seen_and_none_is_a_levels_colour(themes: dict[str, Theme], theme: str) -> None:
    colours = themes[theme]
    series = [colours[f"series-{n}"] for n in range(1, 9)]
    assert min(contrast(c, colours["surface"]) for c in series) >= SERIES_AT_LEAST[theme]
    levels = {colours[f"{s}-{part}"] for s in STATES for part in ("fill", "edge", "ink")}
    assert not levels & set(series)


def test_nothing_is_green_and_no_rule_of_the_page_names_a_colour() -> None:
    """Colours come from the tokens only: a colour written anywhere else escapes this test."""
    source = TOKENS.parents[1]
    named = re.compile(
        r"#[0-9a-fA-F]{3,8}\b|\brgba?\((?!0 0 0 )|\bhsla?\(|: (?:red|green|blue|white)\b"
    )
    found = [
        f"{path.name}: {match[0]}"
        for path in [*source.rglob("*.vue"), *source.rglob("*.css")]
        if path != TOKENS
        for style in _styles(path)
        for match in named.finditer(style)
    ]
    assert found == []


def _styles(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".css":
        return [text]
    return re.findall(r"<style[^>]*>(.*?)</style>", text, re.S)


def test_no_markup_carries_an_inline_style() -> None:
    source = TOKENS.parents[1]
    inline = re.compile(r"""<[\w-][^>]*\s:?style=""")
    found = [p.name for p in source.rglob("*.vue") if inline.search(p.read_text(encoding="utf-8"))]
    assert found == []
