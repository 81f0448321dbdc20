"""A layer of a framework's own LIF neurons over a sequence, with or without a linear layer in front: forward, backward."""

import numpy as np
import torch
from safetensors.numpy import load_file, save_file

# The numbers of all frameworks' neurons: decay 0.9, threshold 1, reset to 0; surrogate SuperSpike of slope 1, the only one
# that all of them bring along (Norse's slope is fixed).
ALPHA = 0.9
THETA = 1.0


class LifCase:
    """`layer(compiled)` gives a function from currents [T, B, n] to spikes [T, B, n]."""

    def __init__(self, layer, file, linear, compiled):
        arrays = load_file(file)
        x = np.ascontiguousarray(arrays["x"].transpose(1, 0, 2))  # time first, as all of them want it
        self.x = torch.from_numpy(x).requires_grad_(not linear)
        self.linear = None
        if linear:
            self.linear = torch.nn.Linear(*arrays["kernel"].shape)
            self.linear.weight.data = torch.from_numpy(np.ascontiguousarray(arrays["kernel"].T))
            self.linear.bias.data = torch.from_numpy(arrays["bias"])
        self.layer = layer(compiled)
        self.tasks = {"lif": self.step}

    def parameters(self):
        return [self.x] if self.linear is None else [self.linear.weight, self.linear.bias]

    def step(self):
        for parameter in self.parameters():
            parameter.grad = None
        spikes = self.layer(self.x if self.linear is None else self.linear(self.x))
        loss = spikes.sum()
        loss.backward()
        return loss.item(), spikes

    def save_results(self, file):
        _, spikes = self.step()
        found = {"out": spikes.detach().numpy().transpose(1, 0, 2).astype(np.uint8)}
        gradients = [p.grad.numpy() for p in self.parameters()]
        if self.linear is None:
            found["grad/x"] = gradients[0].transpose(1, 0, 2)
        else:
            found["grad/kernel"], found["grad/bias"] = gradients[0].T, gradients[1]
        save_file({name: np.ascontiguousarray(a) for name, a in found.items()}, file)


def compile_if(compiled, step):
    return torch.compile(step) if compiled else step
