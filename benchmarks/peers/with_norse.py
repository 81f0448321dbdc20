"""Norse: `LIFBoxCell` lifted over the sequence. Its input is scaled by dt / tau = 1 - alpha, and so is the threshold."""

from functools import partial
from importlib.metadata import version

import torch
from norse.torch import LIFBoxCell, LIFBoxParameters

from torch_lif import ALPHA, THETA, LifCase

DT = 0.001
RATE = 1 - ALPHA

cell = LIFBoxCell(
    LIFBoxParameters(tau_mem_inv=torch.as_tensor(RATE / DT), v_th=torch.as_tensor(RATE * THETA), method="super"), dt=DT
)


def run(currents, state):
    spikes = []
    for current in currents:
        spike, state = cell(current, state)
        spikes.append(spike)
    return torch.stack(spikes), state


def versions():
    return {"norse": version("norse"), "torch": torch.__version__}


CASES = {"lif": partial(LifCase, run)}
