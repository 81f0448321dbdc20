"""What is run of a PyTorch peer: the network, and a layer of LIF neurons with or without a linear layer before it."""

import os
import re

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from torch.nn.functional import cross_entropy

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count())))

SMOOTHING = 0.1 / 1.1  # BIDL: (y + 0.1 / K) / (1 + 0.1), PyTorch: (1 - s) y + s / K
FEATURES = (5, 5, 128)  # what the head of the benchmarks' network flattens, height and width first in our order


class NetworkCase:
    """A network [B, T, C, H, W] -> logits [B, 10], with given weights, on a given batch of bytes."""

    def __init__(self, build, compile_, mode, weights, batch, compiled):
        arrays = np.load(batch)
        self.frames = torch.from_numpy(np.ascontiguousarray(arrays["img"].transpose(0, 1, 4, 2, 3)))
        steps = self.frames.shape[1]
        self.labels = torch.from_numpy(arrays["labels"].astype(np.int64))
        net = build(mode, steps)
        self.names = our_names(net)
        arrays = torch_weights(load_file(weights), self.names)
        self.state = {theirs: torch.from_numpy(a) for theirs, a in arrays.items()}
        self.net = self.fill(net)
        self.exact = self.fill(build(mode, steps)).double()  # never compiled: it is only the yardstick
        if compiled:
            compile_(self.net)
        self.tasks = {"train-step": self.train_step, "infer": self.infer}

    def fill(self, net):
        missing, unexpected = net.load_state_dict(self.state, strict=False)
        left = [key for key in missing if key.rsplit(".", 1)[-1] in ("weight", "bias", "running_mean", "running_var")]
        if left or unexpected:
            raise ValueError(f"weights do not fit: missing {left}, unexpected {unexpected}")
        return net

    def train_step(self, net=None, dtype=torch.float32):
        net = net or self.net
        net.train()
        net.zero_grad(set_to_none=True)
        logits = net(self.frames.to(dtype))
        loss = cross_entropy(logits, self.labels, label_smoothing=SMOOTHING)
        loss.backward()
        return loss.item(), logits

    def infer(self, net=None, dtype=torch.float32):
        net = net or self.net
        net.eval()
        with torch.inference_mode():
            return net(self.frames.to(dtype))

    def results(self, net, dtype):
        found = {"infer/logits": self.infer(net, dtype)}
        loss, logits = self.train_step(net, dtype)
        found |= {"train/loss": torch.tensor([loss]), "train/logits": logits}
        found |= {name: p.grad for name, p in net.named_parameters() if p.grad is not None}
        self.fill(net)  # the step has moved the running statistics
        return our_arrays({name: a.detach().numpy() for name, a in found.items()}, self.names)

    def save_results(self, file):
        """float32 as run, and under `float64/` the same in double precision: the yardstick for rounding."""
        found = self.results(self.net, torch.float32)
        exact = self.results(self.exact, torch.float64)
        found.update({f"float64/{name}": a for name, a in exact.items()})
        found["activity"] = self.activity()
        save_file({name: np.ascontiguousarray(a, dtype=np.float32) for name, a in found.items()}, file)

    def activity(self):
        """Share of values that are not zero in what convolutions and head get."""
        shares = {}

        def watch(name):
            def hook(_, inputs):
                nonzero, size = shares.get(name, (0, 0))
                shares[name] = nonzero + int(torch.count_nonzero(inputs[0])), size + inputs[0].numel()

            return hook

        layers = [(n, m) for n, m in self.exact.named_modules() if isinstance(m, torch.nn.Conv2d) or n in ("head.0", "fc")]
        handles = [module.register_forward_pre_hook(watch(name)) for name, module in layers]
        self.infer(self.exact, torch.float64)
        for handle in handles:
            handle.remove()
        return np.array([nonzero / size for nonzero, size in shares.values()])


# Names and layouts: ours are kernels HWIO and [in, out], channels last; PyTorch's OIHW and [out, in], channels first.

def our_names(net):
    """Our names by PyTorch's. A convolution with a BatchNorm behind it is `.p0` or a Sequential's member there."""
    names = {}
    for place, module in net.named_modules():
        layer = re.sub(r"\.p0$|(conv\d?|downsample)\.\d$|\.norm$", r"\1", place).replace(".", "/")
        if isinstance(module, torch.nn.BatchNorm2d):
            norm = {"weight": "gamma", "bias": "beta", "running_mean": "mean", "running_var": "variance"}
            names |= {f"{place}.{theirs}": f"{layer}/norm/{ours}" for theirs, ours in norm.items()}
        elif isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
            names |= {f"{place}.weight": f"{layer}/kernel", f"{place}.bias": f"{layer}/bias"}
    return names


def torch_weights(arrays, names):
    """Our arrays by PyTorch's names, in PyTorch's layout."""
    out = {}
    for theirs, ours in names.items():
        array = arrays[ours]
        if theirs == "head.0.weight":
            array = array.reshape(*FEATURES, -1).transpose(3, 2, 0, 1).reshape(array.shape[1], -1)
        elif array.ndim == 4:
            array = array.transpose(3, 2, 0, 1)
        elif array.ndim == 2:
            array = array.T
        out[theirs] = np.ascontiguousarray(array)
    return out


def our_arrays(arrays, names):
    """The way back, for gradients."""
    out = {}
    for name, array in arrays.items():
        if name == "head.0.weight":
            h, w, c = FEATURES
            array = array.reshape(-1, c, h, w).transpose(2, 3, 1, 0).reshape(h * w * c, -1)
        elif name in names and array.ndim == 4:
            array = array.transpose(2, 3, 1, 0)
        elif name in names and array.ndim == 2:
            array = array.T
        out[f"grad/{names[name]}" if name in names else name] = array
    return out
