"""snnTorch: `Leaky`, called step by step, which is how it runs a sequence. Its reset passes no gradient."""

from functools import partial
from importlib.metadata import version

import snntorch
import torch
from snntorch import surrogate

from torch_lif import ALPHA, THETA, LifCase, compile_if


def layer(compiled):
    leaky = snntorch.Leaky(
        beta=ALPHA, threshold=THETA, reset_mechanism="zero", spike_grad=surrogate.fast_sigmoid(slope=1)
    )
    step = compile_if(compiled, leaky)

    def run(currents):
        mem = torch.zeros_like(currents[0])
        spikes = []
        for current in currents:
            spike, mem = step(current, mem)
            spikes.append(spike)
        return torch.stack(spikes)

    return run


def versions():
    return {"snntorch": version("snntorch"), "torch": torch.__version__}


CASES = {"lif": partial(LifCase, layer)}
