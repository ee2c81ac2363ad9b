"""Our counter-based random numbers written again in numpy, so that a check can start both sides from the same draws.

Threefry-2x32 with 20 rounds: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3". Keys are arrays [n, 2] of
32-bit words; draws of the timed runs are PyTorch's own.
"""

import numpy

ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))


def threefry(keys, high, low):
    """The cipher of each key applied to counters (high, low), which broadcast against the keys' words."""
    first, second = (keys[..., i].astype(numpy.uint32) for i in (0, 1))
    schedule = (first, second, first ^ second ^ numpy.uint32(0x1BD11BDA))
    x, y = numpy.uint32(high) + first, numpy.uint32(low) + second
    for group in range(5):
        for rotation in ROTATIONS[group % 2]:
            x = x + y
            y = ((y << numpy.uint32(rotation)) | (y >> numpy.uint32(32 - rotation))) ^ x
        x = x + schedule[(group + 1) % 3]
        y = y + schedule[(group + 2) % 3] + numpy.uint32(group + 1)
    return x, y


def fold(keys, data):
    """An independent key for each key and `data`."""
    return numpy.stack(threefry(keys, data >> 32, data & 0xFFFFFFFF), axis=-1)


def uniform(keys, shape, low, high):
    """U[low, high] in float32, [n, *shape]: row i is the stream of key i, counters (0, 0), (0, 1), …"""
    size = int(numpy.prod(shape))
    counters = numpy.arange((size + 1) // 2, dtype=numpy.uint32)
    pairs = threefry(keys[:, None, :], 0, counters)
    words = numpy.stack(pairs, axis=-1).reshape(len(keys), -1)[:, :size]
    unit = (words + 0.5) * 2.0**-32
    return (low + (high - low) * unit).astype(numpy.float32).reshape(len(keys), *shape)
