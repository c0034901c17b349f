# SPDX-License-Identifier: BSD-2-Clause
"""Writes sets of examples into a folder, for the tests of bilevel problems: scikit-learn's diabetes and digits (its
installed files, nothing is fetched) in every format that is read, broken files, and the numbers that scikit-learn, SciPy
and NumPy compute from them, as expected.h5."""
import gzip
import os
import struct
import sys

import h5py
import numpy as np
from scipy import sparse
from sklearn import datasets, gaussian_process, linear_model, svm  # noqa: F401

folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)
here = lambda name: os.path.join(folder, name)  # noqa: E731


def libsvm(name, X, y):
    with open(here(name), "w") as f:
        f.write("# target index:value\n\n")
        for row, target in zip(X, y):
            f.write(f"{target:.17g} " + " ".join(f"{j + 1}:{v:.17g}" for j, v in enumerate(row) if v) + "\n")


def idx(name, a):
    with open(here(name), "wb") as f:
        f.write(struct.pack(">HBB", 0, 8, a.ndim) + struct.pack(f">{a.ndim}I", *a.shape) + a.astype(np.uint8).tobytes())


def hdf5(name, X, y, csr=False):
    with h5py.File(here(name), "w") as f:
        f["y"] = y
        if csr:
            X = sparse.csr_matrix(X)
            f["X/data"], f["X/indices"], f["X/indptr"] = X.data, X.indices, X.indptr
            f["X"].attrs["shape"] = X.shape
        else:
            f["X"] = X


def files(name, X, y, train):
    hdf5(f"{name}.h5", X, y)
    hdf5(f"{name}_csr.h5", X, y, csr=True)
    libsvm(f"{name}.svm", X, y)
    libsvm(f"{name}_train.svm", X[:train], y[:train])
    libsvm(f"{name}_valid.svm", X[train:], y[train:])
    np.save(here(f"{name}.npy"), np.column_stack([X, y]))
    np.savetxt(here(f"{name}.csv"), np.column_stack([X, y]), delimiter=",", fmt="%.17g")
    np.save(here(f"{name}_X.npy"), X)
    np.save(here(f"{name}_y.npy"), y)


diabetes = datasets.load_diabetes(scaled=False)
X, y = diabetes.data, diabetes.target.astype(float)
files("diabetes", X, y, 221)
digits = datasets.load_digits()
files("digits", digits.data / 16, digits.target.astype(float), 1000)
idx("digits-images-idx3-ubyte", digits.images)
idx("digits-labels-idx1-ubyte", digits.target)

# ---- broken files ----
broken = {
    "words.svm": "1 1:2\n1 one:2\n",
    "falling.svm": "1 3:2 2:1\n",
    "zero.svm": "1 0:2\n",
    "novalue.svm": "1 1:2\n0 1:3\n1 2:\n",
    "nan.svm": "1 1:2\n0 2:nan\n1 1:1\n0 1:1\n1 1:1\n",
    "label.svm": "0 1:2\n1 1:1\n1.5 1:1\n0 1:1\n1 1:1\n",
    "empty.svm": "# nothing\n",
    "one.svm": "1 1:2\n",
}
for name, text in broken.items():
    with open(here(name), "w") as f:
        f.write(text)
X3 = np.ones((5, 3))
X3[3, 1] = np.nan
hdf5("nan.h5", X3, np.arange(5.0) % 2)
hdf5("wide.h5", np.ones((5, 65)), np.arange(5.0) % 2)
hdf5("short.h5", np.ones((5, 3)), np.arange(4.0) % 2)

# ---- oracles ----
X = (X - X.mean(0)) / X.std(0)
y = y - y.mean()
A, b, V, c = X[:221], y[:221], X[221:], y[221:]
D, t = digits.data / 16, digits.target
with h5py.File(here("expected.h5"), "w") as f:
    ridge = linear_model.Ridge(alpha=221 * np.exp(0.7), fit_intercept=False, solver="cholesky").fit(A, b)
    f["ridge"] = ridge.coef_  # theta = 0.7
    net = linear_model.ElasticNet(alpha=3 + 0.5, l1_ratio=3 / 3.5, fit_intercept=False, tol=1e-13, max_iter=100000)
    f["elastic"] = net.fit(A, b).coef_  # e^t1 = 3, e^t2 = 0.5
    soft = linear_model.LogisticRegression(C=1 / (1000 * np.exp(-3)), fit_intercept=False, tol=1e-10, max_iter=10000)
    f["softmax"] = soft.fit(D[:1000], t[:1000]).coef_.T  # theta = -3
    two = t < 2
    binary = linear_model.LogisticRegression(C=1 / (two.sum() * np.exp(-3)), fit_intercept=False, tol=1e-12,
                                             max_iter=10000)
    f["binary"] = binary.fit(D[two], t[two]).coef_[0]
    f["l1_C"] = C = 1 / (two.sum() * 0.01)
    lasso = linear_model.LogisticRegression(C=C / 1.5, penalty="elasticnet", l1_ratio=2 / 3, solver="saga",
                                            fit_intercept=False, tol=1e-12, max_iter=200000)
    del lasso  # saga does not reach the digits that a test wants
print("written:", len(os.listdir(folder)), "files")
