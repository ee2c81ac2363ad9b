"""PyTorch's part of scripts/imported-audit.ts.

python3 imported_audit.py make FOLDER IMAGES writes torchvision's ResNet-50 with random weights (model.onnx, model.pt) and
images that are labelled by its predictions (images.npz).
python3 imported_audit.py replay FOLDER does the passes that passes.json lists, and prints their time.
"""
import json
import resource
import sys
import time
import warnings

import numpy as np
import torch
import torchvision.models as models

warnings.filterwarnings("ignore")
SIDE = 224


def make(folder, count):
    torch.manual_seed(0)
    # Blurred noise: colours that change slowly, in 8 bits.
    coarse = torch.rand(count, 3, 8, 8)
    images = torch.nn.functional.interpolate(coarse, SIDE, mode="bilinear").mul(255).round()
    net = models.resnet50(weights=None)
    # Running statistics that fit the images; with the initial ones all predictions would be one class.
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        for part in images.split(16):
            net(part / 255)
        net.eval()
        labels = torch.cat([net(part / 255).argmax(1) for part in images.split(16)])
    torch.onnx.export(
        net,
        torch.rand(1, 3, SIDE, SIDE),
        f"{folder}/model.onnx",
        opset_version=17,
        input_names=["x"],
        output_names=["logits"],
        dynamic_axes={"x": {0: "batch"}, "logits": {0: "batch"}},
    )
    torch.save(net.state_dict(), f"{folder}/model.pt")
    np.savez(f"{folder}/images.npz", x=images.numpy().astype(np.uint8), y=labels.numpy())
    print(json.dumps({"classes": len(set(labels.tolist()))}))


def replay(folder):
    with open(f"{folder}/passes.json") as file:
        listed = json.load(file)
    torch.set_num_threads(listed["threads"])
    net = models.resnet50(weights=None)
    net.load_state_dict(torch.load(f"{folder}/model.pt"))
    net.eval().requires_grad_(False)
    arrays = np.load(f"{folder}/images.npz")
    images, labels = torch.tensor(arrays["x"]) / 255, torch.tensor(arrays["y"])
    start, before = time.time(), resource.getrusage(resource.RUSAGE_SELF)
    for kind, batch in listed["passes"]:
        x, y = images[:batch], labels[:batch]
        if kind == "forward":
            with torch.no_grad():
                net(x)
        else:
            point = x.detach().requires_grad_()
            loss = torch.nn.functional.cross_entropy(net(point), y, reduction="sum")
            torch.autograd.grad(loss, point)
    after = resource.getrusage(resource.RUSAGE_SELF)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"seconds": time.time() - start, "processor": processor, "mebibytes": after.ru_maxrss / 1024}))


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(sys.argv[2], int(sys.argv[3]))
    else:
        replay(sys.argv[2])
