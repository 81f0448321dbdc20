"""SpikingJelly: its LIF over a sequence, what `LIFNode` calls in multi-step mode, alone and in the benchmarks' network.

H = (1 - 1 / tau) V + X, reset to 0: LIF of decay alpha when tau = 1 / (1 - alpha).
"""

from functools import partial
from importlib.metadata import version
from types import SimpleNamespace

import torch
from spikingjelly.activation_based import functional, layer, neuron, surrogate
from torch import nn

from torch_cases import NetworkCase
from torch_lif import ALPHA, THETA, LifCase
from torch_resnet import ResNet18


def lif(currents, v=None, *, alpha, theta, surrogate_function):
    """The function and not the node, which keeps its membrane between calls: a compiler sees no hidden state here."""
    spikes, v, _ = functional.lif_multi_step(
        currents,
        torch.zeros_like(currents[0]) if v is None else v,
        tau=1 / (1 - alpha),
        decay_input=False,
        v_threshold=theta,
        v_reset=0.0,
        surrogate_function=surrogate_function,
    )
    return spikes, v


class Conv2dLif(nn.Module):
    """Convolution, BatchNorm and LIF neurons over a sequence: [T, B, C, H, W]."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.p0 = layer.Conv2d(inputs, outputs, 3, padding=1, step_mode="m")
        self.norm = layer.BatchNorm2d(outputs, step_mode="m")
        self.fire = partial(lif, alpha=0.3, theta=0.5, surrogate_function=surrogate.Rect(alpha=1.0))

    def forward(self, x):
        return self.fire(self.norm(self.p0(x)))[0]


class Network(nn.Module):
    """The layers and shapes of SeqClif3Fc3DmItout with SpikingJelly's neurons and BatchNorm in front of them, the whole
    sequence layer by layer: [B, T, C, H, W] -> logits [B, classes]."""

    def __init__(self, channels=2, height=40, width=40, classes=10):
        super().__init__()
        self.clif1 = Conv2dLif(channels, 32)
        self.clif2 = Conv2dLif(32, 64)
        self.clif3 = Conv2dLif(64, 128)
        self.pool = layer.MaxPool2d(2, 2, step_mode="m")
        self.head = nn.Sequential(
            nn.Linear((height // 8) * (width // 8) * 128, 512), nn.ReLU(),
            nn.Linear(512, 128), nn.ReLU(),
            nn.Linear(128, classes),
        )

    def forward(self, frames):
        x = frames.transpose(0, 1)
        for conv in (self.clif1, self.clif2, self.clif3):
            x = self.pool(conv(x))
        return self.head(x.flatten(2)).mean(0)


class ResNet(ResNet18):
    """ResNetLifItout with SpikingJelly's layers in multi-step mode: BatchNorm's statistics are of the whole sequence.
    [B, T, C, H, W] -> logits [B, classes]."""

    def __init__(self):
        lif = partial(
            neuron.LIFNode, tau=1 / 0.7, decay_input=False, v_threshold=0.5, surrogate_function=surrogate.Rect(alpha=1.0)
        )
        makers = {"Conv2d": layer.Conv2d, "BatchNorm2d": layer.BatchNorm2d, "MaxPool2d": layer.MaxPool2d}
        makers |= {"AvgPool2d": layer.AvgPool2d, "Lif": lif}
        super().__init__(SimpleNamespace(**{name: partial(make, step_mode="m") for name, make in makers.items()}))

    def forward(self, frames):
        functional.reset_net(self)
        return self.logits(frames.transpose(0, 1)).mean(0)


def network(mode, steps, build=Network):
    if mode != "spike":
        raise ValueError(f"SpikingJelly's LIF gives spikes, not {mode} outputs")
    return build()


# Steps of the neurons in one compiled graph: twenty take more than ten minutes to compile.
CHUNK = 5


def compile_network(net):
    """Convolutions and matrix products are library calls either way; what a compiler fuses is the neurons' steps."""
    torch._dynamo.config.recompile_limit = 32  # a graph for each layer, with and without gradients
    for block in (net.clif1, net.clif2, net.clif3):
        block.fire = partial(in_chunks, torch.compile(block.fire, dynamic=False))


def in_chunks(fire, currents):
    v = torch.zeros_like(currents[0])
    chunks = []
    for part in currents.split(CHUNK):
        spikes, v = fire(part, v)
        chunks.append(spikes)
    return torch.cat(chunks), v


def versions():
    return {"spikingjelly": version("spikingjelly"), "torch": torch.__version__}


CASES = {
    "lif": partial(
        LifCase, partial(lif, alpha=ALPHA, theta=THETA, surrogate_function=surrogate.SuperSpike(alpha=1.0))
    ),
    "network": partial(NetworkCase, network, compile_network),
    "resnet18": partial(NetworkCase, partial(network, build=ResNet), compile_network),
}
