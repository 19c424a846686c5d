"""Figures as SVG: columns or a line over time with a target, and bars by name, each with a table beside it; QR codes.

No styles inside: classes only, because the site's policy refuses them. Every point carries its words as <title>.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from markupsafe import Markup, escape

WIDTH = 400
HEIGHT = 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 8, 16, 26


class Point(NamedTuple):
    """One value over time: short label under the axis, value (None: not known), words, and whether it is partial."""

    label: str
    value: float | None
    words: str
    partial: bool = False


class Bar(NamedTuple):
    """One value by name, with its words and its own target if it has one."""

    label: str
    value: float | None
    words: str
    target: float | None = None


def nice_top(largest: float) -> float:
    """A round number at or above the largest value, for the top of an axis."""
    if largest <= 0:
        return 1
    power = 10 ** math.floor(math.log10(largest))
    for factor in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10):
        if factor * power >= largest:
            return float(factor * power)
    return float(10 * power)


def _axis(top: float, share: bool, words_of: object) -> list[tuple[float, str]]:
    steps = 2 if top <= 2 and not share else 4
    marks = [top * place / steps for place in range(steps + 1)]
    if not share:
        marks = [mark for mark in marks if float(mark).is_integer()]
    return [(mark, words_of(mark)) for mark in marks]  # type: ignore[operator]  # a function that puts a mark into words


def over_time(
    points: Sequence[Point],
    title: str,
    number: object,
    target: float | None = None,
    target_words: str = "",
    earlier: Sequence[float | None] = (),
    share: bool = False,
    line: bool = False,
) -> Markup:
    """Columns (or a line) over time; `number` turns an axis value into words, `earlier` is a thin line to compare."""
    known = [point.value for point in points if point.value is not None]
    others = [value for value in earlier if value is not None] + ([target] if target is not None else [])
    top = nice_top(max([*known, *others], default=0))
    if share:
        top = min(max(top, 0.1), 1.0) if max([*known, *others], default=0) <= 1 else top
    inner_w, inner_h = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM
    step = inner_w / max(len(points), 1)

    def x(place: int) -> float:
        return round(_LEFT + step * (place + 0.5), 1)

    def y(value: float) -> float:
        return round(_TOP + inner_h * (1 - min(value / top, 1)), 1)

    parts = [_open("chart", title)]
    for mark, words in _axis(top, share, number):
        parts.append(
            f'<line class="chart-grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y(mark)}" y2="{y(mark)}"/>'
            f'<text class="chart-label" x="{_LEFT - 5}" y="{y(mark) + 4}" text-anchor="end">{escape(words)}</text>'
        )
    every = math.ceil(len(points) / 7) if points else 1
    for place, point in enumerate(points):
        if (len(points) - 1 - place) % every == 0:
            parts.append(
                f'<text class="chart-label" x="{x(place)}" y="{HEIGHT - 8}" text-anchor="middle">{escape(point.label)}</text>'
            )
    parts.append(_line_points(points, x, y) if line else _columns(points, x, y, step))
    if len([value for value in earlier if value is not None]) > 1:
        parts.append(
            _path(
                "chart-earlier",
                [(x(place), y(value)) for place, value in enumerate(earlier) if value is not None],
            )
        )
    if target is not None:
        parts.append(
            f'<line class="chart-target" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y(target)}" y2="{y(target)}"><title>{escape(target_words)}</title></line>'
            f'<text class="chart-label" x="{WIDTH - _RIGHT}" y="{max(y(target) - 4, 11)}" text-anchor="end">{escape(target_words)}</text>'
        )
    parts.append("</svg>")
    return Markup("".join(parts))  # noqa: S704 -- every text in it went through escape()  # nosec B704


def bars(rows: Sequence[Bar], title: str) -> Markup:
    """Horizontal bars with their names above them and a line at each one's target."""
    known = [row.value for row in rows if row.value is not None]
    targets = [row.target for row in rows if row.target is not None]
    top = max([*known, *targets], default=0) or 1
    height = 38 * len(rows) + 4
    parts = [_open("chart", title, height)]
    for place, row in enumerate(rows):
        line = 38 * place
        filled = round((row.value or 0) / top * WIDTH, 1)
        parts.append(
            f"<g><title>{escape(row.words)}</title>"
            f'<text class="chart-label" x="0" y="{line + 15}">{escape(_short(row.label))}</text>'
            f'<text class="chart-label" x="{WIDTH}" y="{line + 15}" text-anchor="end">{escape(row.words)}</text>'
            f'<rect class="bar-ground" x="0" y="{line + 21}" width="{WIDTH}" height="10"/>'
            f'<rect class="bar-filled" x="0" y="{line + 21}" width="{filled}" height="10"/>'
        )
        if row.target is not None:
            at = round(min(row.target / top * WIDTH, WIDTH - 2), 1)
            parts.append(f'<rect class="bar-target" x="{at}" y="{line + 18}" width="2" height="16"/>')
        parts.append("</g>")
    parts.append("</svg>")
    return Markup("".join(parts))  # noqa: S704 -- every text in it went through escape()  # nosec B704


def qr_code(address: str, scale: int | None = None, border: int = 1) -> Markup:
    """An address as a QR code: `scale` pixels a square, as large as its place without one."""
    import segno  # few pages ask for it

    size: dict[str, Any] = {"omitsize": True} if scale is None else {"scale": scale}
    return Markup(segno.make(address, error="m").svg_inline(border=border, **size))  # noqa: S704 -- drawn here  # nosec B704


def _short(label: str) -> str:
    return label if len(label) <= 36 else label[:35].rstrip() + "…"


def _open(name: str, title: str, height: int = HEIGHT) -> str:
    words = escape(title)
    return f'<svg class="{name}" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{words}"><title>{words}</title>'


def _columns(points: Sequence[Point], x: object, y: object, step: float) -> str:
    wide = round(min(step * 0.7, 60), 1)
    parts = []
    for place, point in enumerate(points):
        if point.value is None:
            continue
        top = y(point.value)  # type: ignore[operator]  # only points that have a value are here
        kind = "bar-partial" if point.partial else "bar-filled"
        parts.append(
            f'<rect class="{kind}" x="{round(x(place) - wide / 2, 1)}" y="{top}" width="{wide}" '  # type: ignore[operator]  # only points that have a value are here
            f'height="{round(HEIGHT - _BOTTOM - top, 1)}"><title>{escape(point.words)}</title></rect>'
        )
    return "".join(parts)


def _line_points(points: Sequence[Point], x: object, y: object) -> str:
    known = [(place, point) for place, point in enumerate(points) if point.value is not None]
    spots = [(x(place), y(point.value)) for place, point in known]  # type: ignore[operator]  # only points that have a value are here
    dots = "".join(
        f'<circle class="{"dot-partial" if point.partial else "dot"}" cx="{at}" cy="{height}" r="4"><title>{escape(point.words)}</title></circle>'
        for (at, height), (_, point) in zip(spots, known, strict=True)
    )
    return _path("chart-line", spots) + dots


def _path(name: str, spots: Sequence[tuple[float, float]]) -> str:
    if len(spots) < 2:
        return ""
    return f'<path class="{name}" d="M{" L".join(f"{at} {height}" for at, height in spots)}"/>'
