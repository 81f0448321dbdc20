"""The residual network of depth 18 of BIDL's ResNetLifItout, from any framework's layers. Its modules are named as BIDL's."""

from torch import nn
from torch.nn import Sequential

STAGES = [64, 128, 256, 512]


class Block(nn.Module):
    def __init__(self, layers, inputs, outputs, stride):
        super().__init__()

        def conv_norm(inputs, stride):
            return Sequential(layers.Conv2d(inputs, outputs, 3, stride, padding=1), layers.BatchNorm2d(outputs))

        self.conv1, self.lif1 = conv_norm(inputs, stride), layers.Lif()
        self.conv2, self.lif2 = conv_norm(outputs, 1), layers.Lif()
        self.downsample = nn.Identity()
        if stride > 1:
            self.downsample = Sequential(
                layers.AvgPool2d(stride, ceil_mode=True), layers.Conv2d(inputs, outputs, 1), layers.BatchNorm2d(outputs)
            )

    def forward(self, x):
        return self.lif2(self.conv2(self.lif1(self.conv1(x))) + self.downsample(x))


class ResNet18(nn.Module):
    """Frames to logits of every step. `layers` makes Conv2d, BatchNorm2d, MaxPool2d, AvgPool2d and Lif."""

    def __init__(self, layers, channels=2, classes=10, blocks=2):
        super().__init__()
        self.conv = Sequential(layers.Conv2d(channels, 64, 7, 2, padding=3), layers.BatchNorm2d(64))
        self.lif, self.pool = layers.Lif(), layers.MaxPool2d(3, 2, padding=1)
        inputs = 64
        for i, outputs in enumerate(STAGES, 1):
            stage = []
            for k in range(blocks):
                stage.append(Block(layers, inputs, outputs, 2 if k == 0 and i > 1 else 1))
                inputs = outputs
            setattr(self, f"layer{i}", Sequential(*stage))
        self.fc = nn.Linear(inputs, classes)

    def logits(self, frames):
        x = self.pool(self.lif(self.conv(frames)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((-2, -1)))
