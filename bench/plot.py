"""plot.py - a bar chart as SVG: groups of bars, one per system, as multiples of a system that is 1."""
import html

COLOURS = ['#1b6ca8', '#9aa3ab', '#c9a227', '#b5523b', '#5a8f5a']
BAR, GAP, LEFT, SCALE, TOP = 13, 16, 250, 130, 64  # SCALE: pixels of one multiple


def text(x, y, words, anchor='start', size=12, more=''):
    return f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" text-anchor="{anchor}"{more}>{html.escape(words)}</text>'


def bars(title, systems, groups, most=3.0):
    """The document. groups: (name, {system: multiple or None}, goal as a multiple or None); what is above `most` is cut there."""
    step = len(systems) * BAR + GAP
    width, height = LEFT + int(most * SCALE) + 80, TOP + step * len(groups) + 34
    bottom = height - 30
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif">',
           f'<rect width="{width}" height="{height}" fill="#ffffff"/>', text(12, 24, title, size=15)]
    for i, system in enumerate(systems):
        x = LEFT + i * 80
        out.append(f'<rect x="{x}" y="38" width="11" height="11" fill="{COLOURS[i % len(COLOURS)]}"/>' + text(x + 16, 48, system))
    for i in range(int(most) + 1):
        x = LEFT + i * SCALE
        out.append(f'<line x1="{x}" y1="{TOP - 6}" x2="{x}" y2="{bottom}" stroke="{"#555555" if i == 1 else "#dddddd"}"/>')
        out.append(text(x, bottom + 16, f'{i}x', 'middle', 11))
    for g, (name, values, goal) in enumerate(groups):
        y = TOP + g * step
        out.append(text(LEFT - 10, y + len(systems) * BAR / 2 + 4, name, 'end'))
        for i, system in enumerate(systems):
            v, at = values.get(system), y + i * BAR
            if v is None:
                out.append(text(LEFT + 4, at + 10, 'does not work here', size=10, more=' fill="#888888"'))
                continue
            w = min(v, most) * SCALE
            out.append(f'<rect x="{LEFT}" y="{at}" width="{w:.1f}" height="{BAR - 2}" fill="{COLOURS[i % len(COLOURS)]}"/>')
            out.append(text(LEFT + w + 4, at + 10, f'{v:.2f}' + (' (cut)' if v > most else ''), size=10))
        if goal:
            x = LEFT + goal * SCALE
            out.append(f'<line x1="{x:.1f}" y1="{y - 4}" x2="{x:.1f}" y2="{y + BAR + 2}" stroke="#000000" stroke-width="2">'
                       f'<title>goal of {html.escape(systems[0])}: {goal}x</title></line>')
    return '\n'.join([*out, '</svg>']) + '\n'
