# SPDX-License-Identifier: BSD-2-Clause
"""Makes good and bad input files of every kind with NumPy, h5py, Pillow and a PNG writer of its own.

good.txt: SPEC KIND SHAPE FILE      FILE holds the expected numbers as raw doubles
bad.txt:  SPEC CODE SHAPE TEXT      SHAPE is what the caller says (- for nothing); TEXT must be in the message
"""
import os
import struct
import sys
import zlib

import h5py
import numpy as np
import skimage
from PIL import Image

out = sys.argv[1]
os.makedirs(out, exist_ok=True)
rng = np.random.default_rng(1)
good, bad = [], []


def path(name):
    return os.path.join(out, name)


def expect(spec, kind, values):
    values = np.asarray(values, dtype="<f8")
    name = "expect%03d.bin" % len(good)
    np.ascontiguousarray(values).tofile(path(name))
    good.append("%s\t%s\t%s\t%s" % (spec, kind, ",".join(map(str, values.shape)), name))


def refuse(spec, code, text, shape="-"):
    bad.append("%s\t%s\t%s\t%s" % (spec, code, shape, text))


def write(name, data):
    with open(path(name), "wb") as f:
        f.write(data)
    return name


# ---- .npy ----
types = "<f8 >f8 <f4 >f4 <f2 >f2 i1 u1 <i2 >i2 <u2 <i4 >i4 >u4 <i8 >i8 <u8 ? <f16".split()
for t, dtype in enumerate(types):
    for order in "CF":
        for shape in [(37,), (11, 7), (5, 4, 3), (6, 5, 4, 2)]:
            a = (rng.integers(0, 2 if dtype == "?" else 100, size=shape) / (2 if "f" in dtype else 1)).astype(dtype)
            name = "t%d%s%d.npy" % (t, order, len(shape))
            np.save(path(name), np.asarray(a, order=order))
            expect(name, "npy", a)
a = rng.random((9, 2))
with open(path("version2.npy"), "wb") as f:
    np.lib.format.write_array(f, a, version=(2, 0))
expect("version2.npy", "npy", a)
np.save(path("special.npy"), [0.0, -0.0, np.inf, -np.inf, np.nan, 5e-324])
expect("special.npy", "npy", np.load(path("special.npy")))

np.save(path("ok.npy"), np.arange(100.0))
data = open(path("ok.npy"), "rb").read()
for n in [7, 11, 60, 128, 500, len(data) - 1]:
    refuse(write("truncated%d.npy" % n, data[:n]), "FILE_FORMAT", "truncated%d.npy" % n)
refuse(write("longer.npy", data + b"x"), "FILE_FORMAT", "801 bytes of numbers")


def npy(text):
    text = text.encode() + b" " * (117 - len(text)) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


refuse(write("huge.npy", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, 8), }")),
       "FILE_FORMAT", "impossible")
refuse(write("large.npy", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000, 8), }")),
       "FILE_FORMAT", "0 bytes of numbers")
refuse(write("overflow.npy", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999,), }")),
       "FILE_FORMAT", "not understood")
refuse(write("negative.npy", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }")), "FILE_FORMAT",
       "negative.npy")
refuse(write("noshape.npy", npy("{'descr': '<f8', 'fortran_order': False, }")), "FILE_FORMAT", "not understood")
refuse(write("axes.npy", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }")),
       "FILE_FORMAT", "at most 8 axes")
refuse(write("code.npy", npy("__import__('os').system('true')")), "FILE_FORMAT", "not understood")
np.save(path("object.npy"), np.array([{}, 1], dtype=object))
refuse("object.npy", "FILE_FORMAT", "not understood")
np.save(path("record.npy"), np.zeros(3, dtype=[("a", "f8"), ("b", "i4")]))
refuse("record.npy", "FILE_FORMAT", "not understood")
np.save(path("complex.npy"), np.zeros(3, dtype="c16"))
refuse("complex.npy", "FILE_FORMAT", "not understood")
refuse("ok.npy", "SHAPE", "has shape (100), (10,10) was asked for", "10,10")

# ---- text ----
a = rng.normal(size=(23, 4)) * 10.0 ** rng.integers(-200, 200, size=(23, 4))
rows = [[repr(float(x)) for x in row] for row in a]
write("comma.csv", "\n".join(",".join(r) for r in rows).encode())
write("semicolon.csv", ("a;b;c;d\n" + "\n".join("; ".join(r) for r in rows) + "\n").encode())
write("blanks.txt", ("# comment\n\n" + "\n".join("  ".join(r) + " # row" for r in rows) + "\n\n").encode())
write("dos.csv", ("x,y,z,w\r\n" + "\r\n".join(",".join(r) for r in rows) + "\r\n").encode())
for name in ["comma.csv", "semicolon.csv", "blanks.txt", "dos.csv"]:
    expect(name, "csv", a)
