"""Tonic: N-MNIST files to frames through its data set's reader, `ToFrame` and PyTorch's DataLoader."""

from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file
from tonic.datasets import NMNIST
from tonic.io import read_mnist_file
from tonic.transforms import ToFrame
from torch.utils.data import DataLoader, Dataset


class Folder(Dataset):
    """What `tonic.datasets.NMNIST` does with a sample, for a folder that it did not download."""

    def __init__(self, folder, steps):
        self.files = sorted(Path(folder).glob("*/*.bin"))
        self.transform = ToFrame(sensor_size=NMNIST.sensor_size, n_event_bins=steps)

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        file = self.files[index]
        return self.transform(read_mnist_file(file, dtype=NMNIST.dtype)), int(file.parent.name)


class LoaderCase:
    def __init__(self, folder, steps, batch, workers, compiled):
        self.data = Folder(folder, steps)
        self.loader = DataLoader(self.data, batch, num_workers=workers, persistent_workers=workers > 0)
        self.tasks = {"loader": self.one_pass}

    def one_pass(self):
        return sum(int(frames.shape[0]) for frames, _ in self.loader)

    def save_results(self, file):
        """Frames [N, T, H, W, 2] of every tenth sample."""
        frames = np.stack([self.data[i][0] for i in range(0, len(self.data), 10)])
        save_file({"frames": np.ascontiguousarray(frames.transpose(0, 1, 3, 4, 2).astype(np.int32))}, file)


def versions():
    return {"tonic": version("tonic"), "torch": torch.__version__}


CASES = {"loader": LoaderCase}
