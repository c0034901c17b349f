# SPDX-License-Identifier: BSD-2-Clause
"""Ends whole jobs without warning at random instants and starts them again on 1, 2 and 3 ranks in turn."""
import os
import random
import signal
import subprocess
import time

from restarttest import clitest

KILLS = int(os.environ.get("FEN_KILLS", "8"))
check = clitest.Checks()
random.seed(int(os.environ.get("FEN_SEED", "1")))


def family(pid):
    """a process and all that descend from it: mpirun puts its ranks into groups of their own"""
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:
                parents.setdefault(int(file.read().rpartition(")")[2].split()[1]), []).append(int(name))
        except OSError:
            continue  # it has just ended
    members, todo = [], [pid]
    while todo:
        members.append(todo.pop())
        todo += parents.get(members[-1], [])
    return members


def saved(place):
    """names of the checkpoints there"""
    return {name for name in os.listdir(place) if name.isdigit()} if os.path.isdir(place) else set()


def killed(arguments, ranks, moment):
    """starts a job and ends it without warning when `moment` has passed; false if it was done before"""
    process = subprocess.Popen(clitest.command(arguments, ranks), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               stdin=subprocess.DEVNULL)
    moment()
    for pid in family(process.pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return process.wait() == -signal.SIGKILL


def after_save(place, most):
    """a random while after the next checkpoint, so that there is one to go on from however fast the machine is"""
    before, end = saved(place), time.time() + 30
    while not saved(place) - before and time.time() < end:
        time.sleep(0.002)
    time.sleep(random.random() * most)


def campaign(place, method, base):
    """base: the words of a run"""
    begun = time.time()
    result = clitest.run(*base, "-summary", place + "/whole.json", ranks=2)
    lasts = time.time() - begun
    check.that(result.status == 0, f"{method}: the uninterrupted run converges", result)
    whole = clitest.read_json(place + "/whole.json")

    again = base + ["-ckpt_dir", place + "/ckpt", "-ckpt_interval", "0.02", "-restart", "-summary",
                    place + "/pieces.json",
                    "-o", place + "/r.h5", "-overwrite"]
    # in turn after a save and at any time between the launch and the end of a share of the work
    launch, share = lasts - whole["time_solve"], whole["time_solve"] / KILLS
    moments = (lambda: after_save(place + "/ckpt", share),
               lambda: time.sleep(0.5 * launch + random.random() * (0.5 * launch + share)))
    kills = sum(killed(again, 1 + k % 3, moments[k % 2]) for k in range(KILLS))
    check.that(kills >= 2, f"{method}: {kills} of {KILLS} starts were killed")
    result = clitest.run(*again, ranks=1 + KILLS % 3, timeout=300)
    check.that(result.status == 0, f"{method}: the last start finishes", result)
    pieces = clitest.read_json(place + "/pieces.json")
    check.that(pieces["restarts"] >= 1, f"{method}: it went on from a checkpoint, restarts {pieces['restarts']}")
    difference = abs(pieces["value"] - whole["value"]) / abs(whole["value"])
    check.that(difference <= 1e-12, f"{method}: value {pieces['value']!r}, uninterrupted {whole['value']!r}")
    result = clitest.run("verify", place + "/r.h5", ranks=2)
    check.that(result.status == 0, f"{method}: the result is certified", result)
    result = clitest.run("info", place + "/ckpt")
    check.that(result.status == 0 and result.out.strip(), "info of a checkpoint directory", result)
    print(f"{method}: {kills} kills, {pieces['restarts']} restarts, relative difference {difference:.1e}")
