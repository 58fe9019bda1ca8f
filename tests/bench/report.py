"""The report: a table for the terminal, results.json, and a chart of it as SVG for the docs."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import attrs

from tests.bench.figures import Figure

FOLDER = Path(__file__).parents[2] / "docs" / "bench"
PACKAGES = ("sms-core", "urllib3", "aiohttp", "httpx", "requests", "twilio", "vonage-sms", "zeep", "apprise", "uvicorn")
WIDTH, LABELS, BARS, LINE = 840, 270, 360, 22
OURS, OTHERS, FAILED = "#1a7f5a", "#9aa5b1", "#c4473a"
SMALL = {"font_size": "10", "fill": "#52606d"}
ON_WHITE = {"stroke": "#ffffff", "stroke_width": "4", "paint_order": "stroke"}
"""Words that the line of the targets does not cross."""


def machine() -> str:
    """What ran it, in words."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{model}, {os.cpu_count()} cores, {platform.system()}, {python}"


def versions() -> dict[str, str]:
    """Of the packages that took part."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def table(figures: Iterable[Figure], work: Mapping[int, str]) -> str:
    """A line for each figure, below the work that it is of."""
    lines = []
    row = 0
    for figure in figures:
        if figure.row != row:
            row = figure.row
            lines.append(f"\n{row}. {work[row]}")
        target = str(figure.target or "")
        lines.append(f"   {figure.name:42} {_shown(figure.value):>9} {figure.unit:14} {target:8} {figure.verdict}")
    return "\n".join(lines)


def results(figures: Iterable[Figure], *, quick: bool) -> dict[str, Any]:
    """All that is known of a run, as it is kept."""
    return {
        "machine": machine(),
        "versions": versions(),
        "quick": quick,
        "figures": [{**attrs.asdict(figure), "verdict": figure.verdict} for figure in figures],
    }


def write(found: Mapping[str, Any]) -> None:
    """Write results.json and its chart."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    text = json.dumps(found, ensure_ascii=False, indent=2)
    (FOLDER / "results.json").write_text(f"{text}\n", encoding="utf-8")
    (FOLDER / "chart.svg").write_text(chart(found), encoding="utf-8")


def _shown(value: float) -> str:
    digits = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:,.{digits}f}"


def _text(x: float, y: float, text: str, **attributes: str) -> str:
    more = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in attributes.items())
    return f'<text x="{x:g}" y="{y:g}"{more}>{escape(text)}</text>'


def _bar(y: float, label: str, length: float, colour: str, words: str) -> list[str]:
    """A line of the chart: a name, a bar (1 is its full length), and what it says."""
    width = max(length, 0.0) * BARS
    return [
        _text(LABELS - 10, y + 12, label, text_anchor="end"),
        f'<rect x="{LABELS}" y="{y:g}" width="{width:.1f}" height="14" fill="{colour}"/>',
        _text(LABELS + width + 6, y + 12, words, **ON_WHITE),
    ]


def _sends(figures: Sequence[Mapping[str, Any]], y: float) -> list[str]:
    """Row 1: the time of one send, ours and that of others; raw urllib3 is 1."""
    rows = [figure for figure in figures if figure["row"] == 1 and figure["unit"] != "µs"]
    longest = max([1.0, *(figure["value"] for figure in rows)])
    parts = _bar(y, "urllib3 alone", 1 / longest, OTHERS, "1")
    for place, figure in enumerate(sorted(rows, key=lambda figure: figure["value"]), start=1):
        colour = OURS if figure["name"].startswith("every8d") else OTHERS
        words = f"{figure['value']:.2f}"
        name = f"sms-core, {figure['name']}".replace("_", "-") if colour == OURS else figure["name"]
        parts += _bar(y + place * LINE, name, figure["value"] / longest, colour, words)
    return parts


def _targets(figures: Sequence[Mapping[str, Any]], y: float) -> list[str]:
    """Every figure that has a target; the line is the target."""
    x = LABELS + BARS / 2
    bottom = y + len(figures) * LINE
    parts = [f'<line x1="{x:g}" x2="{x:g}" y1="{y - 6:g}" y2="{bottom:g}" stroke="#1f2933" stroke-dasharray="3 3"/>']
    for place, figure in enumerate(figures):
        target = figure["target"]
        share = figure["value"] / target["value"]
        sign = "≥" if target["at_least"] else "≤"
        words = f"{_shown(figure['value'])} {figure['unit']} ({sign} {target['value']:g})"
        colour = OURS if figure["verdict"] == "pass" else FAILED
        name = f"{figure['row']}. {figure['name']}".replace("_", "-")
        parts += _bar(y + place * LINE, name, min(share, 2) / 2, colour, words)
    return parts


def chart(found: Mapping[str, Any]) -> str:
    """The results as SVG: how long one send takes beside others, and each figure beside its target."""
    figures: list[Mapping[str, Any]] = found["figures"]
    with_target = [figure for figure in figures if figure["target"]]
    first = 56
    second = first + (2 + sum(figure["row"] == 1 and figure["unit"] != "µs" for figure in figures)) * LINE + 40
    height = second + len(with_target) * LINE + 50
    packages = ", ".join(f"{name} {number}" for name, number in found["versions"].items())
    style = 'font-family="sans-serif" font-size="12" fill="#1f2933"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {style}>',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        _text(16, 24, "One send on a kept-alive connection, in times of urllib3 alone", font_size="15"),
        _text(16, 42, "The shorter, the better.", fill="#52606d"),
        *_sends(figures, first),
        _text(16, second - 28, "Every figure that has a target, beside it", font_size="15"),
        _text(16, second - 12, "The dashed line is the target. Red: not met.", fill="#52606d"),
        *_targets(with_target, second),
        _text(16, height - 26, f"{found['machine']}{', a quick run' if found['quick'] else ''}", **SMALL),
        _text(16, height - 12, packages, **SMALL),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"
