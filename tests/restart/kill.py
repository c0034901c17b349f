#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""SIGKILL of the whole job at random instants, started again on 1, 2 and 3 ranks in turn: the value stays the same."""
import restarttest
from killing import campaign, check
from restarttest import clitest

for name, pixels in (("sinkhorn", 64), ("newton", 96), ("multigrid", 144)):
    with clitest.folder() as folder:
        campaign(folder, name, restarttest.problem(folder, pixels, name))
check.finish()
