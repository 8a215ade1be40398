"""Colour of the hand before light falls on it: skin tones, nails, creases, palm lines, sleeves and wrist
bands."""

import numpy as np

from rps_hand import BAND, SLEEVE
from rps_noise import smoothstep, value_noise

# sRGB, from pale to dark.
SKIN_TONES = np.array([(246, 214, 190), (238, 195, 165), (225, 172, 135), (205, 148, 108), (178, 118, 82),
                       (141, 88, 58), (104, 63, 43), (76, 46, 34)]) / 255.0


def random_cloth_colour(rng):
    """sRGB in [0, 1]: mostly muted, sometimes strong, sometimes white or black."""
    value = rng.choice([rng.uniform(0.08, 0.3), rng.uniform(0.3, 0.75), rng.uniform(0.8, 0.97)])
    colour = value * (1 + rng.uniform(0.05, 0.6) * rng.uniform(-1, 1, 3))
    return np.clip(colour, 0.02, 0.98)


def _local_coordinates(maps, points, capsules):
    """Per hand pixel: centimetres along the bone from each end, sideways, and the cosine to its dorsal
    vector."""
    a = np.array([c.a for c in capsules])
    b = np.array([c.b for c in capsules])
    axis = (b - a) / np.linalg.norm(b - a, axis=-1, keepdims=True)
    dorsal = np.array([c.dorsal for c in capsules])
    side = np.cross(axis, dorsal)
    own = maps.owner
    rel = points - a[own]
    along = np.sum(rel * axis[own], -1)
    to_end = np.linalg.norm(b - a, axis=-1)[own] - along
    across = np.sum(rel * side[own], -1)
    normal = maps.normal * (1, -1, 1)
    return along, to_end, across, np.sum(normal * dorsal[own], -1)


def _line(distance, width):
    return np.exp(-(distance / width)**2)


def _palm_lines(hand_points, rng):
    """The three large creases of a palm as a map of darkness, from points in the (right) hand frame."""
    x, y = hand_points[..., 0], hand_points[..., 1]
    shift = 0.25 * rng.normal(size=3)
    around_thumb = np.hypot((x - 3.3) / 0.85, y - 2.8 - shift[0]) - 3.9
    life = _line(around_thumb, 0.13) * smoothstep(3.6, 2.6, x) * smoothstep(0.6, 2.0, y)
    head = _line(y - (6.1 + shift[1] + 0.33 * x + 0.03 * x * x), 0.12) * smoothstep(-3.0, -1.5, x)
    heart = _line(y - (7.5 + shift[2] + 0.06 * (x + 2.5)**2), 0.12) * smoothstep(2.2, 0.8, x)
    return np.maximum(life, np.maximum(head, heart))


