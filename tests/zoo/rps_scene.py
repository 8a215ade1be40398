"""Backgrounds: walls, wood, cloth, tiles, rooms out of focus, carpets, and desks with clutter. sRGB in [0,
1]."""

import numpy as np
from PIL import Image, ImageDraw

from rps_noise import blur, smoothstep, value_noise


def _colour(rng):
    value = rng.uniform(0.12, 0.95)
    return np.clip(value * (1 + rng.uniform(0, 0.5) * rng.uniform(-1, 1, 3)), 0.03, 0.97)


def _grid(side, rng):
    """Rotated coordinates in [-0.7, 0.7] or so."""
    y, x = np.mgrid[0:side, 0:side] / side - 0.5
    angle = rng.uniform(0, 2 * np.pi)
    return x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)


def _mix(a, b, t):
    return a + (b - a) * t[..., None]


def wall(side, rng):
    u, _ = _grid(side, rng)
    base = _mix(_colour(rng), _colour(rng), smoothstep(-0.9, 0.9, u + 0.2 * rng.normal()))
    return base * (1 + 0.08 * (value_noise(rng, side, side, 5, octaves=6, gain=0.8) - 0.5))[..., None]


def wood(side, rng):
    stains = np.array(((0.36, 0.22, 0.12), (0.55, 0.38, 0.22), (0.25, 0.16, 0.11), (0.62, 0.52, 0.4)))
    dark = stains[rng.integers(4)]
    light = np.clip(dark * rng.uniform(1.15, 1.6), 0, 0.95)
    u, v = _grid(side, rng)
    plank_height = rng.uniform(0.12, 0.4)
    plank = np.floor(v / plank_height)
    warp = value_noise(rng, side, side, 4, octaves=3)
    rings = np.sin((v * rng.uniform(25, 60) + warp * rng.uniform(4, 10) + plank * 1.7) * 2)
    fibre = value_noise(rng, side, side, 40, octaves=3, gain=0.8)
    tint = 0.12 * np.sin(plank * 12.9898)
    image = _mix(dark, light, np.clip(0.5 + 0.22 * rings + 0.4 * (fibre - 0.5) + tint, 0, 1))
    gap = np.abs(v / plank_height - np.round(v / plank_height)) * plank_height
    return image * (1 - 0.6 * smoothstep(0.006, 0.002, gap))[..., None]


def cloth(side, rng):
    u, v = _grid(side, rng)
    a, b, c = _colour(rng), _colour(rng), _colour(rng)
    width = rng.uniform(10, 40)
    stripes = smoothstep(-0.3, 0.3, np.sin(u * width)) * 0.5
    checks = smoothstep(-0.3, 0.3, np.sin(v * width)) * 0.5
    image = _mix(_mix(np.ones((side, side, 3)) * a, b, stripes), c, checks * rng.integers(0, 2))
    weave = np.sin(u * 420) * np.sin(v * 420)
    folds = value_noise(rng, side, side, 3, octaves=2) - 0.5
    return image * (1 + 0.06 * weave + 0.5 * folds)[..., None]


def tiles(side, rng):
    u, v = _grid(side, rng)
    size_u = rng.uniform(0.1, 0.35)
    size_v = size_u * rng.choice([0.4, 1.0])
    row = np.floor(v / size_v)
    column = np.floor(u / size_u + 0.5 * (row % 2) * rng.integers(0, 2))
    joint_u = np.abs(u / size_u - np.round(u / size_u)) * size_u
    joint_v = np.abs(v / size_v - np.round(v / size_v)) * size_v
    joint = np.minimum(joint_u, joint_v)
    hue = np.sin(row * 78.233 + column * 37.719) * 0.5 + 0.5
    image = _mix(_colour(rng), _colour(rng), hue * rng.uniform(0.1, 0.8))
    return _mix(image, _colour(rng) * np.ones((side, side, 3)), smoothstep(0.012, 0.006, joint))


def carpet(side, rng):
    noise = value_noise(rng, side, side, rng.integers(3, 12), octaves=6, gain=rng.uniform(0.55, 0.95))
    noise = smoothstep(0.3, 0.7, noise)
    return _mix(_mix(_colour(rng), _colour(rng), noise), _colour(rng),
                smoothstep(0.4, 0.75, value_noise(rng, side, side, 5, octaves=5)))


def _draw_shapes(image, rng, count, finger_like):
    """Boxes, discs, triangles and, when `finger_like`, rounded bars (pens, cables, sausages, sticks)."""
    side = image.shape[0]
    canvas = Image.fromarray((np.clip(image, 0, 1) * 255).astype(np.uint8))
    draw = ImageDraw.Draw(canvas)
    for _ in range(count):
        fill = tuple(int(255 * v) for v in _colour(rng))
        x, y = rng.uniform(-0.1, 1.1, 2) * side
        w, h = rng.uniform(0.05, 0.45, 2) * side
        kind = rng.integers(4 if finger_like else 3)
        if kind == 0:
            angle = rng.uniform(0, np.pi)
            corners = np.array(((-w, -h), (w, -h), (w, h), (-w, h))) * 0.5
            turn = np.array(((np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))))
            draw.polygon([tuple(p + (x, y)) for p in corners @ turn.T], fill=fill)
        elif kind == 1:
            draw.ellipse((x - w / 2, y - h / 2, x + w / 2, y + h / 2), fill=fill)
        elif kind == 2:
            draw.polygon([tuple(rng.uniform(-0.3, 0.3, 2) * side + (x, y)) for _ in range(3)], fill=fill)
        else:
            thick = int(rng.uniform(0.02, 0.09) * side) + 1
            x1, y1 = rng.uniform(-0.4, 0.4, 2) * side + (x, y)
            draw.line((x, y, x1, y1), fill=fill, width=thick)
            for cx, cy in ((x, y), (x1, y1)):
                draw.ellipse((cx - thick / 2, cy - thick / 2, cx + thick / 2, cy + thick / 2), fill=fill)
    return np.asarray(canvas, np.float64) / 255


def room(side, rng):
    image = _draw_shapes(wall(side, rng), rng, int(rng.integers(6, 16)), False)
    return blur(image, rng.uniform(0.015, 0.06) * side)


def desk(side, rng):
    image = (wood if rng.random() < 0.6 else wall)(side, rng)
    return _draw_shapes(image, rng, int(rng.integers(2, 9)), True)


KINDS = (wall, wood, cloth, tiles, carpet, room, desk)


def background(side, rng):
    """(image [side, side, 3], True when the hand may rest on it and cast a shadow)."""
    kind = KINDS[rng.choice(len(KINDS), p=(0.2, 0.14, 0.12, 0.1, 0.12, 0.18, 0.14))]
    image = kind(side, rng)
    if kind is not room and rng.random() < 0.5:
        image = blur(image, rng.uniform(0.5, 0.02 * side))
    return np.clip(image, 0.01, 1), kind is not room and bool(rng.random() < 0.6)
