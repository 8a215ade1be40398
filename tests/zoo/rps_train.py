#!/usr/bin/python3
"""Trains MobileNetV2 1.0 (torchvision's, three classes) on the rendered gestures, from scratch and from a
fixed seed."""

import argparse
import math
import os
import sys
import time

import numpy as np
import torch
import torchvision

from rps_data import INPUT, MEAN, RESIZE, STD, centre_crop, load_split, normalise
from rps_render import SPLITS

SEED = 7
SIZES = ((64, 24), (96, 28), (INPUT, 10))  # (input size, epochs): small first, for speed
BATCH = 40
PEAK_RATE = 0.003
WEIGHT_DECAY = 0.02
LABEL_SMOOTHING = 0.05
AVERAGE_DECAY = 0.995  # per step, of the running average of the weights, which is the network that is kept
EXPECTED_PARAMETERS = 2_227_715


def build_model():
    model = torchvision.models.mobilenet_v2(width_mult=1.0, num_classes=3)
    parameters = sum(p.numel() for p in model.parameters())
    if parameters != EXPECTED_PARAMETERS:
        raise RuntimeError(f"MobileNetV2 has {parameters} parameters, expected {EXPECTED_PARAMETERS}: "
                           "this torchvision builds another network")
    return model


def augment(images, size, rng):
    """Random crops, turns, mirrors and colours: uint8 [n, 3, RESIZE, RESIZE] to normalised float [n, 3, size,
    size]."""
    n = len(images)
    quarter = rng.choice([0, 90, 180, 270], n, p=(0.55, 0.15, 0.15, 0.15))
    angle = torch.from_numpy(np.radians(quarter + np.clip(rng.normal(size=n) * 18, -45, 45))).float()
    zoom = torch.from_numpy(rng.uniform(0.8, 1.06, n) * INPUT / RESIZE).float()
    stretch = torch.from_numpy(np.exp(0.07 * rng.normal(size=n))).float()
    mirror = torch.from_numpy(rng.choice([-1.0, 1.0], n)).float()
    shift = torch.from_numpy(rng.uniform(-0.1, 0.1, (n, 2))).float()
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0] = torch.cos(angle) * zoom * stretch * mirror
    theta[:, 0, 1] = -torch.sin(angle) * zoom / stretch
    theta[:, 1, 0] = torch.sin(angle) * zoom * stretch * mirror
    theta[:, 1, 1] = torch.cos(angle) * zoom / stretch
    theta[:, :, 2] = shift
    grid = torch.nn.functional.affine_grid(theta, (n, 3, size, size), align_corners=False)
    out = torch.nn.functional.grid_sample(images.float() / 255, grid, padding_mode="reflection",
                                          align_corners=False)
    tint = 0.2 * rng.normal(size=(n, 1, 1, 1)) + 0.07 * rng.normal(size=(n, 3, 1, 1))
    gain = torch.from_numpy(np.exp(tint)).float()
    contrast = torch.from_numpy(rng.uniform(0.75, 1.25, (n, 1, 1, 1))).float()
    middle = out.mean((1, 2, 3), keepdim=True)
    out = ((out - middle) * contrast + middle * gain).clamp(0, 1)
    return (out - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)


def predict(model, images, size=INPUT, batch=62):
    """Logits of uint8 pictures that load_split read for inputs of `size`, in evaluation mode, float32 [n, 3]."""
    model.eval()
    with torch.no_grad():
        return torch.cat([model(torch.from_numpy(normalise(centre_crop(images[i:i + batch], size))))
                          for i in range(0, len(images), batch)]).numpy()


def top1(model, images, labels, size=INPUT):
    return float((predict(model, images, size).argmax(1) == labels).mean())


def train(data, seed=SEED, sizes=SIZES, log=print, build=build_model, checkpoint=None):
    """The trained network in evaluation mode. `data` holds train/ and test/; the test split is only watched, at the
    last of `sizes`. After every epoch the state dictionary so far is written to `checkpoint`, if one is named.

    One thread: the layers are too small to share, and a thread that waits for a busy core stalls the
    other."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(seed)
    rng = np.random.Generator(np.random.PCG64(seed))
    images, labels = load_split(os.path.join(data, "train"), SPLITS["train"])
    final_size = sizes[-1][0]
    test_images, test_labels = load_split(os.path.join(data, "test"), SPLITS["test"], final_size)
    planes = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
    targets = torch.from_numpy(labels)

    model = build().to(memory_format=torch.channels_last)
    decayed = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    optimiser = torch.optim.AdamW([{"params": decayed, "weight_decay": WEIGHT_DECAY},
                                   {"params": others, "weight_decay": 0.0}], lr=PEAK_RATE)
    per_epoch = [size for size, count in sizes for _ in range(count)]
    epochs, steps = len(per_epoch), len(images) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, PEAK_RATE, total_steps=steps * epochs,
                                                   pct_start=0.12, final_div_factor=100)
    average = torch.optim.swa_utils.AveragedModel(
        model, avg_fn=lambda kept, new, _: AVERAGE_DECAY * kept + (1 - AVERAGE_DECAY) * new, use_buffers=True)
    loss_of = torch.nn.CrossEntropyLoss(label_smoothing=LABEL_SMOOTHING)
    cost_total = sum(s * s for s in per_epoch)
    start, cost_done = time.time(), 0
    for epoch, size in enumerate(per_epoch):
        model.train()
        order = rng.permutation(len(images))
        sum_loss, right = 0.0, 0
        for step in range(steps):
            pick = torch.from_numpy(order[step * BATCH:(step + 1) * BATCH])
            batch = augment(planes[pick], size, rng).contiguous(memory_format=torch.channels_last)
            logits = model(batch)
            loss = loss_of(logits, targets[pick])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
            average.update_parameters(model)
            sum_loss += loss.item()
            right += int((logits.argmax(1) == targets[pick]).sum())
        if not math.isfinite(sum_loss):
            raise RuntimeError(f"the loss is {sum_loss} after epoch {epoch + 1}: lower PEAK_RATE")
        cost_done += size * size
        spent = time.time() - start
        watched = (f", test {top1(average.module, test_images, test_labels, size):.4f}"
                   if size == final_size else "")
        if checkpoint:
            torch.save(average.module.state_dict(), checkpoint + ".tmp")
            os.replace(checkpoint + ".tmp", checkpoint)
        left = spent / cost_done * (cost_total - cost_done)
        log(f"epoch {epoch + 1}/{epochs} at {size}: loss {sum_loss / steps:.4f}, "
            f"train {right / (steps * BATCH):.4f}{watched}, {spent:.0f} s spent, {left:.0f} s left")
    return average.module.eval().to(memory_format=torch.contiguous_format)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder that rps_render.py wrote")
    parser.add_argument("--out", required=True, help="state dictionary to write (.pt)")
    parser.add_argument("--seed", type=int, default=SEED)
    args = parser.parse_args(argv)
    model = train(args.data, args.seed, log=lambda line: print(line, flush=True))
    torch.save(model.state_dict(), args.out + ".tmp")
    os.replace(args.out + ".tmp", args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
