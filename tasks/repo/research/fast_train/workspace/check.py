"""Compares `solution.py` with `original.py` on random data, and takes the processor time of both in processes of their own."""

import resource
import subprocess
import sys

import numpy as np

PROGRAM = """
import sys
import numpy as np
data = dict(np.load("check_data.npz"))
train = __import__(sys.argv[1]).train
np.savez(sys.argv[1] + "_weights.npz", **train(data, 7))
"""

rng = np.random.default_rng()
x = rng.standard_normal((154, 16)).astype(np.float32)
y = np.tanh(x @ rng.standard_normal((16, 4)) / 2).astype(np.float32)
np.savez("check_data.npz", x=x, y=y)
seconds, weights = {}, {}
for name in ("original", "solution"):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", PROGRAM, name], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds[name] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    weights[name] = dict(np.load(f"{name}_weights.npz"))
far = sum(float(np.abs(weights["solution"][name] - weights["original"][name]).sum()) for name in weights["original"])
size = sum(float(np.abs(each).sum()) for each in weights["original"].values())
print(f"original {seconds['original']:.2f} s, solution {seconds['solution']:.2f} s; distance {far / size:.2e} of at most 1.00e-04")
