#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""POT's log-domain Sinkhorn on two .npy clouds for a fixed number of iterations:

  pot_peer.py X.npy Y.npy EPS ITERATIONS

Prints one JSON object: times of the cost matrix and of the iterations, memory, and the dual value after one more half
step, so that it can be compared with a program that keeps f = T(g).
"""
import json
import resource
import sys
import time

import numpy as np
import ot
from scipy.special import logsumexp


def peak():
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main():
    x, y = np.load(sys.argv[1]), np.load(sys.argv[2])
    eps, iterations = float(sys.argv[3]), int(sys.argv[4])
    a, b = np.full(len(x), 1 / len(x)), np.full(len(y), 1 / len(y))
    before = peak()
    start = time.perf_counter()
    cost = ot.dist(y, x)  # targets by sources: POT updates the columns first, Fenchel the sources
    made = time.perf_counter()
    log = ot.sinkhorn(b, a, cost, eps, method="sinkhorn_log", numItermax=iterations, stopThr=0, warn=False, log=True)[1]
    end = time.perf_counter()
    memory = peak()
    g = eps * (log["log_u"] - np.log(b))
    f = -eps * logsumexp((g[:, None] - cost) / eps + np.log(b)[:, None], axis=0)
    g = -eps * logsumexp((f[None, :] - cost) / eps + np.log(a)[None, :], axis=1)
    print(json.dumps({"time_cost": made - start, "time_iterations": end - made, "memory": memory,
                      "memory_before": before, "value": float(a @ f + b @ g), "version": ot.__version__}))


main()
