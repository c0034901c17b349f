#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""fenchel plot RESULT.h5 [RESULT.h5 ...] -o PICTURE.png

Draws a result of `fenchel ot`: densities on a grid with the displacement field and the displacement interpolation;
colour clouds of pictures with the source in the target's colours; other clouds with arrows to their barycentric images.
With -frames the densities between source and target that a result has (fenchel ot -frames): `row` in one picture,
`files` in a picture each, PICTURE-0000.png and so on, with one grey scale and a pixel for each point.
Draws a result of `fenchel mdp`: value and policy as maps if the states are cells of a grid, with arrows if the actions
are moves; otherwise the value of the states and how often each action is chosen. Results of d-rectangular runs, several
together, give the mean reward against the parameter of the target environment, a curve a result.
Draws a result of `fenchel bilevel`: loss and hypergradient against the work, hyperparameters by group, metrics of the
validation set, samples before and after if the result has them, and learned filters.
Every picture has the history of the run with both certified bounds.
"""
import argparse
import os
import sys

SYSTEM_PYTHON = "/usr/bin/python3"
try:
    import h5py
    import matplotlib
    import numpy as np
except ImportError as missing:
    # another Python may come first in PATH; the packages of the distribution belong to the system's
    if os.path.realpath(sys.executable) != os.path.realpath(SYSTEM_PYTHON) and os.access(SYSTEM_PYTHON, os.X_OK):
        os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON] + sys.argv)
    sys.exit(f"fenchel: error: {missing}\n  hint: apt-get install python3-h5py python3-matplotlib, "
             "or name another Python in FENCHEL_PYTHON")
matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

ARROWS = 24  # along an axis of the displacement picture
STEPS = (0.25, 0.5, 0.75)  # times of the interpolation
MAX_PAIRS = 4_000_000  # kernel entries held at a time


class Refused(Exception):
    """A sentence for the user."""


def texts(attrs, name):
    value = attrs[name]
    return value.decode() if isinstance(value, bytes) else str(value)


class Result:
    """What every result has."""

    def __init__(self, file):
        self.file = file

    def bound(self, name):
        return float(self.file["bounds/" + name][...].reshape(-1)[0])


class Transport(Result):
    def __init__(self, file):
        super().__init__(file)
        self.eps = float(self.file.attrs["eps"])
        self.cost = texts(self.file.attrs, "cost")
        self.source, self.target = self.side("source"), self.side("target")
        self.f = self.file["potential/f"][...].reshape(-1)
        self.g = self.file["potential/g"][...].reshape(-1)

    def side(self, name):
        group = self.file[name]
        side = {"weights": group["weights"][...]}
        for key in ("points", "shape", "spacing", "origin", "image_shape"):
            side[key] = group[key][...] if key in group else None
        return side

    def map(self):
        """Barycentric image of every source point, n x d: stored, or computed here from the potentials."""
        if "map" in self.file:
            return self.file["map"][...].reshape(self.f.size, -1)
        if self.cost == "matrix":
            return None
        if self.source["points"] is None and self.cost == "sqeuclidean" and len(self.source["shape"]) == 2:
            return self.grid_map()
        return self.cloud_map(coordinates(self.source), coordinates(self.target))

    def cloud_map(self, x, y):
        with np.errstate(divide="ignore"):
            bias = np.log(self.target["weights"].reshape(-1)) + self.g / self.eps
        out = np.empty_like(x)
        rows = max(1, MAX_PAIRS // len(y))
        for i in range(0, len(x), rows):
            difference = x[i:i + rows, None, :] - y[None, :, :]
            if self.cost == "l1":
                cost = np.abs(difference).sum(axis=2)
            else:
                cost = (difference**2).sum(axis=2)
            if self.cost == "euclidean":
                cost = np.sqrt(cost)
            score = bias[None, :] - cost / self.eps
            score -= score.max(axis=1, keepdims=True)
            p = np.exp(score)
            out[i:i + rows] = p @ y / p.sum(axis=1, keepdims=True)
        return out

    def grid_map(self):
        """Two axes, |x-y|^2: one axis after the other in the log domain."""
        axes_x, axes_y = axes(self.source), axes(self.target)
        with np.errstate(divide="ignore"):
            u = np.log(self.target["weights"]) + self.g.reshape(self.target["weights"].shape) / self.eps
        c0 = (axes_x[0][:, None] - axes_y[0][None, :])**2 / self.eps
        c1 = (axes_x[1][:, None] - axes_y[1][None, :])**2 / self.eps
        n0, n1 = len(axes_x[0]), len(axes_x[1])
        m0 = len(axes_y[0])
        inner, mean = np.empty((m0, n1)), np.empty((m0, n1))
        for j in range(m0):  # second axis
            score = u[j][None, :] - c1
            top = score.max(axis=1)
            p = np.exp(score - np.where(np.isfinite(top), top, 0)[:, None])
            total = p.sum(axis=1)
            with np.errstate(divide="ignore", invalid="ignore"):
                inner[j] = top + np.log(total)
                mean[j] = np.where(total > 0, p @ axes_y[1] / total, 0)
        out = np.empty((n0, n1, 2))
        for k in range(n0):  # first axis
            score = inner - c0[k][:, None]
            p = np.exp(score - score.max(axis=0, keepdims=True))
            total = p.sum(axis=0)
            out[k, :, 0] = axes_y[0] @ p / total
            out[k, :, 1] = (p * mean).sum(axis=0) / total
        return out.reshape(-1, 2)


def axes(side):
    return [o + s * np.arange(n) for n, s, o in zip(side["shape"], side["spacing"], side["origin"])]


def coordinates(side):
    if side["points"] is not None:
        return side["points"]
    return np.stack(np.meshgrid(*axes(side), indexing="ij"), axis=-1).reshape(-1, len(side["shape"]))


def draw_history(result, axis, residual_name="marginal error", title=""):
    history = result.file["history"]
    if "iteration" in history:
        iteration = history["iteration"][...]
        lower, upper = history["lower"][...], history["upper"][...]
        known = np.isfinite(lower) & np.isfinite(upper)
        if known.any():
            axis.plot(iteration[known], lower[known], label="lower bound", color="tab:blue", marker=".")
            axis.plot(iteration[known], upper[known], label="upper bound", color="tab:red", marker=".")
            axis.fill_between(iteration[known], lower[known], upper[known], color="0.85")
            # the first bounds may be so wide that the last ones cannot be told apart
            last = np.flatnonzero(known)[-max(2, known.sum() // 2):]
            low, high = lower[last].min(), upper[last].max()
            pad = 0.1 * (high - low) or 1e-3 * max(abs(high), 1e-300)
            axis.set_ylim(low - pad, high + pad)
        residual = axis.twinx()
        residual.semilogy(iteration, np.maximum(history["residual"][...], 1e-18), color="tab:green", lw=0.8)
        residual.set_ylabel(residual_name, color="tab:green")
    axis.axhline(result.bound("value"), color="k", lw=0.6, ls=":", label="value")
    axis.set_xlabel("iteration")
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.legend(loc="best", fontsize=7)
    lower, upper = result.bound("lower"), result.bound("upper")
    size = max(abs(lower), abs(upper)) or 1.0
    title = title or f"OT$_\\varepsilon$ in [{lower:.8g}, {upper:.8g}]\nrelative gap {(upper - lower) / size:.1e}"
    axis.set_title(title, fontsize=9)


def show(axis, picture, title, **options):
    axis.imshow(picture, interpolation="nearest", **options)
    axis.set_title(title, fontsize=9)
    axis.set_xticks([])
    axis.set_yticks([])


def splat(points, weights, side):
    """Density of weighted points on the side's grid, bilinear."""
    shape = tuple(int(n) for n in side["shape"])
    at = (points - side["origin"]) / side["spacing"]
    at = np.clip(at, 0, np.array(shape) - 1)
    low = np.minimum(at.astype(int), np.maximum(np.array(shape) - 2, 0))
    part = at - low
    density = np.zeros(shape)
    for corner in range(4):
        step = np.array([corner >> 1, corner & 1])
        share = np.prod(np.where(step, part, 1 - part), axis=1)
        cell = np.minimum(low + step, np.array(shape) - 1)
        np.add.at(density, (cell[:, 0], cell[:, 1]), weights * share)
    return density


