"""snnTorch: `Leaky`, called step by step, which is how it runs a sequence. Its reset passes no gradient."""

from functools import partial
from importlib.metadata import version

import snntorch
import torch
from snntorch import surrogate

from torch_lif import ALPHA, THETA, LifCase


leaky = snntorch.Leaky(
    beta=ALPHA, threshold=THETA, reset_mechanism="zero", spike_grad=surrogate.fast_sigmoid(slope=1)
)


def run(currents, mem):
    if mem is None:
        mem = torch.zeros_like(currents[0])
    spikes = []
    for current in currents:
        spike, mem = leaky(current, mem)
        spikes.append(spike)
    return torch.stack(spikes), mem


def versions():
    return {"snntorch": version("snntorch"), "torch": torch.__version__}


CASES = {"lif": partial(LifCase, run)}
