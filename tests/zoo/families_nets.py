"""Networks that torchvision does not have, or has only in a size too large for a quick test."""

import torch
from torch import nn


def conv_bn(ic, oc, kernel, stride=1, groups=1, act=nn.ReLU):
    """Convolution without bias, batch normalisation and activation, padded to keep the size at stride 1."""
    layers = [nn.Conv2d(ic, oc, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(oc)]
    return nn.Sequential(*layers, *([act()] if act else []))


class MobileNetV1(nn.Module):
    """Howard et al. 2017 (arXiv:1704.04861), at half width; averages with ReduceMean."""

    def __init__(self, classes):
        super().__init__()
        plan = ((32, 1), (64, 2), (64, 1), (128, 2), (128, 1), (256, 2), *[(256, 1)] * 5, (512, 2), (512, 1))
        layers, ic = [conv_bn(3, 16, 3, 2)], 16
        for oc, stride in plan:
            layers += [conv_bn(ic, ic, 3, stride, groups=ic), conv_bn(ic, oc, 1)]
            ic = oc
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(ic, classes)

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


class Vgg11(nn.Module):
    """VGG-11 with batch normalisation (arXiv:1409.1556) at an eighth of the width. A 128x128 input leaves 4x4
    features, so the order in which Flatten reads them matters."""

    def __init__(self, classes):
        super().__init__()
        layers, ic = [], 3
        for oc in (8, 0, 16, 0, 32, 32, 0, 64, 64, 0, 64, 64, 0):
            if oc:
                layers += [nn.Conv2d(ic, oc, 3, padding=1), nn.BatchNorm2d(oc), nn.ReLU()]
                ic = oc
            else:
                layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Linear(64 * 16, 128), nn.ReLU(), nn.Dropout(), nn.Linear(128, 96),
                                        nn.ReLU(), nn.Dropout(), nn.Linear(96, classes))

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))


class LiteBlock(nn.Module):
    def __init__(self, ic, oc, kernel, stride, expand):
        super().__init__()
        mid = ic * expand
        layers = [conv_bn(ic, mid, 1, act=nn.ReLU6)] if expand > 1 else []
        layers += [conv_bn(mid, mid, kernel, stride, mid, nn.ReLU6), conv_bn(mid, oc, 1, act=None)]
        self.layers = nn.Sequential(*layers)
        self.residual = stride == 1 and ic == oc

    def forward(self, x):
        return x + self.layers(x) if self.residual else self.layers(x)


class EfficientNetLite0(nn.Module):
    """EfficientNet-B0's stages (arXiv:1905.11946) with ReLU6 and without squeeze-and-excitation, as the Lite
    models."""

    def __init__(self, classes):
        super().__init__()
        layers, ic = [conv_bn(3, 32, 3, 2, act=nn.ReLU6)], 32
        plan = ((1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5),
                (6, 192, 4, 2, 5), (6, 320, 1, 1, 3))
        for expand, oc, repeats, stride, kernel in plan:
            for i in range(repeats):
                layers.append(LiteBlock(ic, oc, kernel, stride if i == 0 else 1, expand))
                ic = oc
        layers.append(conv_bn(ic, 640, 1, act=nn.ReLU6))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2),
                                        nn.Linear(640, classes))

    def forward(self, x):
        return self.classifier(self.features(x))


class PlainCnn(nn.Module):
    """The small operators in one place: uneven zero padding as a node of its own, padded average pooling that
    counts the border and one that does not, dilation, LeakyReLU, tanh, sigmoid, and two heads that meet in a
    concatenation."""

    def __init__(self, classes):
        super().__init__()
        self.stem = nn.Sequential(nn.ZeroPad2d((0, 1, 1, 2)), nn.Conv2d(3, 16, 4, 2), nn.LeakyReLU(0.1),
                                  nn.MaxPool2d(3, 2, 1))
        self.body = nn.Sequential(nn.Conv2d(16, 24, 3, padding=1), nn.Tanh(), nn.AvgPool2d(3, 2, 1),
                                  nn.Conv2d(24, 32, 3, padding=2, dilation=2), nn.LeakyReLU(0.2),
                                  nn.AvgPool2d(3, 1, 1, count_include_pad=False), nn.MaxPool2d(2),
                                  nn.Conv2d(32, 32, (1, 5), padding=(0, 2), groups=4), nn.ReLU(),
                                  nn.Flatten())
        self.left = nn.Sequential(nn.Linear(32 * 16, 24), nn.Tanh(), nn.Linear(24, classes), nn.Tanh())
        self.right = nn.Sequential(nn.Linear(32 * 16, 24), nn.LeakyReLU(0.05), nn.Linear(24, classes),
                                   nn.Sigmoid())

    def forward(self, x):
        x = self.body(self.stem(x))
        return torch.cat((self.left(x), self.right(x)), 1)


class Mlp(nn.Module):
    """Dense layers with batch normalisation and a softmax at the end, on a flat input."""

    def __init__(self, inputs, classes):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(inputs, 96), nn.BatchNorm1d(96), nn.ReLU(),
                                    nn.Linear(96, 64, bias=False), nn.BatchNorm1d(64), nn.ReLU(),
                                    nn.Linear(64, classes), nn.Softmax(1))

    def forward(self, x):
        return self.layers(x)


class DsCnn(nn.Module):
    """The keyword spotter of Zhang et al. 2017 (arXiv:1711.07128): [n, 1, 49, 10], stem 10x4 with stride 2
    and the uneven padding that keeps 25x5."""

    def __init__(self, classes):
        super().__init__()
        self.stem = nn.Sequential(nn.ZeroPad2d((1, 1, 4, 5)), nn.Conv2d(1, 64, (10, 4), 2, bias=False),
                                  nn.BatchNorm2d(64), nn.ReLU(), nn.Dropout(0.2))
        pairs = [conv_bn(64, 64, kernel, groups=groups) for kernel, groups in ((3, 64), (1, 1)) * 4]
        self.body = nn.Sequential(*pairs)
        self.head = nn.Sequential(nn.Dropout(0.4), nn.AvgPool2d((25, 5)), nn.Flatten(),
                                  nn.Linear(64, classes))

    def forward(self, x):
        return self.head(self.body(self.stem(x)))


class Autoencoder(nn.Module):
    """640-128-128-8-128-128-640 with batch normalisation, as the anomaly detectors on log-mel frames."""

    def __init__(self):
        super().__init__()
        widths, layers = (640, 128, 128, 8, 128, 128), []
        for i, o in zip(widths, widths[1:]):
            layers += [nn.Linear(i, o), nn.BatchNorm1d(o), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], 640))

    def forward(self, x):
        return self.layers(x)


class ConvAutoencoder(nn.Module):
    """Strided convolutions down; up by a transposed convolution, a nearest upsampling, and one with output
    padding."""

    def __init__(self):
        super().__init__()
        self.down = nn.Sequential(conv_bn(3, 16, 3, 2), conv_bn(16, 24, 3, 2), conv_bn(24, 32, 3, 2))
        self.up = nn.Sequential(nn.ConvTranspose2d(32, 24, 2, 2), nn.BatchNorm2d(24), nn.ReLU(),
                                nn.Upsample(scale_factor=2, mode="nearest"), conv_bn(24, 16, 3),
                                nn.ConvTranspose2d(16, 16, 3, 2, 1, output_padding=1), nn.ReLU(),
                                nn.Conv2d(16, 3, 3, padding=1), nn.Sigmoid())

    def forward(self, x):
        return self.up(self.down(x))