def draw_grid2d(result, figure):
    grid = figure.subplots(2, 3)
    source, target = result.source["weights"], result.target["weights"]
    image = result.map()
    x = coordinates(result.source)
    show(grid[0, 0], source, "source", cmap="gray")
    show(grid[0, 1], target, "target", cmap="gray")
    show(grid[0, 2], source, "displacement (barycentric map)", cmap="gray", alpha=0.5)
    stride = [max(1, int(n) // ARROWS) for n in source.shape]
    keep = np.zeros(source.shape, dtype=bool)
    keep[stride[0] // 2::stride[0], stride[1] // 2::stride[1]] = True
    keep = (keep & (source > 0)).reshape(-1)
    at = (x - result.source["origin"]) / result.source["spacing"]
    to = (image - result.source["origin"]) / result.source["spacing"]
    grid[0, 2].quiver(at[keep, 1], at[keep, 0], (to - at)[keep, 1], (to - at)[keep, 0], color="tab:red", angles="xy",
                      scale_units="xy", scale=1, width=0.003)
    weights = source.reshape(-1)
    if "frames" in result.file and len(result.file["frames/t"]) > 3:  # of the plan itself, not of its map
        times, densities = frames(result)
        for axis, k in zip((grid[1, 0], grid[1, 1]), (len(times) // 3, 2 * len(times) // 3)):
            show(axis, densities[k], f"interpolation, t = {times[k]:.3g}", cmap="gray")
        draw_history(result, grid[1, 2])
        return
    for axis, t in zip((grid[1, 0], grid[1, 1]), (STEPS[0], STEPS[1])):
        show(axis, splat((1 - t) * x + t * image, weights, result.source), f"interpolation, t = {t}", cmap="gray")
    draw_history(result, grid[1, 2])


def draw_grid(result, figure):
    """One and three axes: profiles along the first axis."""
    grid = figure.subplots(1, 2)
    for side, name in ((result.source, "source"), (result.target, "target")):
        others = tuple(range(1, side["weights"].ndim))
        grid[0].plot(axes(side)[0], side["weights"].sum(axis=others), label=name)
    grid[0].set_xlabel("first axis")
    grid[0].set_title("marginal densities", fontsize=9)
    grid[0].legend(fontsize=7)
    draw_history(result, grid[1])


def draw_colours(result, figure):
    grid = figure.subplots(2, 3)
    shape = [tuple(int(n) for n in side["image_shape"]) + (3,) for side in (result.source, result.target)]
    x, y, image = result.source["points"], result.target["points"], result.map()
    show(grid[0, 0], np.clip(x.reshape(shape[0]), 0, 1), "source")
    show(grid[0, 1], np.clip(y.reshape(shape[1]), 0, 1), "target")
    show(grid[0, 2], np.clip(image.reshape(shape[0]), 0, 1), "source in the target's colours")
    for axis, cloud, name in ((grid[1, 0], x, "source"), (grid[1, 1], image, "source, transported")):
        some = np.linspace(0, len(cloud) - 1, min(len(cloud), 4000)).astype(int)
        other = np.linspace(0, len(y) - 1, min(len(y), 4000)).astype(int)
        axis.scatter(y[other, 0], y[other, 2], s=1, color="0.8")
        axis.scatter(cloud[some, 0], cloud[some, 2], s=2, c=np.clip(cloud[some], 0, 1))
        axis.set(xlabel="red", ylabel="blue", xlim=(0, 1), ylim=(0, 1))
        axis.set_title(f"{name} (grey: target)", fontsize=9)
    draw_history(result, grid[1, 2])


def draw_cloud(result, figure):
    grid = figure.subplots(1, 2)
    x, y = coordinates(result.source), coordinates(result.target)
    flat = [np.c_[p, np.zeros(len(p))] if p.shape[1] == 1 else p for p in (x, y)]
    grid[0].scatter(flat[0][:, 0], flat[0][:, 1], s=6, label="source", color="tab:blue")
    grid[0].scatter(flat[1][:, 0], flat[1][:, 1], s=6, label="target", color="tab:red")
    image = result.map()
    if image is not None:
        image = np.c_[image, np.zeros(len(image))] if image.shape[1] == 1 else image
        some = np.linspace(0, len(x) - 1, min(len(x), 400)).astype(int)
        move = image[some, :2] - flat[0][some, :2]
        grid[0].quiver(flat[0][some, 0], flat[0][some, 1], move[:, 0], move[:, 1], angles="xy", scale_units="xy",
                       scale=1,
                       width=0.002, color="0.4")
    grid[0].legend(fontsize=7)
    grid[0].set_title("points and barycentric map" + (" (first two coordinates)" if x.shape[1] > 2 else ""), fontsize=9)
    draw_history(result, grid[1])


def is_picture(side):
    shape, points = side["image_shape"], side["points"]
    return shape is not None and points is not None and points.shape[1] == 3 and int(np.prod(shape)) == len(points)


def frames(result):
    """Times and densities; of three axes the sum along the first."""
    if "frames" not in result.file:
        raise Refused(f"{result.file.filename} has no frames: they are written by fenchel ot -frames N")
    group = result.file["frames"]
    times = group["t"][...]
    densities = [group[f"{k:04}"][...] for k in range(len(times))]
    return times, [d.sum(axis=0) if d.ndim == 3 else d for d in densities]


def draw_frames(result, figure):
    times, densities = frames(result)
    if densities[0].ndim == 1:
        group, axis = result.file["frames"], figure.subplots()
        at = group["origin"][0] + group["spacing"][0] * np.arange(densities[0].size)
        for k, (t, density) in enumerate(zip(times, densities)):
            colour = plt.get_cmap("viridis")(k / max(1, len(times) - 1))
            axis.plot(at, density, lw=1, color=colour, label=f"t = {t:.3g}")
        axis.legend(fontsize=7)
        return
    most = max(d.max() for d in densities)
    columns = min(len(times), 8)
    lines = -(-len(times) // columns)
    height = densities[0].shape[0] / densities[0].shape[1]
    figure.set_size_inches(1.6 * columns, min(40, lines * (1.6 * min(4, max(0.25, height)) + 0.3)))
    grid = np.atleast_1d(figure.subplots(lines, columns)).reshape(-1)
    for axis in grid[len(times):]:
        axis.axis("off")
    for axis, t, density in zip(grid, times, densities):
        show(axis, density, f"t = {t:.3g}", cmap="gray", vmin=0, vmax=most)


def write_frames(result, output, overwrite):
    """A picture for each frame."""
    _, densities = frames(result)
    root, ending = os.path.splitext(output)
    names = [f"{root}-{k:04}{ending}" for k in range(len(densities))]
    for name in names:
        if os.path.exists(name) and not overwrite:
            raise Refused(f"{name} exists already and -overwrite was not given")
    most = max(d.max() for d in densities) or 1.0
    for name, density in zip(names, densities):
        temporary = f"{name}.tmp-{os.getpid()}{ending}"
        try:
            grey = np.rint(np.atleast_2d(density) * (255 / most)).astype(np.uint8)
            plt.imsave(temporary, np.repeat(grey[..., None], 3, axis=2))
            os.replace(temporary, name)
        except (OSError, ValueError) as error:
            if os.path.exists(temporary):
                os.unlink(temporary)
            raise Refused(f"{name} cannot be written: {error}") from error
    print(f"pictures  {names[0]} to {names[-1]}")


MOVES = {"gridworld": ((-1, 0), (0, 1), (1, 0), (0, -1)), "maze": ((-1, 0), (0, 1), (1, 0), (0, -1), (0, 0))}
MAX_POINTS = 20_000  # of a curve
MAX_ACTIONS = 40  # bars
MAX_STEPS = 200  # states whose actions are drawn one by one


def draw_policy_map(result, axis, value, policy):
    """Arrows where the actions are moves on the grid, otherwise the numbers of the actions as colours."""
    height, width = policy.shape
    moves = MOVES.get(texts(result.file.attrs, "problem") if "problem" in result.file.attrs else "")
    if moves is None or policy.max() >= len(moves):
        show(axis, np.ma.masked_less(policy, 0), "policy (number of the action)", cmap="viridis")
        axis.figure.colorbar(axis.images[0], ax=axis, shrink=0.5)
        return
    show(axis, value, "policy", cmap="viridis", alpha=0.4)
    steps = [max(1, n // (2 * ARROWS)) for n in (height, width)]
    y, x = np.mgrid[steps[0] // 2:height:steps[0], steps[1] // 2:width:steps[1]]
    action = policy[y, x]
    move = np.array(moves)[np.maximum(action, 0)]
    keep = (action >= 0) & (np.abs(move).sum(axis=-1) > 0)
    axis.quiver(x[keep], y[keep], move[keep][:, 1], move[keep][:, 0], color="tab:red", angles="xy", pivot="mid",
                scale_units="xy", scale=1.2 / max(steps), width=0.003)


def draw_policy_list(axis, policy):
    """The action of each state if they can be told apart, otherwise how often each one is chosen."""
    if policy.size <= MAX_STEPS:
        axis.plot(np.ma.masked_less(policy, 0), lw=0.5, marker=".", drawstyle="steps-mid")
        axis.set(xlabel="state", ylabel="action")
        axis.yaxis.get_major_locator().set_params(integer=True)
        axis.set_title("policy", fontsize=9)
        return
    actions, counts = np.unique(policy[policy >= 0], return_counts=True)
    most = np.sort(np.argsort(-counts, kind="stable")[:MAX_ACTIONS])
    axis.bar([str(a) for a in actions[most]], counts[most] / max(1, policy.size))
    axis.set(xlabel="action" + ("" if len(most) == len(actions) else f" ({len(most)} most frequent)"),
             ylabel="share of states")
    axis.tick_params(axis="x", labelsize=6)
    axis.set_title("policy", fontsize=9)


def draw_mdp(result, figure):
    grid = figure.subplots(1, 3)
    value, policy = result.file["value"][...], result.file["policy"][...]
    if value.shape != policy.shape or not np.issubdtype(value.dtype, np.number):
        raise Refused(f"/value {value.shape} and /policy {policy.shape} must be numbers of the same states")
    if value.ndim == 2:
        value = np.ma.masked_where(policy < 0, value)  # walls
        show(grid[0], value, "value", cmap="viridis")
        figure.colorbar(grid[0].images[0], ax=grid[0], shrink=0.5)
        draw_policy_map(result, grid[1], value, policy)
    else:
        some = np.unique(np.linspace(0, value.size - 1, min(value.size, MAX_POINTS)).astype(int))
        grid[0].plot(some, value[some], lw=0.8, marker="." if value.size <= 100 else None)
        grid[0].set_xlabel("state")
        grid[0].set_title("value", fontsize=9)
        draw_policy_list(grid[1], policy)
    name = "gain" if texts(result.file.attrs, "criterion") == "average" else "mean of V*"
    draw_history(result, grid[2], "certified loss of the policy",
                 f"{name} in [{result.bound('lower'):.8g}, {result.bound('upper'):.8g}]\n"
                 f"the policy loses at most {result.bound('policy_gap'):.1e}")
    attrs = result.file.attrs
    source = texts(attrs, "problem") if "problem" in attrs else os.path.basename(texts(attrs, "model_file"))
    words = [source, texts(attrs, "criterion"), f"discount {float(attrs['discount']):g}", texts(attrs, "method")]
    if texts(attrs, "ambiguity") != "none":
        size = "radius" if float(attrs["radius"]) > 0 else "penalty"
        words.append(f"{texts(attrs, 'ambiguity')}, {size} {float(attrs[size]):g}")
    figure.suptitle(", ".join(words), fontsize=10)


def linear_label(attrs):
    words = [texts(attrs, "type")]
    if texts(attrs, "ambiguity") != "none":
        size = "radius" if float(attrs["radius"]) > 0 else "penalty"
        words += [texts(attrs, "ambiguity"), f"{size} {float(attrs[size]):g}"]
    return " ".join(words)


def draw_rewards(results, axis):
    for k, result in enumerate(results):
        table = result.file["evaluation"]
        error = table["standard_error"][...]
        axis.errorbar(table["target"][...], table["mean"][...], yerr=np.where(np.isfinite(error), error, 0), lw=1,
                      capsize=2, marker="osDX^v<>"[k % 8], ms=4, label=linear_label(result.file.attrs))
    axis.set(xlabel=texts(results[0].file["evaluation"].attrs, "target"), ylabel="mean reward")
    axis.grid(alpha=0.3)
    axis.legend(fontsize=7)


def draw_linear(results, figure):
    """d-rectangular runs: rewards of all, and of a single one its weights and first values"""
    without = [r.file.filename for r in results if "evaluation" not in r.file]
    if without and len(results) > 1:
        raise Refused(f"{without[0]} has no evaluation to draw with others")
    if len(results) > 1:
        draw_rewards(results, figure.subplots())
        return
    attrs = results[0].file.attrs
    grid = figure.subplots(1, 2 if without else 3)
    show(grid[0], results[0].file["weights/w"][...], "weights, step by factor", cmap="viridis", aspect="auto")
    figure.colorbar(grid[0].images[0], ax=grid[0])
    grid[1].hist(results[0].file["value"][...].reshape(-1), bins=30)
    grid[1].set_xlabel("value of the first state")
    grid[1].set_title(f"mean in [{results[0].bound('lower'):.8g}, {results[0].bound('upper'):.8g}]", fontsize=9)
    if not without:
        draw_rewards(results, grid[2])
    source = texts(attrs, "problem") if "problem" in attrs else os.path.basename(texts(attrs, "model_file"))
    figure.suptitle(f"{source}, d-rectangular, {linear_label(attrs)}", fontsize=10)


def is_linear(result):
    return "rectangular" in result.file.attrs and texts(result.file.attrs, "rectangular") == "d"


def draw_transport(result, figure):
    on_grids = result.source["points"] is None and result.target["points"] is None
    if is_picture(result.source) and is_picture(result.target):
        draw_colours(result, figure)
    elif on_grids and len(result.source["shape"]) == 2 and result.cost != "matrix":
        draw_grid2d(result, figure)
    elif on_grids:
        draw_grid(result, figure)
    else:
        draw_cloud(result, figure)
    figure.suptitle(f"{texts(result.file.attrs, 'type')}, cost {result.cost}, $\\varepsilon$ = {result.eps:g}",
                    fontsize=10)


MAX_BARS = 60  # hyperparameters drawn one by one
MAX_SHOWN = 3  # samples before and after
MAX_FILTERS = 64


def groups(result):
    """Names of hyperparameters and the numbers of each."""
    theta = result.file["theta"][...].reshape(-1)
    attrs = result.file["theta"].attrs
    names = [name for name in texts(attrs, "groups").split(",") if name] if "groups" in attrs else []
    if not names:
        return [("hyperparameters", theta)]
    first = [int(attrs["first_" + name]) for name in names] + [theta.size]
    return [(name, theta[a:b]) for name, a, b in zip(names, first, first[1:])]


def draw_loss(result, axis):
    history = result.file["history"]
    if "work" in history:
        work, value = np.maximum(history["work"][...], 1), history["value"][...]
        lower, upper = history["lower"][...], history["upper"][...]
        residual = history["residual"][...]
        known = np.isfinite(value) & np.isfinite(lower) & np.isfinite(upper)
        axis.fill_between(work[known], lower[known], upper[known], color="tab:blue", alpha=0.25, step="post",
                          label="proved bounds")
        axis.plot(work[known], value[known], color="tab:blue", drawstyle="steps-post", label="loss")
        if known.any():
            low, high = value[known].min(), value[known].max()
            pad = 0.1 * (high - low) or 1e-3 * max(abs(high), 1e-300)
            axis.set_ylim(low - pad, high + pad)
        other = axis.twinx()
        seen = (residual > 0) & (residual < 1e300)  # larger: not known yet
        other.semilogy(work[seen], residual[seen], color="tab:green", lw=0.8)
        other.set_ylabel("norm of the hypergradient", color="tab:green")
    axis.set_xscale("log")
    axis.set_xlabel("lower and adjoint iterations")
    axis.legend(loc="best", fontsize=7)
    axis.set_title(f"loss in [{result.bound('lower'):.8g}, {result.bound('upper'):.8g}]", fontsize=9)


def draw_theta(result, axis):
    """All of them, or where their order says nothing how they are spread; filters have a picture of their own."""
    shown = [(name, theta) for name, theta in groups(result) if name != "filter"] or groups(result)
    if sum(theta.size for _, theta in shown) <= MAX_BARS:
        at = 0
        for k, (name, theta) in enumerate(shown):
            axis.bar(np.arange(at, at + theta.size), theta, color=f"C{k % 10}", label=name)
            at += theta.size
        if at <= 6 and all(theta.size == 1 for _, theta in shown):
            axis.set_xticks(range(at), [f"{name}\n{theta[0]:.4g}" for name, theta in shown])
        else:
            axis.set_xlabel("number of the hyperparameter")
            axis.xaxis.get_major_locator().set_params(integer=True)
        axis.axhline(0, color="k", lw=0.6)
        axis.margins(y=0.25)
    else:
        everything = np.concatenate([theta for _, theta in shown])
        edges = np.histogram_bin_edges(everything, bins=40)
        for k, (name, theta) in enumerate(shown):
            axis.hist(theta, bins=edges, color=f"C{k % 10}", alpha=0.6, label=f"{name} ({theta.size})")
        axis.set(xlabel="value", ylabel="how many")
    axis.legend(fontsize=7)
    axis.set_title("hyperparameters", fontsize=9)


def metrics(group):
    """Names of what was measured of each sample."""
    known = ("value", "lower", "upper", "lower_accuracy", "adjoint_residual", "hypergradient_error", "x", "observed",
             "truth")
    return [name for name in group if name not in known and group[name].ndim == 1]


def measured(result):
    """The group of samples that were not learned from, if there are any, and what to call them."""
    if "validation" in result.file:
        return result.file["validation"], "validation samples"
    return result.file["samples"], "samples"


def draw_metrics(result, axis):
    group, title = measured(result)
    names = metrics(group)
    if not names:
        names, group = ["value"], result.file["samples"]
    first = group[names[0]][...].reshape(-1)
    if first.size > 1:
        axis.bar(np.arange(1, first.size + 1), first, color="tab:blue")
        span = first.max() - first.min()
        axis.set_ylim(max(0, first.min() - max(span, 0.02 * abs(first.max()))) if first.min() >= 0 else None)
        axis.axhline(first.mean(), color="k", lw=0.8, ls=":", label=f"mean {first.mean():.4g}")
        axis.set(xlabel=title, ylabel=names[0])
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.legend(fontsize=7)
    else:
        axis.axis("off")
    lines = [f"mean {name} {group[name][...].mean():.6g}" for name in names]
    if first.size == 1:
        axis.text(0.05, 0.5, "\n".join(lines), fontsize=11, va="center")
    axis.set_title(", ".join(lines) if first.size > 1 else title, fontsize=9)


def pictures(result):
    """Observed, computed, true, with a name each; none without observations."""
    group, title = measured(result)
    if "observed" not in group:
        return []
    x = group["x"] if "x" in group else result.file["x"] if "x" in result.file else None
    if x is None:
        return []
    rows = []
    for k in range(min(MAX_SHOWN, x.shape[0])):
        score = [f"{name} {group[name][k]:.4g}" for name in metrics(group)]
        rows.append((group["observed"][k], x[k], group["truth"][k] if "truth" in group else None,
                     f"{title[:-1]} {k + 1}", ", ".join(score)))
    return rows


def draw_samples(rows, figure):
    grid = figure.subplots(len(rows), 3, squeeze=False)
    for axes_, (observed, x, truth, name, score) in zip(grid, rows):
        if x.shape[-1] == 1:  # signals
            for axis, signal, label in zip(axes_, (observed, x, truth), ("observed", "computed", "truth")):
                if signal is not None:
                    axis.plot(signal.reshape(-1), lw=0.8)
                    axis.set_title(f"{name}: {label}", fontsize=8)
            continue
        least, most = (truth.min(), truth.max()) if truth is not None else (x.min(), x.max())
        options = {"cmap": "gray", "vmin": least, "vmax": most}
        show(axes_[0], observed, f"{name}: observed", **options)
        show(axes_[1], x, f"computed: {score}" if score else "computed", **options)
        if truth is not None:
            show(axes_[2], truth, "truth", **options)
        else:
            axes_[2].axis("off")


def filters(result):
    """Learned filters, the heaviest first, with the weights; none where there are none."""
    named = dict(groups(result))
    if "filter" not in named:
        return None
    taps = named["filter"]
    count = named["log weight"].size if "log weight" in named else 0
    side = int(round(np.sqrt(taps.size / count))) if count else 0
    if not side or count * side * side != taps.size:
        return None
    order = np.argsort(-named["log weight"], kind="stable")[:MAX_FILTERS]
    return taps.reshape(count, side, side)[order]


def draw_filters(kernels, axis):
    """One mosaic; each filter between minus and plus its largest tap."""
    count, side = len(kernels), kernels.shape[1]
    columns = int(np.ceil(np.sqrt(2.5 * count)))
    lines = -(-count // columns)
    mosaic = np.full((lines * (side + 1) + 1, columns * (side + 1) + 1), np.nan)
    for k, kernel in enumerate(kernels):
        row, column = divmod(k, columns)
        top, left = row * (side + 1) + 1, column * (side + 1) + 1
        mosaic[top:top + side, left:left + side] = kernel / (np.abs(kernel).max() or 1)
    show(axis, mosaic, f"{count} learned filters, the heaviest first, each scaled", cmap="RdBu_r", vmin=-1, vmax=1)


def draw_bilevel(result, figure):
    rows, kernels = pictures(result), filters(result)
    heights = [3.6] + ([2.7 * len(rows)] if rows else []) + ([3.2] if kernels is not None else [])
    figure.set_size_inches(11, sum(heights) + 0.4)
    parts = np.atleast_1d(figure.subfigures(len(heights), 1, height_ratios=heights))
    top = parts[0].subplots(1, 3)
    draw_loss(result, top[0])
    draw_theta(result, top[1])
    draw_metrics(result, top[2])
    if rows:
        draw_samples(rows, parts[1])
    if kernels is not None:
        draw_filters(kernels, parts[-1].subplots())
    attrs = result.file.attrs
    figure.suptitle(f"{texts(attrs, 'problem')}, {texts(attrs, 'type')}, lower {texts(attrs, 'lower_method')}, "
                    f"hypergradient {result.bound('hypergradient_norm'):.1e}", fontsize=10)


def open_result(path):
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error}") from error
    if "format" not in file.attrs or texts(file.attrs, "format") != "fenchel-result":
        raise Refused(f"{path} is not a result of Fenchel")
    return file, texts(file.attrs, "verb")


def main():
    parser = argparse.ArgumentParser(prog="fenchel plot", description="draw a result of fenchel ot, bilevel or mdp")
    parser.add_argument("results", metavar="RESULT.h5", nargs="+", help="several only of d-rectangular runs")
    parser.add_argument("-o", dest="output", metavar="PICTURE.png", required=True, help="picture: .png, .pdf or .svg")
    parser.add_argument("-frames", choices=("row", "files"), help="of fenchel ot -frames: in one picture, or one each")
    parser.add_argument("-overwrite", action="store_true", help="replace an existing picture")
    parser.add_argument("-dpi", type=int, default=130, help="dots an inch (130)")
    arguments = parser.parse_args()
    if os.path.exists(arguments.output) and not arguments.overwrite and arguments.frames != "files":
        raise Refused(f"{arguments.output} exists already and -overwrite was not given")
    opened = [open_result(path) for path in arguments.results]
    results, verb = [Result(file) for file, _ in opened], opened[0][1]
    if len(results) > 1 and not all(is_linear(result) for result in results):
        raise Refused("only results of fenchel mdp -mdp_rectangular d are drawn together")
    if arguments.frames == "files":
        write_frames(results[0], arguments.output, arguments.overwrite)
        return
    figure = plt.figure(figsize=(11, 7 if verb == "ot" else 4), constrained_layout=True)
    if arguments.frames:
        draw_frames(results[0], figure)
    elif verb == "ot":
        draw_transport(Transport(results[0].file), figure)
    elif verb == "bilevel":
        draw_bilevel(results[0], figure)
    elif is_linear(results[0]):
        draw_linear(results, figure)
    elif verb == "mdp":
        draw_mdp(results[0], figure)
    else:
        raise Refused(f"{arguments.results[0]} is a result of fenchel {verb}, which this program cannot draw")
    root, ending = os.path.splitext(arguments.output)
    temporary = f"{root}.tmp-{os.getpid()}{ending}"
    try:
        figure.savefig(temporary, dpi=arguments.dpi)
        os.replace(temporary, arguments.output)
    except (OSError, ValueError) as error:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise Refused(f"{arguments.output} cannot be written: {error}") from error
    print(f"picture   {arguments.output}")


if __name__ == "__main__":
    try:
        main()
    except Refused as refusal:
        print(f"fenchel: error: {refusal}", file=sys.stderr)
        sys.exit(2)
    except (KeyError, OSError, RuntimeError) as damage:  # h5py's
        print(f"fenchel: error: the result is damaged or lacks something: {damage}", file=sys.stderr)
        sys.exit(2)
