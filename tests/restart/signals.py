#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""SIGUSR1, SIGUSR2, SIGTERM and the wall time: saved, stopped with status 75, continued bitwise on the same ranks;
checkpoints of other problems are refused; a damaged one is passed over; a full disk costs a warning."""
import os
import shutil
import signal
import subprocess
import time

import restarttest
from restarttest import clitest

check = clitest.Checks()


def start(arguments, ranks):
    return subprocess.Popen(clitest.command(arguments, ranks), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True,
                            stdin=subprocess.DEVNULL)


def wait_for_iterations(process):
    """the first progress line says that the solve has begun"""
    seen = ""
    for line in process.stdout:
        seen += line
        if line.startswith("  it "):
            break
    return seen


def signalled(arguments, number, ranks):
    process = start(arguments, ranks)
    out = wait_for_iterations(process)
    process.send_signal(number)
    rest, err = process.communicate(timeout=60)
    return clitest.Run(process.returncode, out + rest, err)


def checkpoints(folder):
    return sorted(n for n in os.listdir(folder) if n.isdigit()) if os.path.isdir(folder) else []


with clitest.folder() as place:
    base = restarttest.problem(place, n=96)
    long = base + ["-ot_marginal_tol", "1e-14", "-ot_eps", "0.3"]  # never meets it in the time of the test
    for number in (signal.SIGUSR1, signal.SIGTERM):
        folder = f"{place}/ckpt-{number}"
        result = signalled(long + ["-ckpt_dir", folder, "-summary", place + "/s.json"], number, 0)
        check.that(result.status == 75, f"signal {number} ends with status 75", result)
        check.that("start again with -restart" in result.out, "the footer says what to do", result)
        check.that(checkpoints(folder), f"signal {number} left a checkpoint")
        check.that(clitest.read_json(place + "/s.json")["status"] == 75, "the summary says so too")
    result = signalled(long + ["-ckpt_dir", place + "/mpi"], signal.SIGUSR1, 2)
    check.that(result.status == 75, "SIGUSR1 to mpirun reaches the ranks", result)

    process = start(long + ["-ckpt_dir", place + "/usr2"], 0)
    wait_for_iterations(process)
    process.send_signal(signal.SIGUSR2)
    for _ in range(100):
        time.sleep(0.1)
        if checkpoints(place + "/usr2"):
            break
    check.that(checkpoints(place + "/usr2") and process.poll() is None, "SIGUSR2 saves and the run goes on")
    process.send_signal(signal.SIGUSR1)
    process.communicate(timeout=60)
    check.that(process.returncode == 75, f"and stops when told, status {process.returncode}")

    begun = time.time()
    result = clitest.run(*long, "-ckpt_dir", place + "/wall", "-walltime", "6", ranks=2)
    check.that(result.status == 75 and time.time() - begun < 12, "the wall time is kept", result)
    result = signalled(long, signal.SIGTERM, 0)
    check.that(result.status == 3, "without a checkpoint a stop is not status 75", result)

    # stop anywhere, go on: the same bits on the same ranks
    small = restarttest.problem(place, n=24)
    result = clitest.run(*small, "-summary", place + "/whole.json", ranks=2)
    check.that(result.status == 0, "the small run converges", result)
    whole = clitest.read_json(place + "/whole.json")
    folder = place + "/pieces"
    for stop in (1, 7, whole["iterations"] // 2):
        shutil.rmtree(folder, ignore_errors=True)
        result = clitest.run(*small[:-1], stop, "-ckpt_dir", folder, ranks=2)
        check.that(result.status == 3 and checkpoints(folder), f"the limit of {stop} iterations leaves a checkpoint",
                   result)
        result = clitest.run(*small, "-ckpt_dir", folder, "-restart", "-summary", place + "/pieces.json", ranks=2)
        check.that(result.status == 0, "and the run goes on from it", result)
        pieces = clitest.read_json(place + "/pieces.json")
        for key in ("value", "lower", "upper", "iterations", "marginal_error"):
            check.that(pieces[key] == whole[key],
                       f"{key} after a stop at {stop}: {pieces[key]!r}, whole {whole[key]!r}")

    # the loop of jobs/local: starts again after each status 75 until the run is finished
    loop = os.path.join(os.environ["SOURCE_DIR"], "jobs", "local", "run.sh")
    eps, lasts = 1.0, 0.0
    while lasts < 3:  # long enough for two starts, however fast the machine is
        eps /= 2
        result = clitest.run(*base, "-ot_eps", eps, "-summary", place + "/loop.json", ranks=2)
        check.that(result.status == 0, f"the run at eps {eps} converges", result)
        lasts = clitest.read_json(place + "/loop.json")["time_solve"]
    words = base + ["-ot_eps", eps, "-ckpt_dir", place + "/loop", "-walltime", "2.8", "-summary", place + "/loop.json"]
    words = clitest.command(words, 2)
    process = subprocess.run([loop] + words, capture_output=True, text=True, timeout=240, check=False)
    starts = process.stderr.count("starting again")
    check.that(process.returncode == 0, f"run.sh ends with status {process.returncode}: {process.stderr[-500:]}")
    check.that(clitest.read_json(place + "/loop.json")["status"] == 0, "and the run is finished")
    check.that(starts >= 1, "run.sh started again")
    process = subprocess.run([loop, "sh", "-c", "exit 3", "--"], capture_output=True, check=False)
    check.that(process.returncode == 3, "run.sh passes other statuses on")

    # another problem is refused, with what differs
    result = clitest.run(*small, "-ot_eps", "0.7", "-ckpt_dir", folder, "-restart", ranks=2)
    check.refused(result, "a checkpoint of another eps", "eps", "0.5", "0.7")
    result = clitest.run(*small, "-restart", "-ckpt_dir", place + "/empty", ranks=2)
    check.that(result.status == 0 and "nothing to go on from" in result.out, "no checkpoint: from the start", result)

    # the newest is damaged: the one before it serves
    newest = checkpoints(folder)[-1]
    state = f"{folder}/{newest}/state.h5"
    with open(state, "r+b") as file:
        file.seek(os.path.getsize(state) // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 4]))
    result = clitest.run(*small, "-ckpt_dir", folder, "-restart", ranks=2)
    check.that(result.status == 0 and newest in result.err, "a damaged checkpoint is named and passed over", result)

    # a disk that refuses: one warning, and the run goes on
    refusing = place + "/file"
    with open(refusing, "w", encoding="ascii") as file:
        file.write("no folder")
    result = clitest.run(*small, "-ckpt_dir", refusing + "/ckpt", ranks=2)
    check.that(result.status in (0, 2) and "file" in result.err, "a folder that cannot be made is named", result)
    full = place + "/full"
    os.mkdir(full)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", full], capture_output=True,
                      check=False).returncode == 0:
        try:
            result = clitest.run(*restarttest.problem(place, n=64), "-ckpt_dir", full + "/ckpt", "-ckpt_interval",
                                 "0.2",
                                 "-summary", place + "/full.json", ranks=2)
        finally:
            subprocess.run(["umount", full], check=True)
        check.that(result.status == 0, "a full disk does not stop a run", result)
        check.that(result.err.count("no checkpoint written") == 1, "one warning", result)
    else:
        print("no tmpfs can be mounted here: the full disk is not tested")
check.finish()
