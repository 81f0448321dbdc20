"""A trained network one step at a time, the way a stream comes: batch 1, state in, state out.

The same step as ours after compiling: BatchNorm on input + membrane is folded into the convolution's weights and into a
factor of the membrane, so that a layer is a convolution, a multiply-add, a comparison and the next membrane.
"""

import time

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from torch.nn.functional import conv2d, linear, max_pool2d

from torch_cases import torch_weights

EPSILON = 1e-5  # of BatchNorm
TRIALS = 5


class StreamCase:
    """SeqClif3Fc3 with given weights over given samples; in whichever memory format is faster here."""

    def __init__(self, names, weights, batch, compiled=False, alpha=0.3, beta=0.0, theta=0.5, v_0=0.0):
        self.soma = alpha, beta, theta, v_0
        self.weights = torch_weights(load_file(weights), names)
        frames = np.load(batch)["img"].transpose(0, 1, 4, 2, 3)
        self.samples = torch.from_numpy(np.ascontiguousarray(frames)).to(torch.float32)
        self.compiled = compiled
        self.net = self.fastest()
        self.tasks = {"stream": self.stream}

    def network(self, dtype=torch.float32, memory=torch.contiguous_format):
        net = StepNetwork(self.weights, self.soma, self.samples.shape[1], dtype, memory)
        if self.compiled:
            net.step = torch.compile(net.step)
        return net

    def fastest(self):
        nets = [self.network(memory=memory) for memory in (torch.contiguous_format, torch.channels_last)]
        return min(nets, key=self.seconds)

    def seconds(self, net):
        best = float("inf")
        for _ in range(TRIALS):
            start = time.perf_counter()
            self.run(net, self.samples[:1])
            best = min(best, time.perf_counter() - start)
        return best

    def run(self, net, samples):
        with torch.inference_mode():
            return [[out for out in net.stream(sample)] for sample in samples]

    def stream(self):
        self.run(self.net, self.samples)

    def save_results(self, file):
        """Logits of every step, in float32 as run and in double precision: the yardstick for rounding."""
        found = {"stream/logits": self.run(self.net, self.samples)}
        found["float64/stream/logits"] = self.run(self.network(torch.float64), self.samples.double())
        arrays = {name: torch.stack([torch.cat(sample) for sample in all]) for name, all in found.items()}
        save_file({name: a.to(torch.float32).numpy() for name, a in arrays.items()}, file)


class StepNetwork:
    def __init__(self, weights, soma, steps, dtype, memory):
        self.alpha, self.beta, self.theta, self.v_0 = soma
        self.steps, self.memory = steps, memory
        tensor = {name: torch.from_numpy(a).double() for name, a in weights.items()}
        self.layers = [self.folded(tensor, f"clif{i}", dtype) for i in (1, 2, 3)]
        self.head = [(tensor[f"head.{i}.weight"].to(dtype), tensor[f"head.{i}.bias"].to(dtype)) for i in (0, 2, 4)]

    def folded(self, tensor, name, dtype):
        scale = tensor[f"{name}.norm.weight"] / torch.sqrt(tensor[f"{name}.norm.running_var"] + EPSILON)
        shift = tensor[f"{name}.norm.bias"] - scale * tensor[f"{name}.norm.running_mean"]
        kernel = (tensor[f"{name}.p0.weight"] * scale[:, None, None, None]).to(dtype)
        bias = (tensor[f"{name}.p0.bias"] * scale + shift).to(dtype)
        return kernel.contiguous(memory_format=self.memory), bias, scale[:, None, None].to(dtype)

    def step(self, x, states, out):
        after = []
        for (kernel, bias, scale), v in zip(self.layers, states):
            u = conv2d(x, kernel, bias, padding=1)
            u = u if v is None else torch.addcmul(u, v, scale)
            spike = u > self.theta
            after.append(torch.where(spike, self.v_0, u).mul_(self.alpha).add_(self.beta))
            x = max_pool2d(spike.to(u.dtype), 2)
        x = x.flatten(1)
        for weight, bias in self.head[:-1]:
            x = torch.relu_(linear(x, weight, bias))
        logits = linear(x, *self.head[-1]) / self.steps
        return after, logits if out is None else out + logits

    def stream(self, sample):
        states, out = [None] * len(self.layers), None
        for frame in sample:
            states, out = self.step(frame[None].contiguous(memory_format=self.memory), states, out)
            yield out