def albedo(maps, points, hand_points, capsules, rng):
    """sRGB albedo [h, w, 3] and shine [h, w]. `points` are camera-frame surface points, `hand_points` the
    same in the frame of an unmirrored right hand."""
    height, width = maps.depth.shape
    tone = rng.uniform(0, len(SKIN_TONES) - 1)
    low = int(min(tone, len(SKIN_TONES) - 2))
    base = SKIN_TONES[low] + (SKIN_TONES[low + 1] - SKIN_TONES[low]) * (tone - low)
    base = np.clip(base * (1 + 0.04 * rng.normal(size=3)), 0.05, 0.98)
    darkness = tone / (len(SKIN_TONES) - 1)

    along, to_end, across, facing = _local_coordinates(maps, points, capsules)
    parts = np.array([c.part for c in capsules] + ["none"])
    tips = np.array([c.tip for c in capsules] + [False])[maps.owner]
    segment = np.array([c.segment for c in capsules] + [9])[maps.owner]
    on_finger = np.isin(parts, ("index", "middle", "ring", "little", "thumb"))[maps.owner]
    on_palm = (parts == "palm")[maps.owner]
    palmar = smoothstep(0.15, -0.5, facing)

    skin = np.ones((height, width, 3)) * base
    palm_tint = base * (1 - 0.55 * darkness) + np.array((0.86, 0.62, 0.52)) * 0.55 * darkness
    soles = (palmar * smoothstep(-2.5, 2.0, hand_points[..., 1]))[..., None]
    skin = skin * (1 - soles) + palm_tint * soles
    mottle = value_noise(rng, height, width, 7) - 0.5
    skin *= 1 + 0.16 * mottle[..., None] * (0.6, 1.0, 1.0)
    grain = rng.normal(size=(height, width)) * 0.012
    skin *= 1 + grain[..., None]

    red = np.where(tips, smoothstep(1.6, 0.0, to_end), 0) * 0.6
    red += np.where(on_finger & (segment == 0), _line(along, 0.9) * (1 - palmar), 0) * 0.5
    red += np.where(on_finger & (segment == 1), _line(along, 0.5) * (1 - palmar), 0) * 0.5
    skin *= 1 - red[..., None] * np.array((0.02, 0.13, 0.13))

    creases = np.zeros((height, width))
    jointed = on_finger & (segment >= 1)
    for offset in (-0.22, 0.0, 0.2):  # wrinkles over the joints, short on the back of a finger
        wave = along - offset - 0.1 * across * across * np.sign(offset)
        wrinkle = _line(wave, 0.055) * smoothstep(0.2, 0.7, facing)
        creases = np.maximum(creases, np.where(jointed, wrinkle, 0) * 0.55)
    for offset in (-0.1, 0.12):
        creases = np.maximum(creases, np.where(jointed, _line(along - offset, 0.06) * palmar, 0) * 0.8)
    root = _line(along - 1.7, 0.08) * palmar
    creases = np.maximum(creases, np.where(on_finger & (segment == 0), root, 0) * 0.8)
    creases = np.maximum(creases, np.where(on_palm, _palm_lines(hand_points, rng) * palmar, 0) * 0.8)
    skin *= 1 - creases[..., None] * (0.26, 0.36, 0.38) * rng.uniform(0.5, 1.1)

    shine = np.full((height, width), rng.uniform(0.03, 0.12))
    thumb_wide = np.where((parts == "thumb")[maps.owner], 1.3, 1.0)
    nail_centre = to_end + 0.02
    ellipse = np.abs(across / (0.47 * thumb_wide))**3 + np.abs(nail_centre / (0.62 * thumb_wide))**3
    nail = np.where(tips & (facing > 0.1), smoothstep(1.15, 0.9, ellipse), 0)
    rim = np.where(tips & (facing > 0.1), _line(ellipse - 1.1, 0.22), 0)
    painted = rng.random() < 0.12
    polish = rng.uniform(0.1, 0.9, 3)
    nail_colour = polish if painted else np.clip(base * 0.72 + np.array((0.98, 0.8, 0.76)) * 0.28, 0, 1)
    skin = skin * (1 - nail[..., None]) + nail_colour * nail[..., None]
    white = np.where(painted, 0, nail * smoothstep(-0.38, -0.5, to_end))
    skin = skin * (1 - 0.6 * white[..., None]) + 0.6 * white[..., None] * np.array((0.95, 0.92, 0.88))
    skin *= 1 - 0.22 * rim[..., None]
    shine = shine + nail * 0.22

    cloth = (parts == SLEEVE)[maps.owner]
    colour, second = random_cloth_colour(rng), random_cloth_colour(rng)
    pattern = np.zeros((height, width))
    kind = rng.integers(4)
    if kind == 1:
        pattern = smoothstep(-0.2, 0.2, np.sin(along * rng.uniform(2.0, 6.0)))
    elif kind == 2:
        pattern = 0.5 * sum(smoothstep(-0.1, 0.1, np.sin(v * 3.5)) for v in (along, across))
    folds = value_noise(rng, height, width, 9, octaves=3) - 0.5
    hem = _line(along + 1.6, 0.12)
    fabric = colour + (second - colour) * (pattern * rng.uniform(0.2, 1.0))[..., None]
    fabric = fabric * (1 + 0.5 * folds[..., None]) * (1 - 0.3 * hem[..., None]) * (1 + 2 * grain[..., None])
    skin = np.where(cloth[..., None], fabric, skin)
    strap = (parts == BAND)[maps.owner]
    skin = np.where(strap[..., None], random_cloth_colour(rng), skin)
    shine = np.where(cloth, 0.01, np.where(strap, 0.2, shine))
    return np.clip(skin, 0.01, 1.0), shine
