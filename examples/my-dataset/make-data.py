"""Writes data/mydataset/{train,val,test}.pkl: bars that move across an 8x8 event sensor, ten classes.

A file holds what the manual's example reads: a list of clips as packed bits, the list of their labels, and the
shape of a clip, (T, C, H, W). Needs numpy:  python3 make-data.py
"""

import pickle as pk

import numpy as np

T, C, H, W = 4, 2, 8, 8


def clip(label, rng):
    """Class 0-4: a bar in that row pair moves to the right; 5-9: to the left."""
    row, start, step = 1 + label % 5, int(rng.integers(0, W)), 1 if label < 5 else -1
    frames = rng.random((T, C, H, W)) < 0.02
    for t in range(T):
        frames[t, 0, row : row + 2, (start + t * step) % W] = True  # the bar's front brightens the pixel,
        frames[t, 1, row : row + 2, (start + (t - 1) * step) % W] = True  # its back darkens it
    return frames


for split, count in {'train': 600, 'val': 100, 'test': 200}.items():
    rng = np.random.default_rng(count)
    lbls = [i % 10 for i in range(count)]
    dats = [np.packbits(clip(lbl, rng)) for lbl in lbls]
    with open(f'data/mydataset/{split}.pkl', 'wb') as f:
        pk.dump((dats, lbls, (T, C, H, W)), f, protocol=4)
