# SPDX-License-Identifier: BSD-2-Clause
"""Reads what test_io_export wrote with h5py, SciPy, Pillow and an XML parser."""
import os
import sys
import xml.etree.ElementTree as ET

import h5py
import numpy as np
import scipy.sparse
from PIL import Image


def pixels(shape, channels):
    y, x, c = np.indices(shape + (channels,))
    a = (7 * y + 3 * x + 50 * c) % 256
    return a[..., 0] if channels == 1 else a


folder = sys.argv[1]
with h5py.File(os.path.join(folder, "result.h5")) as f:
    assert f.attrs["format"] in ("fenchel-result", b"fenchel-result"), f.attrs["format"]
    assert f.attrs["format_version"] == 1 and f["potential"].attrs["eps"] == 0.125
    assert f["potential/f"].dtype == "<f8" and f["potential/f"].fletcher32 and f["potential/f"].shape == (120, 90)
    assert np.array_equal(f["potential/f"][...], pixels((120, 90), 1) / 255.0)
    assert f["map"].shape == (120, 90, 2)
    assert np.array_equal(f["history"][...], np.arange(8.0).reshape(4, 2))
    assert f["bounds/objective"][()] == 2.5 and f["bounds/objective"].shape == ()
    assert f["ints"].dtype == "<i8" and f["ints"][...].tolist() == [1, -2, 3]
    p = f["plan"]
    plan = scipy.sparse.csr_matrix((p["data"][...], p["indices"][...], p["indptr"][...]), shape=tuple(p["shape"][...]))
    assert np.array_equal(plan.toarray(), np.diag(np.arange(5.0)))
for s, shape in enumerate([(61, 43), (1, 7), (700, 900)]):
    for channels in (1, 3):
        image = Image.open(os.path.join(folder, "picture%d_%d.png" % (s, channels)))
        assert image.mode == {1: "L", 3: "RGB"}[channels]
        assert np.array_equal(np.asarray(image), pixels(shape, channels)), (s, channels)
root = ET.parse(os.path.join(folder, "result.xmf")).getroot()
grids = [g for g in root.iter("Grid") if g.get("GridType") == "Uniform"]
assert len(grids) == 2 and len(list(root.iter("Attribute"))) == 3
for grid in grids:
    assert grid.find("Topology").get("Dimensions") == "1 120 90"
    for attribute in grid.iter("Attribute"):
        slab = attribute.find("DataItem")  # the mesh has three axes, the array two
        item = [i for i in slab.iter("DataItem") if i.get("Format") == "HDF"][0]
        assert slab.get("ItemType") == "HyperSlab" and slab.get("Dimensions") == "1 " + item.get("Dimensions")
        name, path = item.text.split(":")
        with h5py.File(os.path.join(folder, name)) as f:
            assert f[path].shape == tuple(map(int, item.get("Dimensions").split())), attribute.get("Name")
assert grids[0].find("Attribute").get("Name") == "potential <f>"
print("h5py, SciPy, Pillow and the XML parser agree")
