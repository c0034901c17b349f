# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of the command share: running it, small inputs, checks that count."""
import json
import os
import re
import shlex
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

import h5py
import numpy as np

FENCHEL = os.environ["FENCHEL"]
MPIRUN = shlex.split(os.environ.get("MPIRUN", "mpirun")) + ["--oversubscribe", "--mca", "mpi_yield_when_idle", "1"]
TIMEOUT = 60  # a hang is a failure
ALONE = {"OMPI_MCA_ess_singleton_isolated": "1"}  # a process without mpirun starts no daemon beside it


class Run:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err


def command(arguments, ranks=0):
    """ranks = 0: without mpirun"""
    words = [FENCHEL] + [str(a) for a in arguments]
    return MPIRUN + ["-n", str(ranks)] + words if ranks else words


def run(*arguments, ranks=0, timeout=TIMEOUT, env=None, memory=0):
    """memory: bytes of addresses that the process may have"""
    limit = ["prlimit", f"--as={memory}"] if memory else []
    process = subprocess.Popen(limit + command(arguments, ranks), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, env={**os.environ, **ALONE, **(env or {})}, stdin=subprocess.DEVNULL)
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.terminate()
        out, err = process.communicate(timeout=20)
        return Run("hang", out, err)
    return Run(process.returncode, out, err)


class Checks:
    """Counts what fails and goes on, so that one run of a test says all that is wrong."""

    def __init__(self):
        self.done, self.failed = 0, 0

    def that(self, condition, sentence, run_=None):
        self.done += 1
        if condition:
            return
        self.failed += 1
        print(f"FAILED: {sentence}")
        if run_ is not None:
            print(f"  status {run_.status}\n  stdout: {run_.out[-1500:]}\n  stderr: {run_.err[-1500:]}")

    def refused(self, result, sentence, *words):
        """Status 2 and one sentence that names all the words."""
        self.that(result.status == 2, f"{sentence}: status 2 is expected", result)
        errors = [line for line in result.err.splitlines() if line.startswith("fenchel: error: ")]
        self.that(len(errors) == 1, f"{sentence}: exactly one error line is expected", result)
        self.that("hint: " in result.err, f"{sentence}: a hint is expected", result)
        text = " ".join(result.err.partition("fenchel: error: ")[2].partition("  hint: ")[0].split())
        for word in words:
            self.that(re.search(word, text, re.IGNORECASE), f"{sentence}: the error must name '{word}'", result)

    def finish(self):
        print(f"{self.done} checks, {self.failed} failed")
        sys.exit(1 if self.failed or not self.done else 0)


def changed(place, original, change):
    """A copy of an HDF5 file with change(file) applied."""
    path = place + "/changed.h5"
    shutil.copy(original, path)
    with h5py.File(path, "r+") as file:
        change(file)
    return path


def folder():
    """A new folder of this test, removed with the object."""
    return tempfile.TemporaryDirectory(prefix="fenchel-test-")


def png(path, picture):
    """8-bit grey (h, w) or RGB (h, w, 3) numbers in 0..1"""
    data = np.clip(np.rint(np.asarray(picture) * 255), 0, 255).astype(np.uint8)
    colour = 2 if data.ndim == 3 else 0

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + row.tobytes() for row in data)
    head = struct.pack(">IIBBBBB", data.shape[1], data.shape[0], 8, colour, 0, 0, 0)
    with open(path, "wb") as out:
        out.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND",
                                                                                                            b""))
    return path


def photo(n, seed):
    """A smooth positive picture of n x n."""
    y, x = np.mgrid[0:n, 0:n] / n
    rng = np.random.default_rng(seed)
    picture = 0.2 + np.zeros((n, n))
    for _ in range(6):
        cx, cy, s = rng.uniform(0.2, 0.8), rng.uniform(0.2, 0.8), rng.uniform(0.05, 0.2)
        picture += rng.uniform(0.2, 1) * np.exp(-((x - cx)**2 + (y - cy)**2) / (2 * s * s))
    return picture / picture.max()


def measures(path, n=12, m=9, dim=2, seed=1, **changes):
    """An HDF5 file with /source and /target; changes: source_weights=..., target_points=..."""
    rng = np.random.default_rng(seed)
    data = {"source_points": rng.uniform(size=(n, dim)), "source_weights": np.full(n, 1 / n),
            "target_points": rng.uniform(size=(m, dim)), "target_weights": np.full(m, 1 / m)}
    data.update(changes)
    with h5py.File(path, "w") as file:
        for name, array in data.items():
            if array is not None:
                file["/" + name.replace("_", "/", 1)] = array
    return path


def read_json(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)
