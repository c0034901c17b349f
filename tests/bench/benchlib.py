# SPDX-License-Identifier: BSD-2-Clause
"""What all parts of the bench share: running programs on chosen cores, medians, tables, the machine."""
import json
import math
import os
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))


class Bench:
    """Where the programs are, how often they run, and whether sizes are the full ones."""

    def __init__(self, build, runs=3, quick=False):
        self.build, self.runs, self.quick = os.path.abspath(build), runs, quick
        self.env = dict(os.environ, OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", PETSC_OPTIONS="")
        if os.geteuid() == 0:  # Open MPI refuses root unless told
            self.env.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
        self.scratch = tempfile.mkdtemp(prefix="bench-", dir=self.build)
        self.nice = ["nice", "-n", "-5"] if os.geteuid() == 0 else []
        self.cores = sorted(os.sched_getaffinity(0))
        self.mpirun = self.env.get("MPIRUN") or shutil.which("mpirun.openmpi") or shutil.which("mpirun")

    def close(self):
        shutil.rmtree(self.scratch, ignore_errors=True)

    def program(self, name):
        return os.path.join(self.build, "bench", "bench_" + name)

    @property
    def fenchel(self):
        return os.path.join(self.build, "bin", "fenchel")

    def path(self, name):
        return os.path.join(self.scratch, name)

    def size(self, full, quick):
        return quick if self.quick else full

    def command(self, command, ranks):
        """one rank: pinned to one core; more: one core each as far as there are cores. The shell in between forks:
        the largest memory of a process includes what its parent had when it was made, and Python may be large"""
        if ranks == 1:
            return ["sh", "-c", '"$@"; exit $?', "sh", *self.nice, "taskset", "-c", str(self.cores[0]),
                    *map(str, command)]
        binding = ["--bind-to", "core"] if ranks <= len(self.cores) else \
            ["--oversubscribe", "--bind-to", "none", "--mca", "mpi_yield_when_idle", "1"]
        return [*self.nice, self.mpirun, *binding, "-n", str(ranks), *map(str, command)]

    def run(self, command, ranks=1, status=(0,), show=False):
        """standard output of a program; show: its standard error is ours"""
        result = subprocess.run(self.command(command, ranks), env=self.env, stdout=subprocess.PIPE,
                                stderr=None if show else subprocess.PIPE, text=True)
        if result.returncode not in status:
            sys.exit(f"bench: status {result.returncode} of {' '.join(map(str, command))}\n"
                     f"{result.stdout[-2000:]}{(result.stderr or '')[-2000:]}")
        return result.stdout

    def within(self, seconds, command, env=None):
        """a program on one core, as subprocess.run() has it, or None: it takes longer, and has been ended with all its
        processes"""
        with subprocess.Popen(self.command(command, 1), env=env or self.env, stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.PIPE, start_new_session=True) as program:
            try:
                out, err = program.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                os.killpg(program.pid, signal.SIGKILL)
                program.communicate()
                return None
        return subprocess.CompletedProcess(command, program.returncode, out, err)

    def json(self, command, ranks=1, show=False):
        """the JSON objects that a bench program prints, one a line"""
        found = [json.loads(line) for line in self.run(command, ranks, show=show).splitlines() if line.startswith("{")]
        with open(os.path.join(self.build, "bench", "raw.jsonl"), "a", encoding="utf-8") as f:
            for one in found:
                arguments = [str(c) for c in command[1:] if self.scratch not in str(c)]
                f.write(json.dumps(dict(one, _program=os.path.basename(command[0]), _arguments=arguments,
                                        _ranks=ranks, _time=stamp(), _load=os.getloadavg())) + "\n")
        return found

    def turns(self, *solves, runs=None, long=math.inf):
        """calls each several times, one after the other, so that a slow hour of the machine is in all of them alike.
        Numbers become medians, `_all` keeps every run; no further round after one that took longer than `long`"""
        found = [[] for _ in solves]
        for _ in range(runs or self.runs):
            for solve, results in zip(solves, found):
                results.append(solve())
            if any(results[-1].get("time_solve", 0) > long for results in found):
                break
        return [dict(medians(results), _all=results) for results in found]

    def repeat(self, command, ranks=1, runs=None):
        """runs a program that prints one object several times: turns() of one"""
        return self.turns(lambda: self.json(command, ranks)[0], runs=runs)[0]

    def solve(self, *options, ranks=1, runs=None):
        return self.repeat([self.program("solve"), *options], ranks, runs)


def medians(found):
    """of several results one: numbers are medians, a median that is there for whole numbers; the rest is the first's"""
    kinds = {int: statistics.median_low, float: statistics.median}
    return {key: kinds[type(value)](one[key] for one in found) if type(value) in kinds else value
            for key, value in found[0].items()}


def spread(result, key):
    """smallest and largest of a repeated measurement"""
    values = [one[key] for one in result["_all"]]
    return f"{number(min(values))} to {number(max(values))}" if len(values) > 1 else ""


def number(x, digits=3):
    """a number a person reads: 0.0123, 4.56, 123, 1.23e+09"""
    if isinstance(x, str):
        return x
    if x is None or x != x:
        return "-"
    if isinstance(x, int):
        return f"{x:,}" if abs(x) < 10**9 else f"{x:.{digits - 1}e}"
    if x == 0 or 1e-3 <= abs(x) < 1e4:
        text = f"{x:.{digits}g}"
        return f"{x:,.0f}" if "e" in text or abs(x) >= 1000 else text
    return f"{x:.{digits - 1}e}"


def table(head, rows):
    """a table that reads well as text and as Markdown"""
    cells = [[number(cell) for cell in row] for row in [head, *rows]]
    width = [max(len(row[k]) for row in cells) for k in range(len(head))]
    lines = ["| " + " | ".join(cell.ljust(width[k]) for k, cell in enumerate(row)) + " |" for row in cells]
    lines.insert(1, "| " + " | ".join("-" * w for w in width) + " |")
    return "\n".join(lines) + "\n"


def verdict(value, target, least=True):
    """a target is met or not, nothing between"""
    return "met" if (value >= target if least else value <= target) else "not met"


def load():
    return "load average %.2f %.2f %.2f" % os.getloadavg()


def stamp():
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())


