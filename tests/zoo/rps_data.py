"""Loads the data set as the runtime sees it: JPEG files decoded, resized and cropped with Pillow."""

import os

import numpy as np
from PIL import Image

from rps_hand import GESTURES
from rps_render import image_name

INPUT = 128
RESIZE = 146  # short side before the crop: round(256 / 224 * INPUT)
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


def load_resized(path):
    """uint8 [RESIZE, RESIZE, 3] of a square picture, by Pillow's antialiased bilinear filter."""
    image = Image.open(path).convert("RGB")
    if image.width != image.height:
        raise ValueError(f"{path}: expected a square picture, got {image.width}x{image.height}")
    return np.asarray(image.resize((RESIZE, RESIZE), Image.BILINEAR))


def centre_crop(images):
    """[..., RESIZE, RESIZE, 3] to [..., INPUT, INPUT, 3]."""
    start = (RESIZE - INPUT) // 2
    return images[..., start:start + INPUT, start:start + INPUT, :]


def normalise(images):
    """uint8 [n, h, w, 3] to the network's float32 input [n, 3, h, w]."""
    real = (images.astype(np.float32) / 255 - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
    return np.ascontiguousarray(real.transpose(0, 3, 1, 2))


def split_files(per_class):
    """[(file name, class index)] in the order of the classes."""
    return [(image_name(gesture, i), label) for label, gesture in enumerate(GESTURES)
            for i in range(per_class)]


def load_split(folder, per_class):
    """(uint8 [n, RESIZE, RESIZE, 3], int64 [n]) of the files that split_files names under `folder`."""
    files = split_files(per_class)
    images = np.stack([load_resized(os.path.join(folder, name)) for name, _ in files])
    return images, np.array([label for _, label in files], np.int64)
