"""A jointed hand in centimetres: gestures, bones, and the round cones (capsules) that make up its flesh.

Hand frame, right hand: origin at the wrist, y towards the fingers, x towards the thumb, z out of the back of
the hand. The bone lengths are ordinary adult proportions; a left hand is the mirror image in x.
"""

from dataclasses import dataclass
from typing import Optional

import numpy as np

GESTURES = ("rock", "paper", "scissors")

PALM, FOREARM, SLEEVE, BAND = "palm", "forearm", "sleeve", "band"


@dataclass
class Capsule:
    """A sphere swept from `a` to `b` while its radius goes from `ra` to `rb`, with the frame of its bone.

    `part` is PALM, FOREARM, SLEEVE, BAND or a finger's name; `segment` counts phalanges from the palm (0, 1,
    2). `dorsal` is the unit vector out of the nail's side. `waist` narrows the middle by that fraction.
    """

    part: str
    segment: int
    a: np.ndarray
    b: np.ndarray
    ra: float
    rb: float
    dorsal: np.ndarray
    waist: float = 0.0
    tip: bool = False


@dataclass
class Finger:
    name: str
    knuckle: tuple
    lengths: tuple
    radii: tuple
    splay: float  # degrees, towards the thumb, when the hand is relaxed


FINGERS = (
    Finger("index", (2.65, 9.1, 0.0), (4.4, 2.5, 1.7), (1.04, 0.94, 0.86, 0.70), 4.0),
    Finger("middle", (0.85, 9.5, 0.25), (4.8, 2.9, 1.8), (1.06, 0.96, 0.88, 0.72), 0.5),
    Finger("ring", (-0.95, 9.1, 0.1), (4.4, 2.7, 1.8), (1.01, 0.91, 0.83, 0.68), -3.0),
    Finger("little", (-2.6, 8.2, -0.2), (3.4, 1.9, 1.55), (0.90, 0.79, 0.71, 0.59), -8.0),
)
THUMB_ROOT = np.array([2.1, 1.9, -0.7])
THUMB_LENGTHS = (4.2, 3.3, 2.2)
THUMB_RADII = (1.45, 1.12, 1.02, 0.78)

# Joints of the thumb after its root: where they point, per way of holding it, and which way the nail looks.
THUMB_POSES = {
    "open": (((4.7, 5.1, -1.3), (6.6, 7.7, -1.6), (8.0, 9.9, -1.5)), (0.45, -0.3, 0.85)),
    "beside": (((3.9, 5.6, -1.3), (4.5, 8.7, -1.6), (4.3, 11.0, -1.5)), (0.65, 0.0, 0.75)),
    "across_fist": (((4.0, 5.5, -2.5), (3.6, 7.9, -4.5), (1.0, 8.4, -5.6)), (0.25, 0.5, -0.85)),
    "along_fist": (((4.2, 5.5, -1.9), (4.3, 8.2, -3.7), (3.9, 10.2, -4.3)), (1.0, 0.1, -0.2)),
    "across_two": (((3.2, 5.5, -2.7), (1.5, 7.1, -4.9), (-0.8, 7.7, -5.7)), (0.1, 0.4, -0.9)),
}


@dataclass
class Pose:
    """Angles in degrees: per finger (knuckle, middle joint, end joint) flexion and sideways splay; thumb
    blend."""

    flexion: dict
    splay: dict
    thumb: tuple  # (pose name, pose name, weight of the second)
    wrist_bend: float = 0.0
    wrist_turn: float = 0.0
    left: bool = False
    girth: float = 1.0
    finger_length: float = 1.0
    sleeve_start: Optional[float] = None  # centimetres below the wrist; None is a bare arm
    band: bool = False


