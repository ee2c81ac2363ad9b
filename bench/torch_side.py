"""The PyTorch side of `npm run bench`: does one piece of work per line of JSON it reads, and answers with a line.

{"do": "load", "file": …, "threads": …, "training": …, "name": "wrn-16-4", "shape": …, "classes": …, "mean": …, "std": …}
{"do": "open", "work": "gradient" | "train", "layout": "nchw" | "channels-last"}
{"do": "step", "layout": …}                 answers with seconds and loss
{"do": "arrays", "layout": …, "file": …}    writes what the latest step gave, as safetensors
{"do": "peak"}, {"do": "memory"}, {"do": "reset"}, {"do": "close"}
"""

import json
import resource
import sys
import time

import numpy
import torch
from torch.nn import functional

from torch_networks import arrays, network

FORMATS = {"nchw": torch.contiguous_format, "channels-last": torch.channels_last}


def read_safetensors(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        numbers = file.read()
    header.pop("__metadata__", None)
    found = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        flat = numpy.frombuffer(numbers[start:end], dtype="<f4").copy()
        found[name] = torch.from_numpy(flat).view(entry["shape"])
    return found


def write_safetensors(path, tensors):
    header, parts, end = {}, [], 0
    for name, t in tensors.items():
        data = t.detach().contiguous().numpy().astype("<f4").tobytes()
        header[name] = {
            "dtype": "F32",
            "shape": list(t.shape),
            "data_offsets": [end, end + len(data)],
        }
        parts.append(data)
        end += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + b"".join(parts))


class Gradient:
    """Loss and its gradient by the pixels, weights and running statistics fixed."""

    def __init__(self, module, x, labels, _):
        self.module, self.x, self.labels = module.eval().requires_grad_(False), x, labels

    def step(self):
        x = self.x.detach().requires_grad_()
        loss = functional.cross_entropy(self.module(x), self.labels, reduction="sum")
        (self.gradient,) = torch.autograd.grad(loss, x)
        return loss.item() / len(self.labels)

    def arrays(self):
        return {"gradient": self.gradient}


class Train:
    """Forward with the batch's statistics, all gradients, and the update of SGD with Nesterov momentum."""

    def __init__(self, module, x, labels, training):
        self.module, self.x, self.labels = module.train(), x, labels
        self.named = {name: a for name, a in arrays(module).items() if a.requires_grad}
        self.optimizer = torch.optim.SGD(
            self.named.values(),
            lr=training["rate"],
            momentum=training["momentum"],
            weight_decay=training["weightDecay"],
            nesterov=True,
        )

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        loss = functional.cross_entropy(self.module(self.x), self.labels)
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def arrays(self):
        state = self.optimizer.state
        return {f"momentum/{name}": state[p]["momentum_buffer"] for name, p in self.named.items()}


def peak(size=1536, repeats=15):
    """Operations per second of the best of some products of two square matrices."""
    a, b = torch.rand(size, size), torch.rand(size, size)
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best


def peak_memory():
    try:
        with open("/proc/self/status") as file:
            (line,) = [line for line in file if line.startswith("VmHWM:")]
        return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def reset_peak_memory():
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass


class Side:
    def __init__(self):
        self.opened = {}

    def load(self, file, threads, training, **description):
        torch.set_num_threads(threads)
        self.stored, self.training, self.description = read_safetensors(file), training, description
        return {"version": torch.__version__, "threads": torch.get_num_threads()}

    def open(self, work, layout):
        module = network(**self.description)
        with torch.no_grad():
            for name, array in arrays(module).items():
                array.copy_(self.stored[name])
        memory_format = FORMATS[layout]
        x = self.stored["input/x"].contiguous(memory_format=memory_format)
        labels = self.stored["input/labels"].long()
        kind = {"gradient": Gradient, "train": Train}[work]
        module = module.to(memory_format=memory_format)
        self.opened[layout] = kind(module, x, labels, self.training)
        return {}

    def step(self, layout):
        work = self.opened[layout]
        start = time.perf_counter()
        loss = work.step()
        return {"seconds": time.perf_counter() - start, "loss": loss}

    def arrays(self, layout, file):
        write_safetensors(file, self.opened[layout].arrays())
        return {}

    def close(self):
        self.opened.clear()
        return {}

    def peak(self):
        return {"flopsPerSecond": peak()}

    def memory(self):
        return {"bytes": peak_memory()}

    def reset(self):
        reset_peak_memory()
        return {}


def main():
    side = Side()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(side, request.pop("do"))(**request)
        except Exception as error:  # told to the side that asked, which ends the run
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
