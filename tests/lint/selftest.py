#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Shows that each lint finds what it looks for: a tree with one violation of each kind, and a tree without any."""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(sys.argv[1])
LICENCE = "/* SPDX-License-Identifier: BSD-2-Clause */\n"
NOTE = "TO" + "DO"

# a small tree that every lint accepts
CLEAN = {
    "comm/fenchelsys.h": "#pragma once\n#include <mpi.h>\n#define FEN_EXTERN extern\nFEN_EXTERN int FenOne(void);\n",
    "comm/compat.h": "#pragma once\n#define FEN_OLD PETSC_VERSION_LT(3, 19, 0)\n",
    "comm/one.c": "#include <fenchelsys.h>\nint FenOne(void)\n{\n  return 1;\n}\n",
    "io/fenchelio.h": "#pragma once\n#include <hdf5.h>\n",
    "solvers/fenchelsolver.h": "#pragma once\n",
    "solvers/linalg/dense.c": "void FenGrid(int c)\n{\n  Cblacs_gridexit(c); /* blacs_ */\n}\n",
    "solvers/text.c": '/* printf("MPI_COMM_WORLD"); exit(1) */\nconst char *FenText = "printf( COMM_WORLD exit(";\n',
    "jobs/main.c": "#include <fenchelsys.h>\nint main(void)\n{\n  return MPI_COMM_WORLD == 0;\n}\n",
}

# (lint, file, text without the licence line, words of the report)
VIOLATIONS = (
    ("format", "comm/bad.c", "int  x;\n", "not formatted"),
    ("includes", "comm/bad.c", "#include <fenchelio.h>\n", "comm/ must not include fenchelio.h of io/"),
    ("includes", "io/bad.c", "#include <fenchelsolver.h>\n", "io/ must not include"),
    ("includes", "problems/bad.c", '#include "fenchelsolver.h"\n', "problems/ must not include"),
    ("includes", "solvers/bad.c", "#include <fenchelio.h>\n", "solvers/ must not include"),
    ("includes", "solvers/bad.c", "#include <hdf5.h>\n", "hdf5.h is included below io/ only"),
    ("includes", "solvers/ot/bad.c", "int x = numroc_(0);\n", "below solvers/linalg/ only"),
    ("includes", "comm/bad.c", "MPI_Comm c = MPI_COMM_WORLD;\n", "uses the communicator it is given"),
    ("includes", "problems/bad.c", "MPI_Comm c = PETSC_COMM_WORLD;\n", "uses the communicator it is given"),
    ("includes", "comm/bad.c", 'void f(void)\n{\n  printf("x");\n}\n', "a library does not print"),
    ("includes", "io/bad.c", 'void f(void)\n{\n  fprintf(stderr, "x");\n}\n', "a library does not print"),
    ("includes", "io/bad.c", 'void f(void)\n{\n  PetscCall(PetscPrintf(c, "x"));\n}\n', "a library does not print"),
    ("includes", "comm/bad.c", "void f(void)\n{\n  exit(1);\n}\n", "does not end the program"),
    ("includes", "comm/bad.c", "void f(void)\n{\n  abort();\n}\n", "does not end the program"),
    ("includes", "solvers/bad.c", "void f(void)\n{\n  signal(15, f);\n}\n", "signal() is not reliable"),
    ("includes", "solvers/bad.c", "void f(void)\n{\n  sigaction(15, 0, 0);\n}\n", "handlers are set in"),
    ("includes", "comm/bad.c", "#if PETSC_VERSION_GE(3, 19, 0)\n#endif\n", "told apart in comm/compat.h only"),
    ("includes", "comm/bad.c", "void f(void)\n{\n  strcpy(a, b);\n}\n", "has a safe sister"),
    ("includes", "comm/fenchelbad.h", '#include "compat.h"\n', "a public header must not include"),
    ("includes", "docs/tutorials/bad.c", "#include <compat.h>\n", "public headers only"),
    ("size", "comm/bad.c", "\n" * 900 + "int x;\n", "902 lines, at most 800"),
    ("size", "comm/bad.c", "void f(void)\n{\n" + "  g();\n" * 119 + "}\n", "a function of 121 lines"),
    ("size", "comm/bad.c", "/* " + "x" * 120 + " */\n", "126 columns"),
    ("size", "comm/bad.c", f"/* {NOTE} later */\n", NOTE),
    ("size", "docs/bad.md", f"{NOTE} later\n", NOTE),
    ("size", "comm/bad.c", "void f(void)\n{\n" + "  {\n" * 5 + "  }\n" * 5 + "}\n", "nested 5 deep"),
    ("size", "jobs/bad.sh", "echo\n", "name the licence"),
    ("words", "docs/bad.md", "see /work/shared/x\n", "a folder of one machine"),
    ("words", "jobs/bad.sh", "cd /home/somebody/x\n", "a home folder"),
    ("words", "docs/bad.md", "write to some.body@example.org\n", "the address of a person"),
    ("words", "jobs/bad.sh", "issues show 2\n", "a tool of one workplace"),
)
SYMBOLS = (
    ("int FenOne(void);\nint FenOne(void) { return 1; }\nint helper;\n", "helper is exported without the prefix"),
    ("static int x;\nint *FenTwo(void);\nint *FenTwo(void) { return &x; }\n", "FenOne is declared FEN_EXTERN but not"),
    ('int FenOne(void) { return 1; }\n__attribute__((visibility("hidden"))) int solve(void) { return 1; }\n',
     "solve is global without the prefix"),
)


