# SPDX-License-Identifier: BSD-2-Clause
"""fenchel mdp against mdpsolver, QuantEcon's DiscreteDP and pymdptoolbox on the same rows, to the same tolerance, one
core each; and beside figures of madupite that were measured elsewhere.

The peers come from PyPI into an environment of their own in the build tree. A model is written once, to HDF5; all read
that file. Each peer tries its methods and the fastest that reaches the tolerance counts.
"""
import json
import os
import subprocess
import sys
import time

import h5py
import numpy as np
import scipy.sparse as sp

from benchlib import HERE, number, stamp, table, verdict

LIMIT = 12  # seconds that one method may take, the set-up of a peer included: hundreds of times what is needed
TARGET = 5
METHODS = (("mdpsolver", ("mpi", "mpi gs", "vi", "vi gs", "pi")),
           ("quantecon", ("mpi", "mpi 100", "vi", "pi")),
           ("pymdptoolbox", ("mpi", "vi", "pi")))
# seconds to a residual of 1e-8 on two cores of an EPYC, Zen 4: fastest and slowest of its methods
MADUPITE = ((0.99, 1, 2.3, 8.5), (0.99, 2, 1.3, 4.5), (0.999, 1, 5.8, 5.8))


def environment(bench):
    """the Python that has the peers, made if it is not there"""
    folder = os.path.join(bench.build, "bench", "peers")
    python = os.path.join(folder, "bin", "python")
    ready = os.path.join(folder, "ready")
    if not os.path.exists(ready):
        for command in ([sys.executable, "-m", "venv", "--clear", folder],
                        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "wheel"],
                        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "h5py",
                         *(name for name, _ in METHODS)]):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                sys.exit(f"bench: cannot install the peers (python3-venv and a network are needed): "
                         f"{' '.join(command)}\n{done.stderr[-2000:]}")
        with open(ready, "w", encoding="utf-8") as file:
            file.write(stamp() + "\n")
    return python


# ---- models ----------------------------------------------------------------------------------------------------------

def random_rows(path, n, sparsity):
    """as in mdpsolver's benchmark: 2 to 10 actions, exponential weights on successors drawn at random"""
    random = np.random.default_rng(3)
    actions = random.integers(2, 11, n)
    state_ptr = np.concatenate([[0], np.cumsum(actions)])
    rows, k = int(state_ptr[-1]), max(2, round((1 - sparsity) * n))
    col = np.sort(np.array([random.choice(n, k, replace=False) for _ in range(rows)]), axis=1)
    val = random.exponential(size=(rows, k))
    val /= val.sum(axis=1, keepdims=True)
    with h5py.File(path, "w") as file:
        g = file.create_group("mdp")
        g.attrs["format"], g.attrs["sense"] = np.bytes_("fenchel-mdp"), np.bytes_("max")
        for name, data in (("sa_ptr", state_ptr), ("action_id", np.concatenate([np.arange(a) for a in actions])),
                           ("row_ptr", k * np.arange(rows + 1)), ("col", col.ravel()), ("val", val.ravel()),
                           ("reward", random.random(rows))):
            g[name] = data


def instances(bench):
    """name, options of a built-in problem or a function that writes the file, discounts"""
    n, side, people, few = bench.size((10000, 300, 5000, 2500), (200, 20, 60, 60))
    return ((f"Garnet {number(n)} x 10 x 20", ("-problem", "garnet", "-garnet_n", n), (0.99, 0.999)),
            (f"slippery grid {side} x {side}", ("-problem", "gridworld", "-gridworld_n", side), (0.99,)),
            (f"SIS {number(people)} x 20", ("-problem", "sis", "-sis_n", people), (0.99,)),
            (f"random {number(few)}, 2 to 10 actions, 10 % full", lambda path: random_rows(path, few, 0.9), (0.99,)))


def write(bench, path, source):
    if callable(source):
        source(path)
    else:
        bench.run([bench.fenchel, "mdp", *source, "-mdp_discount", 0.5, "-store_model", "true", "-o", path,
                   "-overwrite"])


class Rows:
    """what the judge needs of a model"""

    def __init__(self, path):
        with h5py.File(path, "r") as file:
            g = file["mdp"]
            self.state_ptr, self.row_ptr, self.col, self.val, self.reward = (
                g[name][...] for name in ("sa_ptr", "row_ptr", "col", "val", "reward"))
            self.minimise = g.attrs["sense"] in (b"min", "min")
        self.matrix = sp.csr_matrix((self.val, self.col, self.row_ptr), (len(self.reward), len(self.state_ptr) - 1))

    def value_of(self, policy, discount, start, tolerance):
        """value of a policy (positions of rows), by its own sweeps from a value nearby, and its error"""
        rows = self.state_ptr[:-1] + policy
        matrix, reward, v = discount * self.matrix[rows], self.reward[rows], start
        for _ in range(20000):
            new = reward + matrix @ v
            low, high = discount / (1 - discount) * np.array([(new - v).min(), (new - v).max()])
            v = new
            if high - low <= tolerance:
                break
        return v + (low + high) / 2, (high - low) / 2


