# SPDX-License-Identifier: BSD-2-Clause
"""Writes sets of examples into a folder, for the tests of bilevel problems: scikit-learn's diabetes and digits (its
installed files, nothing is fetched) in every format that is read, broken files, and what scikit-learn, SciPy and NumPy
compute from them, as expected.h5."""
import os
import struct
import sys

import h5py
import numpy as np
from scipy import optimize, sparse
from sklearn import datasets, gaussian_process, kernel_ridge, linear_model, model_selection

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
            f["X/shape"] = X.shape
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

# ---- sparse rows, and images made smaller by means over areas ----
rng = np.random.default_rng(3)
S = sparse.random(60, 40, 0.1, random_state=3, data_rvs=lambda n: rng.standard_normal(n)).toarray()
labels = rng.integers(0, 2, 60) * 2.0 - 1
files("sparse", S, labels, 45)
for side in (4, 3):
    edges = np.arange(side + 1) * 8 / side
    B = np.array([[max(0, min(b, j + 1) - max(a, j)) for j in range(8)] for a, b in zip(edges, edges[1:])]) * side / 8
    hdf5(f"digits{side}.h5", np.einsum("ij,njk,lk->nil", B, digits.images, B).reshape(-1, side * side) / 255,
         digits.target.astype(float))

# ---- oracles ----
X = (X - X.mean(0)) / X.std(0)
y = y - y.mean()
A, b = X[:221], y[:221]
D, t = digits.data / 16, digits.target
hdf5("kernel.h5", X[:120], y[:120] / 50)


def upper(theta):
    """Value and slopes of the upper loss of ridge regression with a hyperparameter for each weight."""
    H = A.T @ A / 221 + np.diag(np.exp(theta))
    w = np.linalg.solve(H, A.T @ b / 221)
    r = X[221:] @ w - y[221:]
    q = np.linalg.solve(H, X[221:].T @ r / 221)
    return r @ r / 442, -np.exp(theta) * w * q


with h5py.File(here("expected.h5"), "w") as f:
    f["ridge_theta"] = optimize.minimize(upper, np.zeros(10), jac=True, method="L-BFGS-B", bounds=[(-8, 8)] * 10,
                                         options={"ftol": 1e-16, "gtol": 1e-9, "maxiter": 10000}).x
    ridge = linear_model.Ridge(alpha=221 * np.exp(0.7), fit_intercept=False, solver="cholesky").fit(A, b)
    f["ridge"] = ridge.coef_  # theta = 0.7
    net = linear_model.ElasticNet(alpha=3 + 0.5, l1_ratio=3 / 3.5, fit_intercept=False, tol=1e-14, max_iter=1000000)
    f["elastic"] = net.fit(A, b).coef_  # l1 = 3, l2 = 0.5
    soft = linear_model.LogisticRegression(C=1 / (1000 * np.exp(-3)), fit_intercept=False, solver="newton-cg", tol=1e-9,
                                           max_iter=10000)
    f["softmax"] = soft.fit(D[:1000], t[:1000]).coef_.T.ravel()  # theta = -3
    binary = linear_model.LogisticRegression(C=1 / (45 * np.exp(-3)), fit_intercept=False, solver="newton-cg", tol=1e-9,
                                             max_iter=10000)
    f["binary"] = binary.fit(S[:45], labels[:45]).coef_[0]  # theta = -3
    # length 2, noise 0.3
    kernel = kernel_ridge.KernelRidge(alpha=0.3, kernel="rbf", gamma=1 / 8).fit(X[:100], y[:100] / 50)
    f["kernel"] = kernel.dual_coef_
    f["kernel_holdout"] = [((kernel.predict(X[100:120]) - y[100:120] / 50) ** 2).sum() / 2]
    process = gaussian_process.GaussianProcessRegressor(gaussian_process.kernels.RBF(2.0), alpha=0.3, optimizer=None)
    f["kernel_evidence"] = [-process.fit(X[:100], y[:100] / 50).log_marginal_likelihood_value_]
    loo = model_selection.cross_val_predict(kernel, X[:100], y[:100] / 50, cv=model_selection.LeaveOneOut())
    f["kernel_loo"] = [((loo - y[:100] / 50) ** 2).sum() / 2]
print("written:", len(os.listdir(folder)), "files")