def _output(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, env=dict(os.environ, LC_ALL="C")).stdout
    except OSError:
        return ""


def _cache_entry(build, name):
    with open(os.path.join(build, "CMakeCache.txt"), encoding="utf-8") as f:
        found = re.search(rf"^{name}:\w+=(.*)$", f.read(), re.MULTILINE)
    return found.group(1) if found else "?"


def _cpu():
    return dict(re.findall(r"^\s*([^:]+):\s*(.*)$", _output("lscpu"), re.MULTILINE))


def processor():
    cpu = _cpu()
    return f"{cpu.get('Model name', '?')} (family {cpu.get('CPU family', '?')}, model {cpu.get('Model', '?')})"


def version():
    commit = _output("git", "-C", HERE, "rev-parse", "--short", "HEAD").strip() or "?"
    changed = _output("git", "-C", HERE, "status", "--porcelain", "--untracked-files=no").strip()
    return commit + (" with changes" if changed else "")


def machine(bench):
    """a table of what the numbers depend on"""
    cpu = _cpu()
    kernels = bench.json([bench.program("kernels"), "-n", "256", "-runs", "1"])
    compiler = _output(_cache_entry(bench.build, "CMAKE_C_COMPILER"), "--version").split("\n")[0]
    with open("/proc/meminfo", encoding="utf-8") as f:
        memory = int(re.search(r"MemTotal:\s*(\d+)", f.read()).group(1)) / 2**20
    rows = [("processor", f"{processor()}, {cpu.get('CPU(s)', '?')} CPUs"),
            ("virtual machine", cpu.get("Hypervisor vendor", "no")),
            ("caches", ", ".join(f"{name} {cpu[name + ' cache']}" for name in ("L1d", "L2", "L3")
                                 if name + " cache" in cpu)),
            ("memory", f"{memory:.1f} GiB"),
            ("instruction set in use", f"{kernels[-1]['kernels']}, {kernels[-1]['lanes']} doubles a vector; available: "
             + ", ".join(k["kernels"] for k in kernels)),
            ("compiler", f"{compiler}, {_cache_entry(bench.build, 'CMAKE_BUILD_TYPE')}"),
            ("PETSc", (_output("pkg-config", "--modversion", "PETSc").strip() or "?")),
            ("MPI", _output(bench.mpirun, "--version").split("\n")[0]),
            ("kernel", platform.release()),
            ("Fenchel", version()),
            ("measured", f"{stamp()}, {load()}")]
    return "### Machine\n\n" + table(("what", "value"), rows)
