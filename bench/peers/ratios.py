"""Medians, ratios and their intervals, over rounds in which everybody was timed once."""
import random
import statistics

RESAMPLES = 2000


def round_time(nanoseconds):
    """What a batch of runs in a row took, in ms: the median without the first, which finds other people's caches."""
    return statistics.median(nanoseconds[1:] or nanoseconds) / 1e6


def ratio(times, baseline):
    """Median of `times` over that of `baseline`; entry i of both is from round i."""
    return statistics.median(times) / statistics.median(baseline)


def ratio_interval(times, baseline, seed=1):
    """95 % bootstrap interval of ratio(): whole rounds are drawn with replacement, the same ones for both."""
    source = random.Random(seed)
    rounds = range(len(times))
    ratios = []
    for _ in range(RESAMPLES):
        drawn = source.choices(rounds, k=len(times))
        ratios.append(ratio([times[i] for i in drawn], [baseline[i] for i in drawn]))
    ratios.sort()
    return [ratios[int(0.025 * RESAMPLES)], ratios[int(0.975 * RESAMPLES) - 1]]


def best_classes(values, width):
    """The index of the largest of every `width` values; the first where several are equal."""
    return [max(range(width), key=lambda k, start=start: values[start + k]) for start in range(0, len(values), width)]


def percent_equal(a, b):
    """How many entries agree, in per cent; None if there are none."""
    return 100 * sum(x == y for x, y in zip(a, b)) / len(a) if a else None
