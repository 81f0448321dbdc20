"""SeqClif3Fc3DmItout and ResNetLifItout as BIDL 1.9 runs them, in PyTorch: one time step after the other, the head on
every step.

Written from the description of what BIDL computes, held against its golden data by `golden.py`.
"""

from functools import partial
from types import SimpleNamespace

import torch
from torch import nn

from torch_cases import NetworkCase, our_names
from torch_resnet import ResNet18
from torch_stream import StreamCase

HALF_WIDTH = 0.5


class Rectangle(torch.autograd.Function):
    """Heaviside step; its gradient is taken to be 1 / (2a) where |x| < a, else 0."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * (x.abs() < HALF_WIDTH).to(grad.dtype) / (2 * HALF_WIDTH)


class Lif(nn.Module):
    """One step of LIF neurons from input + membrane: the output and the new membrane."""

    def __init__(self, mode, alpha=0.3, beta=0.0, theta=0.5, v_0=0.0):
        super().__init__()
        self.mode = mode
        for name, value in {"alpha": alpha, "beta": beta, "theta": theta, "v_0": v_0}.items():
            self.register_buffer(name, torch.tensor(value))

    def forward(self, u):
        spike = Rectangle.apply(u - self.theta)
        reset = spike * self.v_0 + (1 - spike) * u
        return (spike if self.mode == "spike" else torch.relu(u)), self.alpha * reset + self.beta


class Conv2dLif(nn.Module):
    """Convolution, then LIF with BatchNorm on input + membrane. Gives the output and the new membrane."""

    def __init__(self, inputs, outputs, mode, **soma):
        super().__init__()
        self.p0 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm = nn.BatchNorm2d(outputs)
        self.lif = Lif(mode, **soma)

    def forward(self, x, v):
        x = self.p0(x)
        return self.lif(self.norm(x if v is None else x + v))


class SeqClif3Fc3(nn.Module):
    """[B, T, C, H, W] -> logits [B, classes]."""

    def __init__(self, mode, timestep, channels=2, height=40, width=40, classes=10, **soma):
        super().__init__()
        self.timestep = timestep
        self.clif1 = Conv2dLif(channels, 32, mode, **soma)
        self.clif2 = Conv2dLif(32, 64, mode, **soma)
        self.clif3 = Conv2dLif(64, 128, mode, **soma)
        self.pool = nn.MaxPool2d(2, 2)
        self.head = nn.Sequential(
            nn.Linear((height // 8) * (width // 8) * 128, 512), nn.ReLU(),
            nn.Linear(512, 128), nn.ReLU(),
            nn.Linear(128, classes),
        )

    def step(self, x, v1, v2, v3):
        x, v1 = self.clif1(x, v1)
        x, v2 = self.clif2(self.pool(x), v2)
        x, v3 = self.clif3(self.pool(x), v3)
        return self.head(self.pool(x).flatten(1)), v1, v2, v3

    def forward(self, frames):
        v1 = v2 = v3 = None
        out = 0
        for t in range(frames.shape[1]):
            logits, v1, v2, v3 = self.step(frames[:, t], v1, v2, v3)
            out = out + logits / self.timestep
        return out


class Lif2d(nn.Module):
    """LIF neurons that keep their membrane from step to step, until they are reset."""

    def __init__(self, mode):
        super().__init__()
        self.lif = Lif(mode)
        self.v = None

    def forward(self, x):
        out, self.v = self.lif(x if self.v is None else x + self.v)
        return out


class ResNetLif(ResNet18):
    """[B, T, C, H, W] -> logits [B, classes], the mean of all steps'."""

    def __init__(self, mode, **shape):
        layers = SimpleNamespace(
            Conv2d=nn.Conv2d, BatchNorm2d=nn.BatchNorm2d, MaxPool2d=nn.MaxPool2d, AvgPool2d=nn.AvgPool2d,
            Lif=partial(Lif2d, mode),
        )
        super().__init__(layers, **shape)

    def forward(self, frames):
        for module in self.modules():
            if isinstance(module, Lif2d):
                module.v = None
        return sum(self.logits(frames[:, t]) for t in range(frames.shape[1])) / frames.shape[1]


def network(mode, steps):
    return SeqClif3Fc3(mode, timestep=steps)


def compile_network(net):
    """One time step is one graph, as the loop calls it; the loop itself unrolled takes minutes to compile."""
    net.step = torch.compile(net.step)


def versions():
    return {"torch": torch.__version__}


CASES = {
    "network": partial(NetworkCase, network, compile_network),
    "resnet18": partial(NetworkCase, lambda mode, steps: ResNetLif(mode), compile_network),
    "stream": partial(StreamCase, our_names(SeqClif3Fc3("spike", timestep=1))),
}
