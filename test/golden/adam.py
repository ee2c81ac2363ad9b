"""Golden values for src/train/optimizer.test.ts: python3 test/golden/adam.py > test/golden/adam.json"""

import json

import torch

torch.set_default_dtype(torch.float64)
TARGET = [1.0, 0.0, -1.0, 3.0]
RATES = [0.1, 0.1, 0.05, 0.02, 0.1]


def case(decay):
    p = torch.tensor([0.5, -1.25, 2.0, 0.0], requires_grad=True)
    optimizer = torch.optim.Adam([p], lr=RATES[0], weight_decay=decay)
    trace = [p.tolist()]
    for rate in RATES:
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        (((p - torch.tensor(TARGET)) ** 4).sum() / 32).backward()
        optimizer.step()
        trace.append(p.tolist())
    return {"weightDecay": decay, "rates": RATES, "target": TARGET, "trace": trace}


print(json.dumps({"torch": torch.__version__, "cases": [case(0.0), case(5e-4)]}, indent=1))