def write(root, path, text):
    full = os.path.join(root, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "w", encoding="utf-8") as handle:
        handle.write((LICENCE if path.endswith((".c", ".h")) else "") + text)


def tree(root):
    for path, text in CLEAN.items():
        write(root, path, text)
    with open(os.path.join(ROOT, ".clang-format"), encoding="utf-8") as handle:
        write(root, "./.clang-format", handle.read())


def run(lint, root, *arguments):
    result = subprocess.run([sys.executable, os.path.join(HERE, f"{lint}.py"), root, *arguments],
                            capture_output=True, text=True)
    return result.returncode, result.stdout + result.stderr


def expect(condition, what, output):
    if not condition:
        sys.exit(f"FAIL: {what}\n{output}")


def check_symbols(text, sentence):
    with tempfile.TemporaryDirectory() as root:
        tree(root)
        write(root, "library.c", text)
        for arguments in ("-c -fPIC library.c -o library.o", "-shared library.o -o library.so"):
            subprocess.run(["cc", *arguments.split()], cwd=root, check=True)
        write(root, "./objects", "library.o\n")
        os.chdir(root)
        status, output = run("symbols", root, os.path.join(root, "library.so"), os.path.join(root, "objects"))
        os.chdir(HERE)
        if sentence is None:
            expect(status == 0, "symbols.py refuses a clean library", output)
        else:
            expect(status == 1 and sentence in output, f"symbols.py does not say '{sentence}'", output)


def main():
    with tempfile.TemporaryDirectory() as root:
        for lint in ("includes", "size", "words"):
            status, output = run(lint, root)
            expect(status == 1 and "nothing to look at" in output, f"{lint}.py accepts an empty tree", output)
        tree(root)
        for lint in ("format", "includes", "size", "words"):
            status, output = run(lint, root)
            if (lint, status) != ("format", 77):
                expect(status == 0, f"{lint}.py refuses the clean tree", output)
    for lint, path, text, sentence in VIOLATIONS:
        with tempfile.TemporaryDirectory() as root:
            tree(root)
            write(root, path, text)
            status, output = run(lint, root)
            if (lint, status) == ("format", 77):
                continue
            expect(status == 1 and sentence in output and path in output,
                   f"{lint}.py does not say '{sentence}' about {path}:\n{text[:200]}", output)
    check_symbols("int FenOne(void);\nint FenOne(void) { return 1; }\n", None)
    for text, sentence in SYMBOLS:
        check_symbols(text, sentence)
    print(f"{len(VIOLATIONS) + len(SYMBOLS)} violations found")


main()
