# SPDX-License-Identifier: MIT
"""The table of a run: as text, as JSON, and as an SVG chart."""

import dataclasses
import html
import json
import math
import statistics

MIB = 1 << 20
MEMORY_MOST = 64 + 64    # MiB of a daemon: its own, and the default of -o memory=
WIDTH, LABEL, LINE, TOP = 1060, 490, 22, 80    # pixels of the chart
DECADES = (-2, 3)                              # of the chart's axis, powers of ten
COLOURS = {"cairn": "#c0392b", "rclone": "#2c7fb8", "httpdirfs": "#41ab5d", "fusepy": "#8c6bb1",
           "casync": "#d95f0e", "squashfuse": "#636363", "restic": "#b8860b"}


@dataclasses.dataclass
class Cell:
    """What one system did in one row."""
    samples: list
    values: list                # for each figure, one of each round
    trouble: str = ""

    def figure(self, number):
        """The median of a figure, None without one."""
        values = [v[number] for v in self.values if v[number] is not None]
        return statistics.median(values) if values else None

    def median(self, field):
        values = [getattr(s, field) for s in self.samples if getattr(s, field) is not None]
        return statistics.median(values) if values else None


def number(value):
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def verdict(figure, cell):
    value = None if cell.trouble else cell.figure(figure[0])
    met = None if value is None else figure[1].met(value)
    return {True: "met", False: "missed", None: ""}[met]


def main_system(row):
    return "cairn, plain" if row.systems == "plain" else "cairn"


def lines_of(results):
    """Row, number and figure, title, cells: one for each line of the table."""
    for row, cells in results:
        for n, figure in enumerate(row.figures):
            yield row, n, figure, "" if n else row.title, cells


def table(rows):
    """Columns as wide as they need to be; the first two to the left."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(w) if i < 2 else cell.rjust(w)
                               for i, (cell, w) in enumerate(zip(row, widths))).rstrip()
                     for row in rows)


def text_figures(results, peers):
    rows = [("", "", "reach", "cairn", "", *peers)]
    for row, n, figure, title, cells in lines_of(results):
        own = cells.get(main_system(row))
        rows.append((title, figure.unit, figure.reach(),
                     number(own.figure(n)) if own else "-",
                     verdict((n, figure), own) if own else "",
                     *(number(cells[p].figure(n)) if p in cells else "" for p in peers)))
    peak = peak_memory(results) / MIB
    if peak:
        rows.append(("own memory of a reader, in any row", "MiB at most", f"<= {MEMORY_MOST}",
                     number(peak), "met" if peak <= MEMORY_MOST else "missed",
                     *("" for _ in peers)))
    return table(rows)


def text_costs(results):
    rows = [("", "", "seconds", "base", "CPU s", "own MiB", "requests", "MB on the wire")]
    for row, cells in results:
        cell, base = cells.get(main_system(row)), cells.get("base")
        if not cell or not cell.samples:
            continue
        memory, wire = cell.median("memory"), cell.median("wire")
        rows.append((row.title, "", number(cell.median("seconds")),
                     number(base.median("seconds")) if base else "-", number(cell.median("cpu")),
                     number(memory and memory / MIB), number(cell.median("requests")),
                     number(wire and wire / 1e6)))
    return table(rows)


def troubles(results):
    return "\n".join(f"{row.title}: {name}: {cell.trouble}" for row, cells in results
                     for name, cell in cells.items() if cell.trouble)


def peak_memory(results):
    seen = [s.memory for row, cells in results if row.reads for name, c in cells.items()
            if name.startswith("cairn") for s in c.samples if s.memory]
    return max(seen, default=0)


def as_text(results, peers, about):
    parts = ["\n".join(f"{key}: {value}" for key, value in about.items()),
             text_figures(results, peers), "What cairn took (medians):",
             text_costs(results)]
    if troubles(results):
        parts += ["Not measured:", troubles(results)]
    return "\n\n".join(parts) + "\n"


def as_json(results, about):
    rows = []
    for row, cells in results:
        figures = [{"unit": f.unit, "most": f.most, "least": f.least} for f in row.figures]
        systems = {name: {"figures": [c.figure(n) for n in range(len(row.figures))],
                          "samples": [dataclasses.asdict(s) for s in c.samples],
                          "trouble": c.trouble or None} for name, c in cells.items()}
        rows.append({"key": row.key, "title": row.title, "figures": figures, "systems": systems})
    return json.dumps({"about": about, "rows": rows,
                       "peak_memory": peak_memory(results)}, indent=1) + "\n"


def factor(figure, value):
    """How many times what is to be reached; below 1 it is met."""
    return value / figure.most if figure.most is not None else figure.least / value


def place(value):
    low, high = DECADES
    at = min(max(math.log10(max(value, 1e-9)), low), high)
    return LABEL + (at - low) / (high - low) * (WIDTH - LABEL - 20)


def marks(figure, n, cells, own, y):
    for name, cell in cells.items():
        value = cell.figure(n) if cell.values else None
        if not value or name == "base":
            continue
        colour = COLOURS["cairn" if name == own else name]
        size = 6 if name == own else 4
        yield (f'<circle cx="{place(factor(figure, value)):.1f}" cy="{y}" r="{size}" '
               f'fill="{colour}"><title>{html.escape(name)}: {number(value)} '
               f'{html.escape(figure.unit)}</title></circle>')


def axis(height):
    for power in range(DECADES[0], DECADES[1] + 1):
        x = place(10.0 ** power)
        style = 'stroke="#000"' if power == 0 else 'stroke="#ddd"'
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 12}" y2="{height}" {style}/>'
        yield f'<text x="{x:.1f}" y="{TOP - 18}" text-anchor="middle">{10.0 ** power:g}</text>'


def legend(names):
    x = 10
    for name in names:
        yield f'<circle cx="{x}" cy="36" r="5" fill="{COLOURS[name]}"/>'
        yield f'<text x="{x + 9}" y="40">{name}</text>'
        x += 26 + 7 * len(name)


def as_svg(results, peers):
    shown = [line for line in lines_of(results) if line[2].reach()]
    height = TOP + LINE * len(shown) + 6
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
             'font-family="sans-serif" font-size="12">',
             f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
             '<text x="10" y="18">Times what is to be reached; left of 1 it is met</text>',
             *legend(["cairn", *peers]), *axis(height)]
    for i, (row, n, figure, _, cells) in enumerate(shown):
        y = TOP + LINE * i + LINE // 2
        label = html.escape(f"{row.title}: {figure.unit}" if n else row.title)
        parts.append(f'<text x="{LABEL - 10}" y="{y + 4}" text-anchor="end">{label}</text>')
        parts += marks(figure, n, cells, main_system(row), y)
    return "\n".join(parts + ["</svg>"]) + "\n"