write("column.csv", b"weight\n1\n2.5\n-3e2\n")
expect("column.csv", "csv", [1, 2.5, -300])
write("row.csv", b"1,2,3")
expect("row.csv", "csv", [[1, 2, 3]])
refuse(write("ragged.csv", b"1,2,3\n4,5,6\n7,8\n"), "FILE_FORMAT",
       "ragged.csv', line 3 has 2 numbers, the first row has 3")
refuse(write("word.csv", b"1,2\n3,four\n"), "FILE_FORMAT", "word.csv', line 2, column 2: 'four' is no number")
refuse(write("header2.csv", b"a,b\nc,d\n1,2\n"), "FILE_FORMAT", "line 2, column 1: 'c'")
refuse(write("trailing.csv", b"1,2,\n"), "FILE_FORMAT", "line 1, column 3")
refuse(write("hole.csv", b"1,,2\n"), "FILE_FORMAT", "line 1, column 2")
refuse(write("onlyheader.csv", b"a,b\n"), "FILE_FORMAT", "has no numbers")
refuse(write("unit.csv", b"1.5m,2\n"), "FILE_FORMAT", "line 1, column 1: '1.5m'")
refuse(write("nul.csv", b"1,2\n" * 300 + b"3,\0004\n"), "FILE_FORMAT", "line 301: not text")

# ---- PNG, with a writer of our own for what Pillow does not write ----
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def scanlines(a, depth):
    lines = b""
    for row in a:
        flat = row.reshape(-1)
        if depth == 16:
            packed = flat.astype(">u2").tobytes()
        elif depth == 8:
            packed = flat.astype("u1").tobytes()
        else:
            bits = "".join(format(int(v), "0%db" % depth) for v in flat)
            bits += "0" * (-len(bits) % 8)
            packed = bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))
        lines += b"\0" + packed
    return lines


def png(a, depth, kind, interlace=False, extra=b""):
    a = np.asarray(a)
    head = struct.pack(">IIBBBBB", a.shape[1], a.shape[0], depth, kind, 0, 0, int(interlace))
    if interlace:
        data = b"".join(scanlines(a[y::dy, x::dx], depth) for x, y, dx, dy in ADAM7 if a[y::dy, x::dx].size)
    else:
        data = scanlines(a, depth)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", zlib.compress(data)) +
            chunk(b"IEND", b""))


for interlace in (False, True):
    tag = "i" if interlace else "n"
    for depth in (1, 2, 4, 8, 16):
        a = rng.integers(0, 2 ** depth, size=(19, 13))
        expect(write("grey%d%s.png" % (depth, tag), png(a, depth, 0, interlace)), "image", a / (2 ** depth - 1))
    for depth in (8, 16):
        top = 2 ** depth - 1
        a = rng.integers(0, top + 1, size=(17, 11, 3))
        expect(write("rgb%d%s.png" % (depth, tag), png(a, depth, 2, interlace)), "image", a / top)
        a = rng.integers(0, top + 1, size=(17, 11, 4))
        expect(write("rgba%d%s.png" % (depth, tag), png(a, depth, 6, interlace)), "image",
               a[..., :3] / top * (a[..., 3:] / top))
        a = rng.integers(0, top + 1, size=(17, 11, 2))
        expect(write("greya%d%s.png" % (depth, tag), png(a, depth, 4, interlace)), "image",
               a[..., 0] / top * (a[..., 1] / top))
    for depth in (1, 2, 4, 8):
        colours = rng.integers(0, 256, size=(2 ** depth, 3))
        alpha = rng.integers(0, 256, size=2 ** depth)
        a = rng.integers(0, 2 ** depth, size=(9, 21))
        table = chunk(b"PLTE", colours.astype("u1").tobytes())
        expect(write("palette%d%s.png" % (depth, tag), png(a, depth, 3, interlace, table)), "image", colours[a] / 255)
        table += chunk(b"tRNS", alpha.astype("u1").tobytes())
        expect(write("clear%d%s.png" % (depth, tag), png(a, depth, 3, interlace, table)), "image",
               colours[a] / 255 * (alpha[a] / 255)[..., None])

