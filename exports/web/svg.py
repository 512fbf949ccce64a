"""Charts as SVG, drawn here: they need no script, print well, and can be read aloud."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from exports.web.rendering import shown

_WIDTH, _HEIGHT = 760, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 12, 30
LINES = 6
"""Lines of one chart: more cannot be told apart."""
_POINTS = 130
"""Up to so many points each is a dot with its own label."""
_LABELS = 12


@dataclass(frozen=True)
class Line:
    """One line of a chart."""

    label: str
    values: Mapping[str, int]
    """period -> count; periods without an entry count 0."""

    @property
    def total(self) -> int:
        return sum(self.values.values())


def periods(lines: Sequence[Line], *, yearly: bool) -> list[str]:
    """Every month (or year) from the first to the last that has a value."""
    seen = sorted({period for line in lines for period in line.values})
    if not seen:
        return []
    first, last = int(seen[0][:4]), int(seen[-1][:4])
    if yearly:
        return [f"{year:04}" for year in range(first, last + 1)]
    months = [f"{year:04}-{month:02}" for year in range(first, last + 1) for month in range(1, 13)]
    return [month for month in months if seen[0] <= month <= seen[-1]]


def by_year(line: Line) -> Line:
    """The line with the months of a year added up."""
    years: dict[str, int] = {}
    for month, number in line.values.items():
        years[month[:4]] = years.get(month[:4], 0) + number
    return Line(line.label, years)


def chart(lines: Sequence[Line], labels: Sequence[str], title: str) -> Markup:
    """The lines over the periods; the title is what a screen reader says."""
    top = _round_up(max((line.values.get(label, 0) for line in lines for label in labels), default=0))
    across = max(len(labels) - 1, 1)

    def x(index: int) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (index / across if len(labels) > 1 else 0.5)

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * value / top

    out = [
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(shown(title))}"'
        ' preserveAspectRatio="xMidYMid meet">'
    ]
    for step in range(5):
        value = top * step / 4
        out.append(f'<path class="grid" d="M{_LEFT} {y(value):.1f}H{_WIDTH - _RIGHT}"/>')
        out.append(f'<text class="axis" x="{_LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:g}</text>')
    for index in _ticks(labels):
        anchor = "start" if index == 0 else "end" if x(index) > _WIDTH - 40 else "middle"
        out.append(
            f'<text class="axis" x="{x(index):.1f}" y="{_HEIGHT - 8}" text-anchor="{anchor}">{labels[index]}</text>'
        )
    for number, line in enumerate(lines[:LINES]):
        points = [(x(index), y(line.values.get(label, 0))) for index, label in enumerate(labels)]
        path = "L".join(f"{left:.1f} {height:.1f}" for left, height in points)
        out.append(f'<path class="line line-{number}" d="M{path}"/>')
        if len(labels) <= _POINTS:
            out += [
                f'<circle class="dot line-{number}" cx="{left:.1f}" cy="{height:.1f}" r="3"><title>'
                f"{escape(shown(line.label))} {label}: {line.values[label]}</title></circle>"
                for label, (left, height) in zip(labels, points, strict=True)
                if line.values.get(label)
            ]
    return Markup("".join([*out, "</svg>"]))  # noqa: S704 - numbers, and labels escaped above


def _round_up(value: int) -> int:
    """The next number that divides well into four."""
    step = 4
    while step < value:
        step = step * 5 // 2 if str(step).startswith("4") else step * 2
    return step


def _ticks(labels: Sequence[str]) -> list[int]:
    """Which labels are written: Januaries where there are enough of them, never more than _LABELS."""
    januaries = [index for index, label in enumerate(labels) if label.endswith("-01") or len(label) == 4]
    chosen = januaries if len(januaries) > 2 else list(range(len(labels)))
    every = -(-len(chosen) // _LABELS) or 1
    return chosen[::every]
