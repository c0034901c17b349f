#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""fenchel bilevel: every type finds the minimum of a quadratic, whatever the ranks; images are learned from, validated
and used; the result file holds what NumPy computes from it."""
import os

import clitest
import h5py
import numpy as np

check = clitest.Checks()
QUADRATIC = ("bilevel", "-problem", "quadratic", "-quadratic_samples", "5", "-quadratic_seed", "3")
TYPES = {"certified": (), "maid": ("-bilevel_maid_preset", "deepinv"), "maid-bb": (), "hoag": (), "fixed": ()}


def solve(what, *words, ranks=0, status=0, timeout=120):
    result = clitest.run(*words, ranks=ranks, timeout=timeout)
    check.that(result.status == status, f"{what}: status {status} is expected", result)
    return result


def images(place, name, numbers, n=24):
    os.mkdir(f"{place}/{name}")
    for k in numbers:
        clitest.png(f"{place}/{name}/{k}.png", clitest.photo(n, k))
    return f"{place}/{name}"


def types(place):
    """all of them come to one minimum, which no neighbour undercuts"""
    summary = place + "/s.json"
    values = {}
    for name, words in TYPES.items():
        for ranks in (1, 2, 3):
            solve(name, *QUADRATIC, "-quadratic_condition", "3", "-bilevel_type", name, *words, "-bilevel_tol", "1e-5",
                  "-summary", summary, ranks=ranks)
            s = clitest.read_json(summary)
            values[name, ranks] = s["objective"]
            check.that(s["reason"] in ("converged_residual", "converged_floor"), f"{name}: {s['reason']}")
            check.that(s["lower"] <= s["objective"] <= s["upper"], f"{name}: the objective lies in its bracket")
            check.that(s["hypergradient_norm"] <= 1e-5 and s["hypergradient_error"] < 1e-2, f"{name}: hypergradient")
            check.that(s["lower_iterations"] > 0 and s["adjoint_iterations"] > 0 and s["steps"] > 0, f"{name}: work")
    least = min(values.values())
    for key, value in values.items():
        check.that(abs(value - least) < 1e-9 * abs(least), f"{key}: {value!r}, others {least!r}")
    for name in TYPES:
        for ranks in (2, 3):
            difference = abs(values[name, ranks] - values[name, 1]) / abs(least)
            check.that(difference < 1e-12, f"{name}: {ranks} ranks against one: {difference:.1e}")
    at = ("-theta", place + "/r.h5", "-overwrite", "-bilevel_max_it", "1", "-summary", summary)
    solve("result", *QUADRATIC, "-bilevel_tol", "1e-8", "-o", place + "/r.h5")
    solve("start at a result", *QUADRATIC, *at, "-bilevel_tol", "1e-6")
    with h5py.File(place + "/r.h5", "r") as file:
        theta = file["theta"][...]
        value = file["bounds/objective"][0]
    for k in range(theta.size):
        for step in (-1e-2, 1e-2):
            near = theta.copy()
            near[k] += step
            solve("neighbour", *QUADRATIC, "-theta", ",".join(repr(float(t)) for t in near), "-bilevel_max_it", "1",
                  "-bilevel_tol", "0", "-summary", summary, status=3)
            s = clitest.read_json(summary)
            check.that(s["objective"] > value, f"hyperparameter {k} {step:+}: {s['objective']!r} above {value!r}")


def header_and_result(place):
    path = place + "/head.h5"
    result = solve("header", *QUADRATIC, "-o", path, "-bilevel_team_size", "1", ranks=2)
    for word in ("quadratic: 5 samples of 4 x 1", "4 hyperparameters", "teams      2 of 1 rank", "certified", "memory",
                 "lower      newton (chosen)", "converged: "):
        check.that(word in result.out, f"the run says '{word}'", result)
    with h5py.File(path, "r") as file:
        check.that(file["x"].shape == (5, 4, 1) and file["q"].shape == (5, 4, 1), "lower solutions and adjoints")
        check.that(file["theta"].shape == file["hypergradient"].shape == (4,), "one number a hyperparameter")
        check.that(abs(file["samples/value"][...].mean() - file["bounds/objective"][0]) < 1e-11, "mean of samples")
        norm = np.linalg.norm(file["hypergradient"][...])
        check.that(abs(norm - file["bounds/hypergradient_norm"][0]) < 1e-12 * (1 + norm), "norm without a box")
        check.that("-problem quadratic" in file.attrs["options"].decode(), "options are kept")
        check.that("observed" not in file["samples"], "a quadratic has no observations")
    solve("without", *QUADRATIC, "-o", path, "-overwrite", "-store_lower", "false")
    with h5py.File(path, "r") as file:
        check.that("x" not in file and "q" not in file, "-store_lower false")
    info = clitest.run("info", path)
    for word in ("quadratic", "hypergradient_norm", "lower_method"):
        check.that(info.status == 0 and word in info.out, f"info says {word}", info)
    solve("kl", *QUADRATIC, "-o", path, "-overwrite", "-bilevel_upper", "kl", "-bilevel_upper_temperature", "20",
          "-summary", place + "/kl.json")
    with h5py.File(path, "r") as file:
        mean = 20 * np.log(np.exp(file["samples/value"][...] / 20).mean())
        check.that(abs(mean - file["bounds/objective"][0]) < 1e-11 * mean, "KL-robust mean of the samples")
    solve("budget", *QUADRATIC, "-bilevel_budget", "20", "-summary", place + "/b.json", status=3)
    check.that(clitest.read_json(place + "/b.json")["reason"] == "max_it", "a spent budget is a limit")


def psnr(x, truth):
    return -10 * np.log10(((x - truth)**2).mean())


def denoising(place):
    train, valid, path = images(place, "train", (1, 2)), images(place, "valid", (3, 4, 5)), place + "/tv.h5"
    words = ("bilevel", "-problem", "tv", "-train", train, "-valid", valid, "-bilevel_tol", "1e-5")
    means = []
    for ranks in (1, 2, 3):
        solve("tv", *words, "-o", path, "-overwrite", "-summary", place + "/tv.json", ranks=ranks)
        means.append(clitest.read_json(place + "/tv.json"))
    for team in (1, 3): # also where three samples that are tried out would get other teams than two to learn from
        solve("tv in teams", *words, "-o", path, "-overwrite", "-summary", place + "/tv.json", "-bilevel_team_size",
              team, ranks=3)
        means.append(clitest.read_json(place + "/tv.json"))
    for key in ("objective", "valid_psnr"):
        check.that(all(abs(m[key] - means[0][key]) < 1e-9 * means[0][key] for m in means),
                   f"{key} on 1, 2, 3 ranks: {[m[key] for m in means]}")
    with h5py.File(path, "r") as file:
        group = file["validation"]
        x, truth, observed = (group[name][...] for name in ("x", "truth", "observed"))
        check.that(x.shape == (3, 24, 24), "three samples of 24 x 24")
        scores = [psnr(a, b) for a, b in zip(x, truth)]
        check.that(np.allclose(group["psnr"][...], scores, atol=1e-9), f"PSNR {group['psnr'][...]}, here {scores}")
        check.that(abs(np.mean(scores) - means[0]["valid_psnr"]) < 1e-5, "its mean is in the summary")
        before = np.mean([psnr(a, b) for a, b in zip(observed, truth)])
        check.that(np.mean(scores) > before + 3, f"{before:.2f} dB before, {np.mean(scores):.2f} dB after")
        check.that(np.abs(truth[0] - np.rint(clitest.photo(24, 3) * 255) / 255).max() < 1e-12, "the truth is the file")
        noise = [observed - truth, file["samples/observed"][...] - file["samples/truth"][...]]
        check.that(np.abs(noise[0][:2] - noise[1]).max() > 0.05, "validation has noise of its own")
        gap = file["bounds/upper"][0] - file["bounds/lower"][0]
        off = abs(file["samples/value"][...].mean() - file["bounds/objective"][0])
        check.that(off < 1e-4, f"mean of samples, which the bracket may move by the accuracy of x: {off}")
        check.that(gap < 1e-4, f"gap {gap}")
        noisy = clitest.png(place + "/noisy.png", np.clip(observed[0], 0, 1))
    result = clitest.run("verify", path, ranks=2)
    check.that(result.status == 0 and "validation psnr" in result.out, "verified with its validation set", result)

    def better(file):
        file["validation/psnr"][1] += 0.01
    check.refused(clitest.run("verify", clitest.changed(place, path, better)), "a better PSNR", "validation psnr")
    solve("apply", "bilevel", "-apply", path, "-input", noisy, "-o", place + "/clean.png", ranks=2)
    check.that(os.path.getsize(place + "/clean.png") > 300, "a picture is written")
    solve("apply", "bilevel", "-apply", path, "-input", noisy, "-o", place + "/clean.h5", "-summary",
          place + "/a.json")
    with h5py.File(place + "/clean.h5", "r") as file:
        clean, seen = file["output/x"][0], file["output/observed"][0]
        check.that(np.abs(seen - np.rint(np.clip(observed[0], 0, 1) * 255) / 255).max() < 1e-12, "input as it is")
        check.that("truth" not in file["output"] and "psnr" not in file["output"], "nothing is said of a truth")
        check.that(psnr(clean, truth[0]) > psnr(observed[0], truth[0]) + 3, "noise is taken away")
    check.that(clitest.read_json(place + "/a.json")["samples"] == 1, "one sample")
    solve("apply a folder", "bilevel", "-apply", path, "-input", valid, "-o", place + "/all.h5", "-bilevel_team_size",
          "3", ranks=3)
    with h5py.File(place + "/all.h5", "r") as file:
        check.that(file["output/x"].shape == (3, 24, 24), "a folder")
    for name in ("tv.h5", "head.h5", "r.h5"):
        plot = clitest.run("plot", f"{place}/{name}", "-o", f"{place}/{name}.png")
        check.that(plot.status == 0 and os.path.getsize(f"{place}/{name}.png") > 5000, f"{name} drawn", plot)


def rows_file(path, X, y):
    with open(path, "w", encoding="ascii") as f:
        for row, target in zip(X, y):
            f.write(f"{target:.17g} " + " ".join(f"{j + 1}:{v:.17g}" for j, v in enumerate(row)) + "\n")
    return path


def tables(place):
    """a learned model predicts the rows of another file: values, or probabilities and classes"""
    rng = np.random.default_rng(5)
    X, W = rng.standard_normal((90, 4)), rng.standard_normal((4, 3))
    scores = X @ W + 0.3 * rng.standard_normal((90, 3))
    targets = {"ridge": scores[:, 0], "kernel-ridge": scores[:, 0], "binary": (scores[:, 0] > 0) * 1.0,
               "softmax": scores.argmax(1) * 1.0}
    for name, y in targets.items():
        problem = name if "ridge" in name else "logistic"
        sets = [rows_file(f"{place}/{name}{k}.svm", X[30 * k:30 * k + 30], y[30 * k:30 * k + 30]) for k in range(3)]
        path, out = f"{place}/{name}.h5", f"{place}/{name}-out.h5"
        extra = ("-logistic_loss", name) if problem == "logistic" else ()
        solve(name, "bilevel", "-problem", problem, "-train", sets[0], "-valid", sets[1], *extra, "-bilevel_tol",
              "1e-4", "-o", path)
        for ranks in (1, 3):
            solve(f"{name}, apply", "bilevel", "-apply", path, "-input", sets[2], "-o", out, "-overwrite", "-summary",
                  place + "/t.json", ranks=ranks)
            with h5py.File(out, "r") as file, h5py.File(path, "r") as learned:
                x, got = learned["x"][0], file["output/prediction"][...]
                label = file["output/label"][...] if "label" in file["output"] else None
            new, summary = X[60:], clitest.read_json(place + "/t.json")
            if "ridge" in name:
                check.that(got.shape == (30,) and label is None, f"{name}: a number for each row")
                check.that(abs(((got - y[60:])**2).mean() - summary["mse"]) < 1e-5 * (1 + summary["mse"]),
                           f"{name}: mean square of the errors {((got - y[60:])**2).mean()}, {summary['mse']}")
            else:
                check.that(np.array_equal(label, got > 0.5 if name == "binary" else got.argmax(1)), f"{name}: classes")
                check.that(abs((label == y[60:]).mean() - summary["accuracy"]) < 1e-5, f"{name}: accuracy")
            if name == "ridge":
                check.that(np.allclose(got, new @ x[:, 0], atol=1e-4), f"{name}: X w")
            if name == "softmax":
                p = np.exp(new @ x)
                check.that(np.allclose(got, p / p.sum(1, keepdims=True), atol=1e-3), f"{name}: softmax of X W")
            if name == "binary":
                check.that(np.allclose(got, 1 / (1 + np.exp(-new @ x[:, 0])), atol=1e-3), f"{name}: logistic of X w")


with clitest.folder() as folder:
    tables(folder)
    types(folder)
    header_and_result(folder)
    denoising(folder)
check.finish()
