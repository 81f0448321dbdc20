"""Norse: `LIFBoxCell` lifted over the sequence. Its input is scaled by dt / tau = 1 - alpha, and so is the threshold."""

from functools import partial
from importlib.metadata import version

import torch
from norse.torch import LIFBoxCell, LIFBoxParameters

from torch_lif import ALPHA, THETA, LifCase, compile_if

DT = 0.001


def layer(compiled):
    rate = 1 - ALPHA
    parameters = LIFBoxParameters(
        tau_mem_inv=torch.as_tensor(rate / DT), v_th=torch.as_tensor(rate * THETA), method="super"
    )
    step = compile_if(compiled, LIFBoxCell(parameters, dt=DT))

    def run(currents):
        state = None
        spikes = []
        for current in currents:
            spike, state = step(current, state)
            spikes.append(spike)
        return torch.stack(spikes)

    return run


def versions():
    return {"norse": version("norse"), "torch": torch.__version__}


CASES = {"lif": partial(LifCase, layer)}
