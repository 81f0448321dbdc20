"""SpikingJelly: `LIFNode` in multi-step mode; compiled, in single-step mode, for a compiler can't take 500 steps at once."""

from functools import partial
from importlib.metadata import version

import torch
from spikingjelly.activation_based import functional, neuron, surrogate

from torch_lif import ALPHA, THETA, LifCase


def node(alpha, theta, step_mode="m", surrogate_function=None):
    """H = (1 - 1 / tau) V + X, reset to 0: LIF of decay alpha when tau = 1 / (1 - alpha)."""
    return neuron.LIFNode(
        tau=1 / (1 - alpha),
        decay_input=False,
        v_threshold=theta,
        v_reset=0.0,
        surrogate_function=surrogate_function or surrogate.SuperSpike(alpha=1.0),
        step_mode=step_mode,
    )


def layer(compiled):
    lif = node(ALPHA, THETA, "s" if compiled else "m")
    step = torch.compile(lif) if compiled else lif

    def run(currents):
        functional.reset_net(lif)
        return torch.stack([step(current) for current in currents]) if compiled else step(currents)

    return run


def versions():
    return {"spikingjelly": version("spikingjelly"), "torch": torch.__version__}


CASES = {"lif": partial(LifCase, layer)}
