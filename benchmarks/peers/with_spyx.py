"""Spyx: `spyx.nn.LIF` under `spyx.nn.run` (a lax.scan), jitted forward and backward. It fires a step late."""

from importlib.metadata import version

import jax
import jax.numpy as jnp
import numpy as np
import spyx
from flax import nnx
from safetensors.numpy import load_file, save_file
from spyx import axn

ALPHA = 0.9
THETA = 1.0


class LifCase:
    def __init__(self, file, linear, compiled):
        arrays = load_file(file)
        self.x = jnp.asarray(arrays["x"].transpose(1, 0, 2))  # time first, as spyx scans it
        n = self.x.shape[-1]
        lif = spyx.nn.LIF((n,), beta=ALPHA, threshold=THETA, activation=axn.superspike(1), rngs=nnx.Rngs(0))
        graph, state = nnx.split(lif)

        def loss(parameters, x):
            currents = x @ parameters["kernel"] + parameters["bias"] if linear else parameters["x"]
            spikes, _ = spyx.nn.run(nnx.merge(graph, state), currents)
            return spikes.sum(), spikes

        self.parameters = {name: jnp.asarray(arrays[name]) for name in ("kernel", "bias")} if linear else {"x": self.x}
        self.gradients = jax.jit(jax.value_and_grad(lambda p, x: loss(p, x)[0]))
        self.spikes = jax.jit(lambda p, x: loss(p, x)[1])
        self.tasks = {"lif": self.step}

    def step(self):
        value, gradients = jax.block_until_ready(self.gradients(self.parameters, self.x))
        return float(value), gradients

    def save_results(self, file):
        spikes = np.asarray(self.spikes(self.parameters, self.x)).transpose(1, 0, 2).astype(np.uint8)
        found = {"out": spikes}
        for name, gradient in self.step()[1].items():
            array = np.asarray(gradient)
            found[f"grad/{name}"] = array.transpose(1, 0, 2) if name == "x" else array
        save_file({name: np.ascontiguousarray(a) for name, a in found.items()}, file)


def versions():
    return {"spyx": version("spyx"), "jax": jax.__version__}


CASES = {"lif": LifCase}