# ---- runs ------------------------------------------------------------------------------------------------------------

def keep(bench, what, **found):
    """one more line of raw.jsonl, and a word to who waits"""
    seconds = found.get("seconds", found.get("time_solve"))
    outcome = found.get("failed") or ("" if seconds is None else number(seconds) + " s")
    print(f"mdppeers: {found.get('instance', '')} {what}: {outcome}", file=sys.stderr, flush=True)
    with open(os.path.join(bench.build, "bench", "raw.jsonl"), "a", encoding="utf-8") as file:
        file.write(json.dumps(dict(found, _program=what, _time=stamp(), _load=os.getloadavg())) + "\n")


def ours(bench, path, discount, gap, *options, ranks=1, runs=None):
    """best of the runs: the solver's own seconds, and those of the whole command that read the file"""
    result, summary = bench.path("ours.h5"), bench.path("ours.json")
    best = None
    runs, done = runs or bench.runs, 0
    while done < runs:
        done += 1
        start = time.perf_counter()
        bench.run([bench.fenchel, "mdp", "-model", path + ":/mdp", "-mdp_discount", discount, *gap, *options,
                   "-mdp_time_limit", LIMIT, "-store_model", "false", "-o", result, "-overwrite", "-summary", summary],
                  ranks, (0, 3))
        whole = time.perf_counter() - start
        with open(summary, encoding="utf-8") as file:
            one = dict(json.load(file), whole=whole)
        keep(bench, "fenchel mdp", _arguments=[discount, *gap, *options], **one)
        if one["status"]:
            runs = 1  # who needs that long is not measured twice
        if best is None or one["time_solve"] < best["time_solve"]:
            best = dict(one, whole=min(whole, best["whole"]) if best else whole)
    with h5py.File(result, "r") as file:
        best["values"] = file["value"][...].ravel()
    return best


def in_process(bench, path, discount, tolerance):
    """best of the runs in one process: seconds from rows in memory to our own form of them, and of the solve"""
    command = [bench.program("mdptypes"), "-model", path + ":/mdp", "-mdp_discount", discount, "-mdp_gap_rel", 0,
               "-mdp_gap", tolerance, "-runs", max(bench.runs, 5)]
    one = bench.json(command)[0]
    return one["setup"], one["solve"]


def attempt(bench, python, path, discount, peer, method, tolerance):
    """one method of a peer: its report with value and policy, or the word that says why there is none"""
    answer = bench.path("answer.npz")
    if os.path.exists(answer):
        os.remove(answer)
    command = [python, "-W", "ignore", os.path.join(HERE, "mdppeers_peer.py"), path, repr(discount), peer, method,
               repr(tolerance), bench.runs, answer]
    done = bench.within(LIMIT, command, dict(bench.env, NUMBA_NUM_THREADS="1"))
    if not done:
        return f"more than {LIMIT} s"
    if done.returncode:
        return "fails: " + (done.stderr.strip().split("\n")[-1] or f"status {done.returncode}")[:60]
    report = json.loads(done.stdout.strip().split("\n")[-1])
    with np.load(answer) as data:
        return dict(report, value=data["value"], policy=data["policy"].astype(np.int64))


def judge(report, rows, discount, best, tolerance):
    """error of the values, loss of the policy, and whether the policy is as good as was asked"""
    value, error = rows.value_of(report["policy"], discount, best["values"], 0.02 * tolerance)
    loss = float(np.abs(value - best["values"]).max()) + error + best["value_error"]
    return float(np.abs(report["value"] - best["values"]).max()), loss, loss <= 1.05 * tolerance


