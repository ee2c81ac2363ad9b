"""Golden values for src/train/optimizer.test.ts: python3 test/golden/sgd.py > test/golden/sgd.json"""
import json
import torch

torch.set_default_dtype(torch.float64)
cases = []
for momentum, weight_decay in [(0.9, 5e-4), (0.9, 0.0), (0.5, 0.1)]:
    p = torch.tensor([0.5, -1.25, 2.0, 0.0], requires_grad=True)
    target = torch.tensor([1.0, 0.0, -1.0, 3.0])
    optimizer = torch.optim.SGD([p], lr=0.1, momentum=momentum, weight_decay=weight_decay, nesterov=True)
    rates = [0.1, 0.1, 0.05, 0.02, 0.1]
    trace = [p.tolist()]
    for rate in rates:
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        # Its gradient is (p - target)^3 / 8: not linear, so that the order of updates shows.
        ((p - target) ** 4 / 32).sum().backward()
        optimizer.step()
        trace.append(p.tolist())
    cases.append({"momentum": momentum, "weightDecay": weight_decay, "rates": rates, "target": target.tolist(), "trace": trace})
print(json.dumps({"torch": torch.__version__, "cases": cases}, indent=1))