def rotation(axis, degrees):
    """3x3 rotation about `axis` ("x", "y" or "z"), right-handed."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    if axis == "x":
        return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    if axis == "y":
        return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def sample_pose(gesture, rng):
    """A random pose of `gesture`, one of GESTURES."""
    names = [f.name for f in FINGERS]

    def near(value, spread):
        return value + spread * rng.normal()

    def straight():
        lazy = abs(rng.normal()) * 8
        return (near(4, 6), max(0.0, lazy + near(4, 4)), max(0.0, 0.7 * lazy + near(2, 3)))

    def curled():
        tight = rng.uniform(0.88, 1.03)
        return (near(84 * tight, 4), near(115 * tight, 4), near(74 * tight, 5))

    if gesture == "rock":
        common = near(0, 4)
        flexion = {n: tuple(v + common for v in curled()) for n in names}
        splay = {n: near(0, 1.5) for n in names}
        thumb = ("across_fist", "along_fist", rng.choice([0.0, 0.2, 0.5, 1.0]))
    elif gesture == "paper":
        common = abs(rng.normal()) * 6
        flexion = {n: tuple(v + common for v in straight()) for n in names}
        spread = rng.uniform(0.1, 3.2)
        splay = {f.name: f.splay * spread + near(0, 1.5) for f in FINGERS}
        thumb = ("open", "beside", rng.uniform(0, 1))
    else:
        flexion = {n: straight() if n in ("index", "middle") else curled() for n in names}
        apart = rng.uniform(9, 24)
        lean = near(0, 4)
        splay = {"index": lean + apart * 0.6, "middle": lean - apart * 0.5, "ring": near(0, 2),
                 "little": near(2, 2)}
        thumb = ("across_two", "across_fist", rng.choice([0.0, 0.25, 0.5]))

    return Pose(
        flexion=flexion,
        splay=splay,
        thumb=thumb,
        wrist_bend=near(0, 10),
        wrist_turn=near(0, 7),
        left=bool(rng.random() < 0.5),
        girth=rng.uniform(0.88, 1.16),
        finger_length=rng.uniform(0.92, 1.1),
        sleeve_start=float(rng.uniform(0.5, 7.0)) if rng.random() < 0.65 else None,
        band=bool(rng.random() < 0.15),
    )


def _finger_capsules(finger, pose, out):
    frame = rotation("z", -pose.splay[finger.name])
    joint = np.array(finger.knuckle)
    for segment in range(3):
        frame = frame @ rotation("x", -pose.flexion[finger.name][segment])
        end = joint + frame[:, 1] * finger.lengths[segment] * pose.finger_length
        ra, rb = (finger.radii[segment] * pose.girth, finger.radii[segment + 1] * pose.girth)
        out.append(Capsule(finger.name, segment, joint, end, ra, rb, frame[:, 2].copy(), 0.07, segment == 2))
        joint = end


def _thumb_capsules(pose, out):
    first, second, weight = pose.thumb
    joints = [np.array(p) * (1 - weight) + np.array(q) * weight
              for p, q in zip(THUMB_POSES[first][0], THUMB_POSES[second][0])]
    hint = np.array(THUMB_POSES[first][1]) * (1 - weight) + np.array(THUMB_POSES[second][1]) * weight
    joint, previous = THUMB_ROOT, THUMB_ROOT
    for segment, target in enumerate(joints):
        axis = (target - previous) / np.linalg.norm(target - previous)
        previous = target
        end = joint + axis * THUMB_LENGTHS[segment]
        dorsal = hint - axis * (hint @ axis)
        dorsal /= np.linalg.norm(dorsal)
        ra, rb = (THUMB_RADII[segment] * pose.girth, THUMB_RADII[segment + 1] * pose.girth)
        out.append(Capsule("thumb", segment, joint, end, ra, rb, dorsal, 0.05, segment == 2))
        joint = end
    return out[-3].b


def hand_capsules(pose):
    """All the capsules of a posed hand with its forearm, in the hand frame (mirrored for a left hand)."""
    up = np.array([0.0, 0.0, 1.0])
    out = []

    def flesh(part, a, b, ra, rb):
        out.append(Capsule(part, 0, np.array(a, float), np.array(b, float), ra, rb, up))

    g = pose.girth
    knuckles = {f.name: np.array(f.knuckle) for f in FINGERS}
    for name, root, ra, rb in (("index", (1.5, 0.6, -0.2), 1.55, 1.12),
                               ("middle", (0.5, 0.5, 0.1), 1.6, 1.16),
                               ("ring", (-0.5, 0.5, 0.0), 1.55, 1.1),
                               ("little", (-1.4, 0.7, -0.3), 1.5, 1.0)):
        flesh(PALM, root, knuckles[name] + (0, -0.15, -0.1), ra * g, rb * g)
    flesh(PALM, (-1.8, 2.2, -0.8), (-2.3, 6.2, -0.7), 1.35 * g, 1.1 * g)  # heel of the hand
    flesh(PALM, (0.2, 3.0, -0.3), (1.4, 7.6, -0.3), 1.6 * g, 1.2 * g)

    for finger in FINGERS:
        _finger_capsules(finger, pose, out)
    thumb_knuckle = _thumb_capsules(pose, out)
    for share, radius in ((0.35, 1.25), (0.62, 1.0)):  # the web between thumb and index finger
        flesh(PALM, (1.6, 2.6, -0.6), (1 - share) * knuckles["index"] * (1, 0.82, 1) + share * thumb_knuckle,
              1.5 * g, radius * g)

    arm = rotation("x", pose.wrist_bend) @ rotation("z", pose.wrist_turn)
    for side in (-1, -0.5, 0, 0.5, 1):
        flesh(FOREARM, arm @ (1.15 * side, 0.4, -0.1), arm @ (1.25 * side, -6.0, 0.0), 1.62 * g, 1.9 * g)
        flesh(FOREARM, arm @ (1.25 * side, -6.0, 0.0), arm @ (2.0 * side, -45.0, 0.0), 1.9 * g, 3.2 * g)
    if pose.sleeve_start is not None:
        start = -pose.sleeve_start
        for side in (-1, -0.5, 0, 0.5, 1):
            flesh(SLEEVE, arm @ (1.4 * side, start, 0.0), arm @ (2.1 * side, -45.0, 0.0), 2.35 * g, 4.0 * g)
    if pose.band and (pose.sleeve_start is None or pose.sleeve_start > 3.5):
        for side in (-1, -0.5, 0, 0.5, 1):
            flesh(BAND, arm @ (1.25 * side, -1.6, 0.0), arm @ (1.25 * side, -2.5, 0.0), 1.83 * g, 1.87 * g)

    if pose.left:
        for c in out:
            c.a, c.b, c.dorsal = c.a * (-1, 1, 1), c.b * (-1, 1, 1), c.dorsal * (-1, 1, 1)
    return out
