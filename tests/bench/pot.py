# SPDX-License-Identifier: BSD-2-Clause
"""POT's log-domain Sinkhorn and ours on the same cloud, the same number of iterations, one core each."""
import os
import sys

import numpy as np
from scipy.spatial.distance import cdist

from benchlib import HERE, number, spread, table, verdict


def instance(bench, n):
    random = np.random.default_rng(5)
    x, y = random.random((n, 3)), 0.5 + 0.25 * random.standard_normal((n, 3))
    files = [bench.path("x.npy"), bench.path("y.npy")]
    np.save(files[0], x)
    np.save(files[1], y)
    largest = max(cdist(x[i:i + 500], y, "sqeuclidean").max() for i in range(0, n, 500))
    return files, 0.05 * float(largest)


def run(bench):
    n, iterations = bench.size(5000, 400), bench.size(20, 5)
    files, eps = instance(bench, n)
    ours = bench.solve("-bench_instance", "files", "-bench_source", files[0], "-bench_target", files[1],
                       "-ot_eps", repr(eps), "-ot_type", "sinkhorn", "-ot_eps_factor", 1, "-ot_eps_start", repr(eps),
                       "-ot_sinkhorn_relax", 0, "-ot_max_it", iterations, "-ot_gap_rel", 0,
                       "-ot_marginal_tol", 1e-300)
    peer = bench.repeat([sys.executable, os.path.join(HERE, "pot_peer.py"), *files, repr(eps), iterations])
    mb = 1e-6
    rows = [(f"POT {peer['version']}, iterations", peer["time_iterations"], spread(peer, "time_iterations"),
             peer["memory"] * mb, peer["value"]),
            ("Fenchel, iterations", ours["time_iterations"], spread(ours, "time_iterations"), ours["memory"] * mb,
             ours["value"]),
            ("POT with its cost matrix", peer["time_iterations"] + peer["time_cost"], "", "", ""),
            ("Fenchel with bounds", ours["time_solve"], spread(ours, "time_solve"), "", "")]
    text = table(("n = m = %s, d = 3" % number(n), "seconds", "range", "peak memory MB", "value"),
                 [(*row[:4], f"{row[4]:.15g}" if row[4] else "") for row in rows])
    ratio = peer["time_iterations"] / ours["time_iterations"]
    with_all = (peer["time_iterations"] + peer["time_cost"]) / ours["time_solve"]
    text += "\n" + table(("ratio", "measured", "target", "verdict"),
                         [("time of the iterations", ratio, 10, verdict(ratio, 10)),
                          ("time with cost matrix (POT), with certified bounds (Fenchel)", with_all, "", ""),
                          ("memory, whole process", peer["memory"] / ours["memory"], "", ""),
                          ("POT's memory beyond its start, in n x m matrices",
                           (peer["memory"] - peer["memory_before"]) / (8 * n * n), "", "")])
    text += (f"\n{iterations} iterations, epsilon = 0.05 of the largest cost = {number(eps)}, one core each. The dual "
             f"values differ by {abs(peer['value'] / ours['value'] - 1):.1e}\nrelative. Fenchel's memory is the "
             "libraries' and O(n + m); POT holds several n x m arrays.\n")
    return text
