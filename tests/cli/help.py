#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Help, version, verbs and options that do not exist."""
import clitest

check = clitest.Checks()

for word in ("--help", "-help", "-h", "help"):
    result = clitest.run(word)
    check.that(result.status == 0 and "fenchel verify" in result.out, f"fenchel {word} prints the verbs", result)
result = clitest.run("--version")
check.that(result.status == 0 and result.out.split()[0] == "fenchel" and result.out.count(".") == 2, "version", result)
result = clitest.run()
check.that(result.status == 2 and "Usage" in result.err, "no verb is wrong usage", result)
result = clitest.run("--help")
for verb in ("ot", "bilevel", "mdp", "verify", "info", "plot"):
    check.that(f"fenchel {verb} " in result.out, f"{verb} is listed", result)

result = clitest.run("ott")
check.refused(result, "misspelt verb", "'ott'", "'ot'")

# every option with its default, for one rank and for two
names = ["-source", "-target", "-source_kind", "-target_shape", "-source_resize", "-ot_type", "-ot_eps", "-ot_cost",
         "-ot_cost_matrix", "-ot_gap_rel", "-ot_marginal_tol", "-ot_max_it", "-ot_normalize", "-o", "-overwrite",
         "-summary",
         "-plan_threshold", "-map", "-store_cost", "-ckpt_dir", "-ckpt_interval", "-ckpt_keep", "-restart", "-walltime",
         "-ot_monitor", "-ot_view"]
for ranks in (0, 2):
    result = clitest.run("ot", "-help", ranks=ranks)
    check.that(result.status == 0, "fenchel ot -help ends with status 0", result)
    listed = [line.split()[0] for line in result.out.splitlines() if line.startswith("  -")]
    for name in names:
        check.that(listed.count(name) == 1, f"fenchel ot -help lists {name} once", result)
    check.that("<600>" in result.out.replace(".", ""), "the default of -ckpt_interval is shown", result)
names = ["-model", "-problem", "-matrix_free", "-mdp_type", "-mdp_discount", "-mdp_gap", "-mdp_gap_rel", "-mdp_max_it",
         "-mdp_ambiguity", "-mdp_radius", "-mdp_penalty", "-mdp_alpha", "-mdp_sense",
         "-mdp_criterion", "-mdp_horizon", "-o", "-overwrite", "-summary", "-store_model", "-ckpt_dir", "-restart",
         "-walltime", "-n", "-gridworld_n", "-garnet_branching", "-mdp_monitor", "-mdp_view"]
result = clitest.run("mdp", "-help", ranks=2)
listed = [line.split()[0] for line in result.out.splitlines() if line.startswith("  -")]
for name in names:
    check.that(listed.count(name) == 1, f"fenchel mdp -help lists {name} once", result)
for verb in ("verify", "info"):
    result = clitest.run(verb, "-help")
    check.that(result.status == 0 and f"fenchel {verb}" in result.out, f"fenchel {verb} -help", result)
result = clitest.run("plot", "-h")
check.that(result.status == 0 and "PICTURE" in result.out, "fenchel plot -h", result)

with clitest.folder() as place:
    data = clitest.measures(place + "/m.h5")
    base = ["ot", "-source", data, "-target", data, "-ot_eps", "0.1"]
    for wrong, right in (("-ot_epz", "-ot_eps"), ("-ot_gaprel", "-ot_gap_rel"), ("-sumary", "-summary"),
                         ("-ckpt_intervall", "-ckpt_interval"), ("-overwrit", "-overwrite")):
        result = clitest.run(*base, wrong, "1", ranks=2)
        check.refused(result, f"unknown option {wrong}", f"unknown option {wrong};", f"did you mean {right}\\?")
    check.refused(clitest.run(*base, "-completely_different_thing", "1"), "unknown option",
                  "-completely_different_thing")
    check.refused(clitest.run("info", data, "-nosuch"), "unknown option of info", "-nosuch")
    result = clitest.run(*base[:-1], "abc", ranks=2)
    check.refused(result, "a word where a number belongs", "abc")
    check.that("-ot_eps" in result.err, "the option with the wrong word is named", result)
    check.refused(clitest.run(*base, "-ot_type", "sinkhron"), "unknown type", "sinkhron")
    check.refused(clitest.run(*base, "-ot_cost", "cubic"), "unknown cost", "cubic")
    check.refused(clitest.run("ot", data, data), "a stray word", data)
    check.refused(clitest.run("ot", "-source", data), "no target", "-target")
    check.refused(clitest.run("verify"), "verify without a file", "RESULT.h5")
    check.refused(clitest.run(*base, "-restart"), "restart without a folder", "-ckpt_dir")
    check.refused(clitest.run(*base, "-ckpt_keep", "1", "-ckpt_dir", place + "/c"), "one checkpoint", "-ckpt_keep 1")
    check.refused(clitest.run(*base, "-map"), "a map without a result", "-o")
for wrong, right in (("-mdp_discont", "-mdp_discount"), ("-mdp_radus", "-mdp_radius"), ("-gridworld_m", "-gridworld_n"),
                     ("-mdp_tipe", "-mdp_type")):
    result = clitest.run("mdp", "-problem", "gridworld", wrong, "1", ranks=2)
    check.refused(result, f"unknown option {wrong}", f"unknown option {wrong};", f"did you mean {right}\\?")
check.refused(clitest.run("mdp", "-problem", "forest", "-ot_eps", "1"), "an option of another verb", "-ot_eps")
check.finish()
