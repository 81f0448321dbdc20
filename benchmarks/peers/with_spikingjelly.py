"""SpikingJelly: its LIF over a sequence, what `LIFNode` calls in multi-step mode.

H = (1 - 1 / tau) V + X, reset to 0: LIF of decay alpha when tau = 1 / (1 - alpha).
"""

from functools import partial
from importlib.metadata import version

import torch
from spikingjelly.activation_based import functional, surrogate

from torch_lif import ALPHA, THETA, LifCase

lif = partial(
    functional.lif_multi_step,
    tau=1 / (1 - ALPHA),
    decay_input=False,
    v_threshold=THETA,
    v_reset=0.0,
    surrogate_function=surrogate.SuperSpike(alpha=1.0),
)


def run(currents, v):
    """The function and not the node, which keeps its membrane between calls: a compiler sees no hidden state here."""
    spikes, v, _ = lif(currents, torch.zeros_like(currents[0]) if v is None else v)
    return spikes, v


def versions():
    return {"spikingjelly": version("spikingjelly"), "torch": torch.__version__}


CASES = {"lif": partial(LifCase, run)}
