# SPDX-License-Identifier: BSD-2-Clause
"""Kills, disk errors and full disks in the middle of a save.

faults.py PART FAULTJOB MPIRUN FLAGS...    PART is kill, errors, full or result
Needs strace (kill, errors, result) or the right to mount (full); ends with status 77 where it has neither.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

part, job = sys.argv[1:3]
mpirun = sys.argv[3:]
ROWS = "3000"
LIMIT = 60  # seconds; a job that takes longer hangs


def run(np, *args, inject=None, ranks=(0,)):
    """Runs the job; the injection goes to the given ranks. Returns (status, output)."""
    command = list(mpirun)
    for r in range(np):
        traced = []
        if inject and r in ranks:
            calls = inject.split(":")[0]
            traced = ["strace", "-qq", "-f", "-e", "trace=" + calls, "-e", "inject=" + inject, "-o", "/dev/null"]
        command += ([":"] if r else []) + ["-n", "1"] + traced + [job] + list(args)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT, text=True)
    return done.returncode, done.stdout


def skip(reason):
    print("SKIPPED:", reason)
    sys.exit(77)


def need_strace():
    if not shutil.which("strace"):
        skip("no strace")
    if subprocess.run(["strace", "-o", "/dev/null", "true"], stderr=subprocess.DEVNULL).returncode:
        skip("strace is not allowed here")


def loaded(folder, np=1):
    status, out = run(np, "load", folder, ROWS)
    found = re.search(r"loaded (\d+)", out)
    assert status == 0 and found, out
    return int(found.group(1))


def left_over(folder):
    return [name for name in os.listdir(folder) if ".tmp-" in name]


def fresh(base, folder):
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(base, folder)


def kill(work):
    """SIGKILL at every system call of a save: the next job finds the old or the new checkpoint and saves again."""
    base, folder = os.path.join(work, "base"), os.path.join(work, "kill")
    for _ in range(2):  # so that the next one rotates
        assert "saved" in run(1, "save", base, "1", ROWS)[1]
    trials = 0
    for rank, calls in [(0, ["pwrite64", "fsync", "fallocate", "rename", "rmdir"]), (1, ["pwrite64", "fsync"])]:
        for call in calls:
            for k in [1, 2, 3, 5, 9, 18, 31, 60, 100] if rank == 0 else [1, 3, 9]:
                fresh(base, folder)
                kill = "%s:signal=KILL:when=%d" % (call, k)
                status, out = run(2, "save", folder, "2", ROWS, inject=kill, ranks=(rank,))
                status2, out2 = run(2, "save", folder, "3", ROWS)
                assert status2 == 0 and "saved" in out2 and not left_over(folder), (out2, os.listdir(folder))
                assert "loaded 2" in out2 or "loaded 1" in out2 and status != 0, (call, k, out, out2)
                if status == 0:
                    break
                trials += 1
            print("killed rank %d at %s, numbers up to %d" % (rank, call, k))
    assert trials >= 15, trials


def errors(work):
    """An error on one rank: all ranks say so, nothing is left, the earlier checkpoint is there. EINTR is no error."""
    base, folder = os.path.join(work, "base"), os.path.join(work, "errors")
    assert "saved" in run(1, "save", base, "1", ROWS)[1]
    refused = 0
    for rank, call, errno in [(0, "pwrite64", "EIO"), (1, "pwrite64", "EIO"), (1, "pwrite64", "ENOSPC"),
                              (0, "fsync", "EIO"), (1, "fsync", "EIO"), (0, "fallocate", "ENOSPC"),
                              (0, "rename", "EROFS")]:
        for k in (1, 2, 3):
            fresh(base, folder)
            error = "%s:error=%s:when=%d" % (call, errno, k)
            status, out = run(2, "save", folder, "2", ROWS, inject=error, ranks=(rank,))
            assert status == 0, out
            said = "saved" in out
            assert said or "refused: " in out, out
            if not said:
                assert os.strerror(getattr(__import__("errno"), errno)) in out and folder in out, out
                refused += 1
            # the name may be on disk although the last fsync, that of the folder, failed
            assert loaded(folder) == 2 or not said, out
            assert not left_over(folder), os.listdir(folder)
            assert k > 1 or not said, (call, errno, out)
    for rank in (0, 1):
        for call in ("pwrite64", "fsync"):
            fresh(base, folder)
            error = "%s:error=EINTR:when=1+2" % call
            status, out = run(2, "save", folder, "2", ROWS, inject=error, ranks=(rank,))
            assert status == 0 and "saved" in out and loaded(folder) == 2, out
    print("%d refusals" % refused)
    assert refused >= 12


def full(work):
    """A file system of 2 MiB, filled to several degrees: saved or refused, the newest good checkpoint is loaded."""
    disk = os.path.join(work, "disk")
    os.mkdir(disk)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], stderr=subprocess.DEVNULL).returncode:
        skip("may not mount")
    try:
        folder, filler = os.path.join(disk, "ckpt"), os.path.join(disk, "filler")
        newest = 0
        outcomes = []
        for seed, kib in enumerate([0, 1900, 1700, 1500, 1400, 1300, 1200, 0, 1000, 1990], 1):
            with open(filler, "wb") as f:
                try:
                    f.write(b"x" * 1024 * kib)
                except OSError:
                    pass
            status, out = run(2, "save", folder, str(seed), "20000")  # 160 kB and some
            assert status == 0, out
            if "saved" in out:
                newest = seed
            else:
                assert "refused: " in out and "No space left" in out, out
                assert not left_over(folder), os.listdir(folder)
            outcomes.append("saved" in out)
            found = re.search(r"loaded (\d+)", run(1, "load", folder, "20000")[1])
            assert found and int(found.group(1)) == newest, (found, newest)
        print("saved:", outcomes)
        assert outcomes[0] and outcomes[7] and not outcomes[-1]
        result = os.path.join(disk, "result.h5")
        status, out = run(2, "result", result, "1000000")
        assert status == 0 and "refused: " in out and "No space left" in out and "result.h5" in out, out
        assert not os.path.exists(result) and not left_over(disk), os.listdir(disk)
    finally:
        subprocess.run(["umount", disk], check=True)


def result(work):
    """The disk refuses while a result is written, on all ranks as a full one does: an error, an earlier file intact."""
    name = os.path.join(work, "result.h5")
    assert "written" in run(2, "result", name, "100000")[1]
    before = open(name, "rb").read()
    refused = 0
    for np in (1, 2):
        for k in range(1, 5):
            error = "pwrite64,pwritev,pwritev2:error=ENOSPC:when=%d" % k
            status, out = run(np, "result", name, "100000", inject=error, ranks=range(np))
            assert status == 0 and ("written" in out or "refused: " in out and "result.h5" in out), out
            assert not left_over(work), os.listdir(work)
            refused += "refused: " in out
            assert "written" in out or open(name, "rb").read() == before
    print("%d refusals" % refused)
    assert refused >= 2


if part != "full":
    need_strace()
scratch = tempfile.mkdtemp(prefix="fault-", dir=".")
try:
    {"kill": kill, "errors": errors, "full": full, "result": result}[part](scratch)
finally:
    shutil.rmtree(scratch, ignore_errors=True)