# Pillow, the oracle here, cuts 16-bit colours to 8 bits: none of those among these
folder = os.path.join(os.path.dirname(skimage.__file__), "data")
for name in ["camera", "coins", "page", "palette_color", "palette_gray", "foo3x5x4indexed", "logo", "horse",
             "chessboard_GRAY", "green_palette", "phantom", "checker_bilevel", "color"]:
    source = os.path.join(folder, name + ".png")
    if not os.path.exists(source):
        continue
    image = Image.open(source)
    if image.mode in ("P", "PA") or "transparency" in image.info:
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    a = np.asarray(image, dtype=float) / (1 if image.mode == "1" else 255)
    if a.ndim == 3 and a.shape[2] in (2, 4):
        a = a[..., :-1] * a[..., -1:]
        a = a[..., 0] if a.shape[2] == 1 else a
    with open(source, "rb") as f:
        expect(write("sk_" + name + ".png", f.read()), "image", a)

data = open(path("rgb8n.png"), "rb").read()
for n in [9, 20, 40, len(data) // 2, len(data) - 20, len(data) - 5]:
    refuse(write("truncated%d.png" % n, data[:n]), "FILE_FORMAT", "truncated%d.png' is damaged or truncated" % n)
refuse(write("crc.png", data[:60] + bytes([data[60] ^ 1]) + data[61:]), "FILE_FORMAT", "crc.png' is damaged")
data = open(path("grey8i.png"), "rb").read()
refuse(write("truncatedi.png", data[:len(data) // 2]), "FILE_FORMAT", "truncatedi.png' is damaged")
a = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 900000, 900000, 16, 6, 0, 0, 1))
refuse(write("claims.png", a + chunk(b"IDAT", zlib.compress(b"0" * 100)) + chunk(b"IEND", b"")), "FILE_FORMAT",
       "claims 900000 x 900000")

# ---- PBM, PGM, PPM, PAM ----
a = rng.integers(0, 256, size=(12, 9))
expect(write("raw.pgm", b"P5\n# comment\n9 12\n255\n" + a.astype("u1").tobytes()), "image", a / 255)
plain = "P2\n9 12\n255\n" + "\n".join(" ".join(map(str, r)) for r in a) + "\n"
expect(write("plain.pgm", plain.encode()), "image", a / 255)
w = rng.integers(0, 65536, size=(12, 9))
expect(write("raw16.pgm", b"P5 9 12 65535\n" + w.astype(">u2").tobytes()), "image", w / 65535)
c = rng.integers(0, 101, size=(6, 5, 3))
expect(write("raw.ppm", b"P6 5 6 100\n" + c.astype("u1").tobytes()), "image", c / 100)
plain3 = "P3\n5 6\n100\n" + "\n".join(map(str, c.reshape(-1))) + "\n"
expect(write("plain.ppm", plain3.encode()), "image", c / 100)
b = rng.integers(0, 2, size=(7, 10))
expect(write("raw.pbm", b"P4\n10 7\n" + np.packbits(b, axis=1).tobytes()), "image", 1 - b)
expect(write("plain.pbm", ("P1\n10 7\n" + "\n".join(" ".join(map(str, r)) for r in b)).encode()), "image", 1 - b)
q = rng.integers(0, 256, size=(4, 3, 4))
expect(write("rgba.pam", b"P7\nWIDTH 3\nHEIGHT 4\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n" +
             q.astype("u1").tobytes()), "image", q[..., :3] / 255 * (q[..., 3:] / 255))
refuse(write("truncated.pgm", b"P5\n9 12\n255\n" + a.astype("u1").tobytes()[:100]), "FILE_FORMAT", "truncated.pgm")
refuse(write("truncatedplain.pgm", plain[:200].encode()), "FILE_FORMAT", "truncatedplain.pgm")
refuse(write("header.pgm", b"P5\n9 "), "FILE_FORMAT", "header.pgm' is damaged or truncated")
refuse(write("huge.pgm", b"P5\n2000000000 2000000000\n255\n"), "FILE_FORMAT", "huge.pgm'")
refuse(write("zero.pgm", b"P5\n0 10\n255\n"), "FILE_FORMAT", "zero.pgm'")
refuse(write("words.pgm", b"P2\n2 1\n255\n12 ab\n"), "FILE_FORMAT", "words.pgm'")

# ---- raw ----
a = rng.normal(size=(13, 5, 2))
a.astype("<f8").tofile(path("numbers.raw"))
good.append("numbers.raw\traw\t13,5,2\tnumbers.raw")
refuse("numbers.raw", "SHAPE", "has 1040 bytes of numbers, the shape (13,5) with 8 bytes each needs 520", "13,5")
refuse("numbers.raw", "FILE_FORMAT", "raw doubles need a shape")

# ---- HDF5 ----
with h5py.File(path("good.h5"), "w") as f:
    a = rng.normal(size=(31, 6))
    for name, dtype in [("f4", "<f4"), ("f8be", ">f8"), ("i2", "<i2"), ("u8", "<u8")]:
        b = (a * 20).astype(dtype) if dtype != "<u8" else np.abs(a * 20).astype(dtype)
        f["types/" + name] = b
        expect("good.h5:/types/" + name, "hdf5", b)
    f.create_dataset("packed", data=a, chunks=(7, 3), compression="gzip", shuffle=True, fletcher32=True)
    expect("good.h5:/packed", "hdf5", a)
    f["linked"] = h5py.SoftLink("packed")
    expect("good.h5:/linked", "hdf5", a)
    f["cube"] = rng.normal(size=(5, 4, 3, 2))
    expect("good.h5:/cube", "hdf5", f["cube"][...])
with h5py.File(path("user.h5"), "w", userblock_size=1024) as f:
    f["a"] = np.arange(5.0)
expect("user.h5:/a", "hdf5", np.arange(5.0))
with h5py.File(path("bad.h5"), "w") as f:
    f["group/here"] = np.arange(5.0)
    f["external"] = h5py.ExternalLink("good.h5", "/packed")
    f["absolute"] = h5py.SoftLink("/group/here")
    f["group/up"] = h5py.SoftLink("../packed")
    f["group/circle"] = h5py.SoftLink("circle")
    f["text"] = "words"
    f["pairs"] = np.zeros(3, dtype=[("a", "f8"), ("b", "i4")])
    f.create_dataset("elsewhere", (100,), "f8", external=[("numbers.raw", 0, 800)])
    layout = h5py.VirtualLayout((5,), "f8")
    layout[:] = h5py.VirtualSource("user.h5", "a", (5,))
    f.create_virtual_dataset("virtual", layout)
    f.create_dataset("lzf", data=np.zeros(1000), compression="lzf")
    f.create_dataset("declared", (10,), "f8")
for name, code, text in [
        ("external", "FILE_FORMAT", "external link"), ("absolute", "FILE_FORMAT", "out of its group"),
        ("group/up", "FILE_FORMAT", "out of its group"), ("group/circle", "FILE_FORMAT", "circle of soft links"),
        ("text", "FILE_FORMAT", "no array of numbers"), ("pairs", "FILE_FORMAT", "no array of numbers"),
        ("elsewhere", "FILE_FORMAT", "external file"), ("virtual", "FILE_FORMAT", "virtual data set"),
        ("lzf", "FILE_FORMAT", "filter 32000"), ("declared", "FILE_FORMAT", "no data were ever written"),
        ("group", "FILE_FORMAT", "no array of numbers"), ("grup/here", "FILE_MISSING", "'group'"),
        ("group/her", "FILE_MISSING", "'here'")]:
    refuse("bad.h5:/" + name, code, text)
refuse("good.h5", "USAGE", "good.h5:/path")
refuse(write("text.h5", b"not HDF5 at all\n"), "FILE_FORMAT", "text.h5' is not an HDF5 file")
refuse("text.h5:/a", "FILE_FORMAT", "text.h5' is not an HDF5 file")
data = open(path("good.h5"), "rb").read()
for n in [8, 50, 2000, len(data) // 2, len(data) - 1]:
    refuse(write("truncated%d.h5" % n, data[:n]) + ":/packed", "FILE_FORMAT", "truncated%d.h5" % n)
at = h5py.File(path("good.h5"))["packed"].id.get_chunk_info(0).byte_offset
refuse(write("rotten.h5", data[:at + 9] + bytes([data[at + 9] ^ 16]) + data[at + 10:]) + ":/packed", "FILE_FORMAT",
       "rotten.h5', object '/packed'")

# ---- no such thing, or not what its name says ----
refuse("missing.npy", "FILE_OPEN", "missing.npy' cannot be opened: No such file")
os.makedirs(path("folder.png"), exist_ok=True)
refuse("folder.png", "FILE_OPEN", "is a folder")
if not os.path.exists(path("pipe.csv")):
    os.mkfifo(path("pipe.csv"))
refuse("pipe.csv", "FILE_OPEN", "is not a regular file")
refuse(write("empty.csv", b""), "FILE_FORMAT", "empty.csv' is empty")
for name, what in [("text.npy", "NumPy array"), ("text.png", "PNG image"), ("text.pgm", "PGM image")]:
    refuse(write(name, b"1,2,3\n"), "FILE_FORMAT", what)
refuse(write("junk.dat", bytes(range(256))), "FILE_FORMAT", "neither HDF5")

with open(path("good.txt"), "w") as f:
    f.write("\n".join(good) + "\n")
with open(path("bad.txt"), "w") as f:
    f.write("\n".join(bad) + "\n")
