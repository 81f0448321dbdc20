"""Holds `upstream.py` against golden data, i.e. against what BIDL itself computed: logits, loss, gradients, statistics.

Our side runs in double precision, so that no membrane within rounding of its threshold falls to the other side.

    python golden.py [fixtures/golden/backbones]
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from upstream import ResNetLif, SeqClif3Fc3

CASES = ["clif3fc3dm_itout_spike", "clif3fc3dm_itout_analog", "clif3fc3dm_itout_analog_timestep20"]
RESNETS = ["resnetlif18_itout_spike", "resnetlif10_itout_analog"]
BLOCKS = {10: 1, 18: 2}  # of each stage, by depth
FOLDER = Path(__file__).parents[2] / "fixtures/golden/backbones"


def recipe(index, kind, shape):
    """Weights that are not stored (fixtures/golden/RECIPE.md)."""
    s = np.sin(0.37 * index + 0.0113 * np.arange(np.prod(shape)) + 1.3).reshape(shape)
    fan_in = np.prod(shape[1:])
    values = {
        "weight": np.sqrt(2 / fan_in) * s,
        "bias": 0.1 * s,
        "bn_weight": 1 + 0.1 * s,
        "bn_bias": 0.1 * s,
        "running_mean": 0.05 * s,
        "running_var": 1 + 0.2 * s**2,
    }
    return torch.from_numpy(values[kind].astype(np.float32))


def build(meta):
    ctor = meta["ctor"]
    if meta["class"] == "ResNetLifItout":
        net = ResNetLif(ctor["cmode"], channels=ctor["input_channels"], classes=ctor["nclass"], blocks=BLOCKS[ctor["depth"]])
    else:
        net = SeqClif3Fc3(ctor["cmode"], ctor["timestep"], ctor["input_channels"], ctor["h"], ctor["w"], ctor["nclass"])
    state = net.state_dict()
    for index, key, shape, kind, _ in meta["state_dict"]:
        if kind != "unchanged":
            state[our_key(key)].copy_(recipe(index, kind, shape))
    return net.double()


def our_key(key):
    return key.replace(".lif.norm.", ".norm.")


def far(got, want):
    """As the fixtures define it: largest difference over max(1, largest value)."""
    got, want = np.asarray(got), np.asarray(want)
    return float(np.max(np.abs(got - want)) / max(1, np.max(np.abs(want))))


def check(case, folder):
    meta = json.loads((folder / f"{case}.json").read_text())
    data = np.load(folder / f"{case}.npz")
    allowed = meta["tolerance"]
    x, labels = torch.from_numpy(data["x"]).double(), torch.from_numpy(data["labels"].astype(np.int64))
    net = build(meta)
    found = {}

    net.eval()
    with torch.no_grad():
        found["eval/logits"] = far(net(x), data["eval/logits"]), allowed["eval/logits"]
    net.train()
    logits = net(x)
    loss = cross_entropy(logits, labels)
    loss.backward()
    found["train/logits"] = far(logits.detach(), data["train/logits"]), allowed["train/logits"]
    found["train/loss"] = far(loss.item(), data["train/loss"]), allowed["train/loss"]

    grads = {key: net.get_parameter(our_key(key)).grad for key in meta["grad_norm_keys"]}
    rtol, atol = (allowed["train/grad_norms"][key] for key in ("rtol", "atol"))
    for key, want in zip(grads, data["train/grad_norms"]):
        found[f"norm of {key}"] = abs(float(grads[key].norm()) - want), rtol * want + atol
    for name in data.files:
        if name.startswith("train/grad/"):
            want = torch.from_numpy(data[name])
            distance = float((grads[name.removeprefix("train/grad/")] - want).norm())
            found[name] = distance, rtol * float(want.norm()) + atol
        elif name.startswith("train/after/") and not name.endswith("num_batches_tracked"):
            buffer = net.get_buffer(our_key(name.removeprefix("train/after/")))
            found[name] = far(buffer, data[name]), 1e-5
    net.eval()
    with torch.no_grad():
        found["eval_after_train/logits"] = (
            far(net(x), data["eval_after_train/logits"]), allowed["eval_after_train/logits"])
    return found


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    wrong = 0
    for case in CASES + RESNETS:
        found = check(case, folder)
        far_off = {name: pair for name, pair in found.items() if not pair[0] <= pair[1]}
        wrong += len(far_off)
        print(f"{case}: {len(found) - len(far_off)} of {len(found)} figures as BIDL's", file=sys.stderr)
        for name, (distance, allowed) in far_off.items():
            print(f"  {name}: {distance:.1e} apart, {allowed:.1e} allowed", file=sys.stderr)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
