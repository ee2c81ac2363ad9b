"""Exports a classifier of torchvision with random weights, and what PyTorch says about it.

python3 export.py NAME FOLDER writes FOLDER/NAME.onnx and FOLDER/NAME.npz with x, weights, logits and the gradient of the
weighted sum of the logits by x, in single and in double precision. --keep-batch-norms exports as during fine-tuning:
batch norms, in eval mode, stay nodes of their own and are not folded into the convolutions before them.
"""
import argparse
import copy
import warnings

import numpy as np
import torch
import torchvision.models as models

warnings.filterwarnings("ignore")
# Too large as they are published; the same code in a smaller size.
SMALL = {
    "vit": lambda size, num_classes: models.VisionTransformer(
        image_size=size,
        patch_size=size // 4,
        num_layers=3,
        num_heads=4,
        hidden_dim=64,
        mlp_dim=128,
        num_classes=num_classes,
    ),
    "swin": lambda _, num_classes: models.SwinTransformer(
        patch_size=[4, 4], embed_dim=32, depths=[2, 2], num_heads=[2, 4], window_size=[4, 4], num_classes=num_classes
    ),
    "convnext": lambda _, num_classes: models.ConvNeXt(
        [models.convnext.CNBlockConfig(24, 48, 2), models.convnext.CNBlockConfig(48, None, 2)], num_classes=num_classes
    ),
}
SIZES = {"vit": 64, "inception_v3": 128}
# GoogLeNet and Inception draw weights so small that nothing is left of a gradient.
PLAIN = {"googlenet": {"init_weights": False}, "inception_v3": {"init_weights": False}}


def randomised(net):
    """Running statistics as training leaves them, and no layer that is zero."""
    generator = torch.Generator().manual_seed(1)
    for module in net.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.running_mean.copy_(torch.randn(module.running_mean.shape, generator=generator) * 0.1)
            module.running_var.copy_(torch.rand(module.running_var.shape, generator=generator) + 0.5)
    for parameter in net.parameters():
        if parameter.abs().max() == 0 or (parameter.dim() == 1 and parameter.std() == 0):
            parameter.data.add_(torch.randn(parameter.shape, generator=generator) * 0.1)
    return net.eval()


def published(name):
    return lambda _, num_classes: getattr(models, name)(weights=None, num_classes=num_classes, **PLAIN.get(name, {}))


def main(name, folder, opset, size, classes, keep_batch_norms):
    torch.manual_seed(0)
    size = size or SIZES.get(name, 96)
    make = SMALL.get(name) or published(name)
    net = randomised(make(size, classes))
    x = torch.rand(2, 3, size, size, requires_grad=True)
    weights = torch.randn(2, classes)
    logits = net(x)
    (gradient,) = torch.autograd.grad((logits * weights).sum(), x)
    torch.onnx.export(
        net,
        x,
        f"{folder}/{name}.onnx",
        opset_version=opset,
        training=torch.onnx.TrainingMode.PRESERVE if keep_batch_norms else torch.onnx.TrainingMode.EVAL,
        input_names=["x"],
        output_names=["y"],
        dynamic_axes={"x": {0: "n"}, "y": {0: "n"}},
    )
    # What rounding alone costs PyTorch: the same gradient in double precision.
    precise = copy.deepcopy(net).double()
    y = x.detach().double().requires_grad_()
    (exact,) = torch.autograd.grad((precise(y) * weights.double()).sum(), y)
    arrays = {"x": x, "weights": weights, "logits": logits, "gradient": gradient, "exact": exact.float()}
    np.savez(f"{folder}/{name}.npz", **{key: value.detach().numpy() for key, value in arrays.items()})


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("folder")
    parser.add_argument("--opset", type=int, default=17)
    parser.add_argument("--size", type=int, help="height and width of an image")
    parser.add_argument("--classes", type=int, default=20)
    parser.add_argument("--keep-batch-norms", action="store_true")
    main(**vars(parser.parse_args()))
