# SPDX-License-Identifier: BSD-2-Clause
"""Photographs of 256 x 256: total variation, and as far as fields of experts come in an hour."""
import bilevelimages


def run(bench):
    return bilevelimages.run(bench, side=256, tv=("certified",))