def instance(bench, python, name, path, discount):
    """rows of the tables: all tries, and the ratios"""
    rows, mb = Rows(path), 1e-6
    relative = ours(bench, path, discount, ("-mdp_gap_rel", 1e-6), runs=1)
    tolerance = float(f"{1e-6 * np.ptp(relative['values']):.1e}")
    # rounding may not allow it; its bound says how exact it is
    exact = ours(bench, path, discount, ("-mdp_gap_rel", 0, "-mdp_gap", 0.01 * tolerance), "-mdp_max_it", 3000, runs=1)
    one = ours(bench, path, discount, ("-mdp_gap_rel", 0, "-mdp_gap", tolerance))
    setup, solve = in_process(bench, path, discount, tolerance)
    off = float(np.abs(one["values"] - exact["values"]).max())
    inside = off <= one["value_error"] + exact["value_error"]
    label = f"{name}, discount {discount:g}, to {tolerance:g}"
    tries = [(label, f"Fenchel, auto: {one['method']}", solve, setup + solve, one["whole"],
              one["memory_rank_max"] * mb, off, one["policy_gap"], ("not reached; " if one["status"] else "reached; ")
              + ("within its bound" if inside else "OUTSIDE its bound"))]
    ratios = []
    for peer, methods in METHODS:
        fastest = None
        for method in methods:
            report = attempt(bench, python, path, discount, peer, method, tolerance)
            keep(bench, f"{peer} {method}", instance=label,
                 **({"failed": report} if isinstance(report, str) else
                    {k: v for k, v in report.items() if not isinstance(v, np.ndarray)}))
            if isinstance(report, str):
                tries.append((label, f"{peer} {method}", "", "", "", "", "", "", report))
                continue
            error, loss, reached = judge(report, rows, discount, exact, tolerance)
            words = "reached" if reached else "not reached"
            if error > one["value_error"] + tolerance:
                words += "; values outside our bound"
            tries.append((label, f"{peer} {report['version']}, {method}", report["seconds"],
                          report["seconds"] + report["form"], report["seconds"] + report["setup"],
                          report["memory"] * mb, error, loss, words))
            if reached and (fastest is None or report["seconds"] < fastest[1]["seconds"]):
                fastest = (method, report)
        if fastest:
            theirs = fastest[1]["seconds"]
            ratios.append((label, f"{peer}, {fastest[0]}", theirs / (setup + solve), theirs / solve,
                           (theirs + fastest[1]["form"]) / (setup + solve),
                           fastest[1]["memory"] / one["memory_rank_max"]))
    least = min((r[2] for r in ratios), default=None)
    return tries, [(*r, f">= {TARGET}" if r[2] == least else "", verdict(r[2], TARGET) if r[2] == least else "")
                   for r in ratios]


def madupite(bench):
    """the grid on which it was measured, to a span of TV - V of 1e-8, which is at least as strict as its residual"""
    side, out = bench.size(300, 20), []
    path = bench.path("grid.h5")
    write(bench, path, ("-problem", "gridworld", "-gridworld_n", side))
    for discount, ranks, low, high in MADUPITE:
        for kind in ("auto", "mpi", "ipi"):
            gap = ("-mdp_gap_rel", 0, "-mdp_gap", 1e-8 * discount / (1 - discount))
            one = ours(bench, path, discount, gap, "-mdp_type", kind, ranks=ranks)
            ratio = 0.0 if one["status"] else low / one["time_solve"]
            wanted = kind == "auto"
            out.append((discount, ranks, f"{low:g} to {high:g}" if high > low else f"{low:g}",
                        kind + (f": {one['method']}" if wanted else ""), 
                        f"not in {LIMIT} s" if one["status"] else one["time_solve"], one["whole"], ratio,
                        verdict(ratio, 15) if wanted else "", verdict(ratio, 8) if wanted else ""))
    return table(("discount", "ranks", "madupite, s, elsewhere", "Fenchel's type", "solve, s", "whole command, s",
                  "ratio to its fastest", ">= 15 (two colours)", ">= 8 (otherwise)"), out)


def run(bench):
    python, tries, ratios = environment(bench), [], []
    for name, source, discounts in instances(bench):
        path = bench.path("model.h5")
        write(bench, path, source)
        for discount in discounts:
            more = instance(bench, python, name, path, discount)
            tries += more[0]
            ratios += more[1]
    text = table(("instance", "against", "its solve / our set-up and solve", "solve / solve",
                  "form and solve / the same",
                  "memory, whole process", "target", "verdict"), ratios)
    text += "\n" + table(("instance", "program and method", "solve, s", "with its form, s", "with reading, s",
                         "peak memory MB",
                          "error of values", "loss of policy", "tolerance"), tries)
    text += (f"\nOne core each, best of {bench.runs} runs or as many as fit into 5 s. The tolerance is a policy that "
             "loses at most 1e-6 of the values'\nrange, given to each as its epsilon; the policies are evaluated by "
             "the bench, the peers' fastest method that reaches it counts.\nSolve: the solving call, in process; "
             "compiling with Numba is not counted. Form: what makes a program's own form of rows that are in\nmemory "
             "(ours: chunks of eight states; theirs: almost the rows as they are). The verdict is on the strictest "
             "ratio, their solve\nalone against our set-up and solve. With reading: for Fenchel the whole command, "
             "which also writes the result; for peers not\nstarting Python and importing.\n"
             "pymdptoolbox: value and modified policy iteration stop on the span but return values "
             "without the shift; its bound on the number\nof iterations is left out, it would take longer than all "
             "solves; policy iteration makes n x n arrays.\n")
    text += "\nThe slippery grid of 300 x 300, 4 actions, beside madupite on another machine (two cores of an EPYC, " \
            "Zen 4, residual 1e-8):\n\n" + madupite(bench)
    return text
