"""The PyTorch side of `npm run bench`: one process per layout, which does what each line of JSON says and answers with a line.

{"do": "open", "file": …, "work": …, "layout": "nchw" | "channels-last", "dtype": "float32" | "float64", "details": …}
{"do": "steps", "least": …}      does the work once, and again until so many seconds have gone; answers with the seconds of each
{"do": "memory"}                 highest resident memory in bytes since the work was opened
{"do": "check", "arrays": …}     the work once more from its beginning: numbers to compare, arrays into a file
{"do": "versions"}, {"do": "peak"}, {"do": "export", "name": …, "file": …}
"""

import json
import resource
import sys
import time

import numpy
import torch

from torch_networks import arrays, imported, network
from torch_works import WORKS

FORMATS = {"nchw": torch.contiguous_format, "channels-last": torch.channels_last}


def read_safetensors(path):
    """The metadata of a file, and its arrays, each copied out of it."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        start = file.tell()
        metadata = header.pop("__metadata__", {})
        found = {}
        for name, entry in header.items():
            begin, end = entry["data_offsets"]
            flat = numpy.fromfile(path, dtype="<f4", count=(end - begin) // 4, offset=start + begin)
            found[name] = torch.from_numpy(flat).view(entry["shape"])
    return metadata, found


def write_safetensors(path, tensors):
    header, parts, end = {}, [], 0
    for name, t in tensors.items():
        data = t.detach().float().contiguous().numpy().astype("<f4").tobytes()
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


def libraries():
    """Which BLAS is loaded: PyTorch takes whatever the system's alternatives point to."""
    torch.rand(64, 64) @ torch.rand(64, 64)
    try:
        with open("/proc/self/maps") as file:
            paths = {line.split()[-1].split("/")[-1] for line in file if "blas" in line}
    except OSError:
        paths = set()
    return sorted(paths)


class Side:
    def open(self, file, work, layout, dtype, details):
        self.opening = {"file": file, "work": work, "layout": layout, "dtype": dtype, "details": details}
        self.work = self.made()
        reset_peak_memory()
        return {}

    def made(self):
        """The work as before its first step."""
        layout, kind = FORMATS[self.opening["layout"]], getattr(torch, self.opening["dtype"])
        metadata, stored = read_safetensors(self.opening["file"])
        task = json.loads(metadata["task"])
        if task["imported"]:
            module = imported(task["name"])
        else:
            module = network(task["name"], **task["input"])
            with torch.no_grad():
                for name, array in arrays(module).items():
                    array.copy_(stored[name])
        x = stored["input/x"].to(kind).contiguous(memory_format=layout)
        labels = stored["input/labels"].long()
        module = module.to(kind).to(memory_format=layout)
        torch.manual_seed(0)
        work = WORKS[self.opening["work"]](module, x, labels, task["batch"], self.opening["details"])
        work.format = layout
        return work

    def steps(self, least):
        seconds = []
        while not seconds or sum(seconds) < least:
            start = time.perf_counter()
            self.work.step()
            seconds.append(time.perf_counter() - start)
        return {"seconds": seconds}

    def check(self, arrays):
        self.work = None
        numbers, tensors = self.made().check()
        write_safetensors(arrays, tensors)
        return numbers

    def memory(self):
        return {"bytes": peak_memory()}

    def peak(self):
        return {"flopsPerSecond": peak()}

    def versions(self):
        return {
            "version": torch.__version__,
            "threads": torch.get_num_threads(),
            "libraries": libraries(),
        }

    def export(self, name, file):
        module = imported(name)
        x = torch.zeros(1, 3, 224, 224)
        axes = {"x": {0: "n"}, "y": {0: "n"}}
        names = {"input_names": ["x"], "output_names": ["y"]}
        torch.onnx.export(module, x, file, opset_version=13, dynamic_axes=axes, **names)
        return {}


def main():
    torch.set_num_threads(int(sys.argv[1]))
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
