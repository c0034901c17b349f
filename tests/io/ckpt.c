/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Checkpoints: any number of ranks loads what any number saved, to the last bit; rotation; refusals; and no damage, of
   any kind and anywhere, is ever loaded.
*/
#include "statefix.h"
#include <petscviewer.h>
#include <sys/file.h>
#include <ckpt/ckptimpl.h>

static int rank, size;

static const FenCkptKey keys[] = {
    {"problem", "ot"}, {"n", "1000"}, {"eps", "0x1p-3"}, {"quote\"\\", "a\tb\nc \xc3\xbc"}};
#define NKEYS 4

static FenCkpt Open(MPI_Comm comm, const char dir[], PetscInt keep)
{
  FenCkptOptions options;
  FenCkpt        ckpt;

  FixtureOptions(&options, dir, keep);
  FEN_OK(FenCkptCreate(comm, &options, NKEYS, keys, &ckpt));
  return ckpt;
}

static void SaveSeed(FenCkpt ckpt, Fixture *f, FenInt seed)
{
  PetscBool saved;
  char      why[512];

  FixtureFill(f, seed);
  FEN_OK(FenCkptSave(ckpt, f->state, &saved, why, sizeof(why)));
  assert_string_equal(why, "");
  assert_true(saved);
}

/* the seed that was loaded, checked value for value, or 0 */
static FenInt LoadSeed(FenCkpt ckpt, Fixture *f, char notes[], size_t n)
{
  PetscBool loaded;
  int       ok;

  FEN_OK(FenCkptLoad(ckpt, f->state, &loaded, notes, n));
  if (!loaded)
    return 0;
  ok = FixtureCheck(f, f->iteration);
  MPI_Allreduce(MPI_IN_PLACE, &ok, 1, MPI_INT, MPI_MIN, f->comm);
  assert_true(ok);
  return f->iteration;
}

static void TestAnyRanks(void **state)
{
  char notes[4096], path[512];

  (void)state;
  for (int k = 1; k <= size; k++) {
    MPI_Comm sub = FirstRanks(k);
    Fixture  f;
    FenCkpt  ckpt;

    if (sub != MPI_COMM_NULL) {
      FixtureCreate(sub, 1000, &f);
      ckpt = Open(sub, ScratchPath("any"), 2);
      SaveSeed(ckpt, &f, k);
      FEN_OK(FenCkptDestroy(&ckpt));
      FixtureDestroy(&f);
      MPI_Comm_free(&sub);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    for (int j = 1; j <= size; j++) {
      sub = FirstRanks(j);
      if (sub == MPI_COMM_NULL)
        continue;
      double bytes;
      FixtureCreate(sub, 1000, &f);
      ckpt = Open(sub, ScratchPath("any"), 2);
      assert_int_equal(LoadSeed(ckpt, &f, notes, sizeof(notes)), k);
      assert_string_equal(notes, "");
      FEN_OK(FenCkptGetLast(ckpt, path, sizeof(path), &bytes, NULL));
      assert_true(strstr(path, "any/00000") && bytes > 8000.);
      FEN_OK(FenCkptDestroy(&ckpt));
      FixtureDestroy(&f);
      MPI_Comm_free(&sub);
    }
    MPI_Barrier(MPI_COMM_WORLD);
  }
}

static void TestRotation(void **state)
{
  Fixture f;
  FenCkpt ckpt;
  char    dir[300], notes[1024], path[700], text[32] = "";
  int     lock = -1;

  (void)state;
  snprintf(dir, sizeof(dir), "%s/deep/rotation", scratch);
  FixtureCreate(MPI_COMM_WORLD, 10, &f);
  ckpt = Open(MPI_COMM_WORLD, dir, 3);
  assert_int_equal(LoadSeed(ckpt, &f, notes, sizeof(notes)), 0); /* no folder yet */
  for (FenInt seed = 1; seed <= 5; seed++)
    SaveSeed(ckpt, &f, seed);
  assert_int_equal(ScratchCount(dir, "0"), 3);
  assert_int_equal(ScratchCount(dir, ""), 4); /* and LATEST */
  FEN_OK(FenCkptDestroy(&ckpt));
  /* left-overs of a dead process go, those of a living one stay */
  if (!rank) {
    snprintf(path, sizeof(path), "%s/.tmp-000009-999999999", dir);
    assert_int_equal(mkdir(path, 0755), 0);
    snprintf(path, sizeof(path), "%s/LATEST.tmp-999999999", dir);
    close(open(path, O_CREAT | O_WRONLY, 0644));
    snprintf(path, sizeof(path), "%s/.tmp-000009-1", dir);
    assert_int_equal(mkdir(path, 0755), 0);
    lock = open(path, O_RDONLY);
    assert_int_equal(flock(lock, LOCK_EX | LOCK_NB), 0);
    snprintf(path, sizeof(path), "%s/unrelated", dir);
    assert_int_equal(mkdir(path, 0755), 0);
  }
  MPI_Barrier(MPI_COMM_WORLD);
  ckpt = Open(MPI_COMM_WORLD, dir, 2);
  assert_int_equal(LoadSeed(ckpt, &f, notes, sizeof(notes)), 5);
  SaveSeed(ckpt, &f, 6);
  FEN_OK(FenCkptGetLast(ckpt, path, sizeof(path), NULL, NULL));
  assert_non_null(strstr(path, "rotation/000006"));
  assert_int_equal(ScratchCount(dir, "0"), 2);
  assert_int_equal(ScratchCount(dir, ".tmp-"), 1);
  assert_int_equal(ScratchCount(dir, "LATEST"), 1);
  if (lock >= 0)
    close(lock);
  assert_int_equal(ScratchCount(dir, "unrelated"), 1);
  if (!rank) {
    FILE *latest;
    snprintf(path, sizeof(path), "%s/LATEST", dir);
    latest = fopen(path, "r");
    assert_non_null(latest);
    assert_non_null(fgets(text, sizeof(text), latest));
    fclose(latest);
    assert_string_equal(text, "000006\n");
  }
  FEN_OK(FenCkptDestroy(&ckpt));
  FixtureDestroy(&f);
}

static void TestPermissions(void **state)
{
  Fixture     f;
  FenCkpt     ckpt;
  const char *names[] = {"mode", "mode/000001", "mode/000001/state.h5", "mode/000001/manifest.json", "mode/LATEST"};
  mode_t      old = umask(0);

  (void)state;
  FixtureCreate(MPI_COMM_WORLD, 10, &f);
  ckpt = Open(MPI_COMM_WORLD, ScratchPath("mode"), 2);
  SaveSeed(ckpt, &f, 1);
  for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
    struct stat st;
    assert_int_equal(stat(ScratchPath(names[k]), &st), 0);
    assert_int_equal(st.st_mode & 0022, 0);
  }
  umask(old);
  FEN_OK(FenCkptDestroy(&ckpt));
  FixtureDestroy(&f);
}

static void TestMismatch(void **state)
{
  Fixture          f, g;
  FenCkpt          ckpt;
  FenCkptOptions   options;
  PetscBool        loaded;
  char             notes[512];
  const FenCkptKey other[] = {{"problem", "mdp"}, {"n", "1000"}, {"states", "7"}};

  (void)state;
  FixtureCreate(MPI_COMM_WORLD, 10, &f);
  ckpt = Open(MPI_COMM_WORLD, ScratchPath("mismatch"), 2);
  SaveSeed(ckpt, &f, 1);
  FEN_OK(FenCkptDestroy(&ckpt));
  FixtureCreate(MPI_COMM_WORLD, 11, &g);
  FEN_OK(FenStateAddReal(g.state, "extra", &g.step));
  FixtureOptions(&options, ScratchPath("mismatch"), 2);
  FEN_OK(FenCkptCreate(MPI_COMM_WORLD, &options, 3, other, &ckpt));
  FEN_ERROR(FenCkptLoad(ckpt, g.state, &loaded, notes, sizeof(notes)), FEN_ERR_CKPT_MISMATCH,
            "problem: checkpoint ot, now mdp");
  assert_non_null(strstr(FenTestMessage(), "states: checkpoint (nothing), now 7"));
  assert_non_null(strstr(FenTestMessage(), "eps: checkpoint 0x1p-3, now (nothing)"));
  assert_non_null(strstr(FenTestMessage(), "state x: checkpoint array (10), now array (11)"));
  assert_non_null(strstr(FenTestMessage(), "state extra: checkpoint (nothing), now real (1)"));
  assert_null(strstr(FenTestMessage(), "n: checkpoint 1000"));
  assert_false(loaded);
  FEN_OK(FenCkptDestroy(&ckpt));
  FEN_ERROR(FenCkptCreate(MPI_COMM_WORLD, &(FenCkptOptions){.dir = "x", .keep = 1}, 0, NULL, &ckpt), FEN_ERR_OPTION,
            "must be between 2");
  FixtureDestroy(&f);
  FixtureDestroy(&g);
}

static void TestUnwritable(void **state)
{
  Fixture     f;
  FenCkpt     ckpt;
  PetscBool   saved = PETSC_TRUE;
  char        why[512];
  const char *dirs[] = {"file/below", "readonly"};

  (void)state;
  if (!rank) {
    close(open(ScratchPath("file"), O_CREAT | O_WRONLY, 0644));
    mkdir(ScratchPath("readonly"), 0555);
  }
  MPI_Barrier(MPI_COMM_WORLD);
  FixtureCreate(MPI_COMM_WORLD, 10, &f);
  FixtureFill(&f, 1);
  for (int k = 0; k < (geteuid() ? 2 : 1); k++) { /* root may write everywhere */
    ckpt = Open(MPI_COMM_WORLD, ScratchPath(dirs[k]), 2);
    FEN_OK(FenCkptSave(ckpt, f.state, &saved, why, sizeof(why)));
    assert_false(saved);
    assert_non_null(strstr(why, k ? "readonly" : "file/below: Not a directory"));
    FEN_OK(FenCkptDestroy(&ckpt));
  }
  FixtureDestroy(&f);
}

/* ---- damage ---- */

typedef struct {
  char   path[512];
  char  *data;
  size_t n;
} Pristine;

static void ReadPristine(Pristine *p)
{
  FILE *f = fopen(p->path, "rb");

  assert_non_null(f);
  fseek(f, 0, SEEK_END);
  p->n = (size_t)ftell(f);
  rewind(f);
  p->data = (char *)malloc(p->n);
  assert_int_equal(fread(p->data, 1, p->n, f), p->n);
  fclose(f);
}

static void WriteAt(const Pristine *p, size_t at, const char data[], size_t n)
{
  const int fd = open(p->path, O_WRONLY);

  assert_true(fd >= 0 && pwrite(fd, data, n, (off_t)at) == (ssize_t)n);
  close(fd);
}

/* kinds: flip, cut, zero 4 KiB, exchange two 4 KiB blocks, longer; returns where and how much to restore */
static void Damage(const Pristine *p, int kind, uint64_t trial, size_t *at, size_t *n)
{
  const size_t block = 4096;
  char         zero[4096] = {0}, byte;
  size_t       a = (size_t)(FenRandomUniform(3, trial, 0) * (double)p->n);
  size_t       b = (size_t)(FenRandomUniform(3, trial, 1) * (double)p->n);

  if (kind == 0) {
    byte = (char)(p->data[a] ^ (1 << trial % 8));
    WriteAt(p, a, &byte, 1);
  } else if (kind == 1)
    assert_int_equal(truncate(p->path, (off_t)a), 0);
  else if (kind == 4)
    WriteAt(p, p->n, "x", 1);
  else {
    a = PetscMin(a / block * block, (p->n - 1) / block * block);
    b = b / block * block;
    if (kind == 2 || a + block > p->n || b + block > p->n)
      WriteAt(p, a, zero, PetscMin(block, p->n - a));
    else {
      WriteAt(p, a, p->data + b, block);
      WriteAt(p, b, p->data + a, block);
    }
  }
  *at = kind == 1 ? a : kind == 3 ? 0 : a;
  *n = kind == 0 ? 1 : kind == 2 ? PetscMin(block, p->n - a) : p->n - *at;
}

static void Restore(const Pristine *p, int kind, size_t at, size_t n)
{
  WriteAt(p, at, p->data + at, n);
  if (kind == 4)
    assert_int_equal(truncate(p->path, (off_t)p->n), 0);
}

/* damages a file of the newer of two checkpoints: the older is loaded, or all is as it was saved */
static int Trials(FenCkpt ckpt, Fixture *f, Pristine *p, int kind, int trials)
{
  int    refused = 0;
  char   notes[4096];
  size_t at = 0, n = 0;

  for (int t = 0; t < trials; t++) {
    FenInt seed;
    if (!rank)
      Damage(p, kind, (uint64_t)(1000 * kind + t), &at, &n);
    MPI_Barrier(MPI_COMM_WORLD);
    seed = LoadSeed(ckpt, f, notes, sizeof(notes));
    assert_true((seed == 1 && strstr(notes, "checkpoint 000002 failed") && strstr(notes, "/000002/")) ||
                (seed == 2 && !notes[0]));
    refused += seed == 1;
    MPI_Barrier(MPI_COMM_WORLD);
    if (!rank)
      Restore(p, kind, at, n);
    MPI_Barrier(MPI_COMM_WORLD);
  }
  return refused;
}

static void TestDamage(void **state)
{
  const char *const files[2] = {"damage/000002/state.h5", "damage/000002/manifest.json"};
  const int         trials[5] = {200, 40, 20, 20, 2};
  Fixture           f;
  FenCkpt           ckpt;
  Pristine          p;
  char              notes[4096];

  (void)state;
  FixtureCreate(MPI_COMM_WORLD, 1200000, &f); /* 9.6 MB: two blocks */
  ckpt = Open(MPI_COMM_WORLD, ScratchPath("damage"), 2);
  SaveSeed(ckpt, &f, 1);
  SaveSeed(ckpt, &f, 2);
  for (int file = 0; file < 2; file++) {
    snprintf(p.path, sizeof(p.path), "%s", ScratchPath(files[file]));
    if (!rank)
      ReadPristine(&p);
    for (int kind = 0; kind < 5; kind++) {
      const int refused = Trials(ckpt, &f, &p, kind, file ? trials[kind] / 2 : trials[kind] / size);
      print_message("         %s damage %d: %d refused\n", files[file], kind, refused);
      /* a block exchanged with itself or with equal bytes is no damage; everything else is noticed */
      if (kind != 3 && kind != 2)
        assert_int_equal(refused, file ? trials[kind] / 2 : trials[kind] / size);
    }
    if (!rank)
      free(p.data);
  }
  assert_int_equal(LoadSeed(ckpt, &f, notes, sizeof(notes)), 2);
  assert_string_equal(notes, "");
  FEN_OK(FenCkptDestroy(&ckpt));
  FixtureDestroy(&f);
}

/* parts of two checkpoints exchanged, missing parts, all damaged */
static void TestExchange(void **state)
{
  Fixture   f;
  FenCkpt   ckpt;
  PetscBool loaded;
  char      notes[4096], a[512], b[512], c[512];
  FenInt    seed;

  (void)state;
  FixtureCreate(MPI_COMM_WORLD, 100, &f);
  ckpt = Open(MPI_COMM_WORLD, ScratchPath("exchange"), 3);
  for (FenInt s = 1; s <= 3; s++)
    SaveSeed(ckpt, &f, s);
  for (int k = 0; k < 4; k++) { /* state.h5, manifest.json, whole folder; a missing file */
    const char *const old[4] = {"exchange/000002/state.h5", "exchange/000002/manifest.json", "exchange/000002",
                                "exchange/none"};
    const char *const new[4] = {"exchange/000003/state.h5", "exchange/000003/manifest.json", "exchange/000003",
                                "exchange/000003/state.h5"};
    snprintf(a, sizeof(a), "%s", ScratchPath(old[k]));
    snprintf(b, sizeof(b), "%s", ScratchPath(new[k]));
    snprintf(c, sizeof(c), "%s", ScratchPath("aside"));
    for (int back = 0; back < 2; back++) {
      if (!rank && k < 3)
        assert_int_equal(rename(a, c) | rename(b, a) | rename(c, b), 0);
      else if (!rank)
        assert_int_equal(rename(back ? a : b, back ? b : a), 0);
      MPI_Barrier(MPI_COMM_WORLD);
      seed = LoadSeed(ckpt, &f, notes, sizeof(notes));
      assert_int_equal(seed, back ? 3 : k == 3 ? 2 : 1);
      MPI_Barrier(MPI_COMM_WORLD);
    }
  }
  if (!rank)
    for (int k = 1; k <= 3; k++) {
      snprintf(a, sizeof(a), "exchange/%06d/manifest.json", k);
      assert_int_equal(truncate(ScratchPath(a), 100), 0);
    }
  MPI_Barrier(MPI_COMM_WORLD);
  FEN_ERROR(FenCkptLoad(ckpt, f.state, &loaded, notes, sizeof(notes)), FEN_ERR_CKPT_NONE, "000001/manifest.json: byte");
  /* damaged ones are not counted among those kept, and go */
  SaveSeed(ckpt, &f, 4);
  SaveSeed(ckpt, &f, 5);
  assert_int_equal(ScratchCount(ScratchPath("exchange"), "0"), 2);
  assert_int_equal(LoadSeed(ckpt, &f, notes, sizeof(notes)), 5);
  FEN_OK(FenCkptDestroy(&ckpt));
  FixtureDestroy(&f);
}

/* manifests that are wrong although their checksum is right: the parser's own checks */
static void TestManifest(void **state)
{
  Fixture     f;
  FenCkpt     ckpt;
  Pristine    p;
  FenManifest m;
  int         parsed = 0;

  (void)state;
  FixtureCreate(MPI_COMM_WORLD, 100, &f);
  ckpt = Open(MPI_COMM_WORLD, ScratchPath("manifest"), 2);
  SaveSeed(ckpt, &f, 1);
  snprintf(p.path, sizeof(p.path), "%s", ScratchPath("manifest/000001/manifest.json"));
  ReadPristine(&p);
  for (uint64_t t = 0; t < 20000; t++) {
    FenFault          fault = {0};
    char             *text = (char *)malloc(p.n);
    uint64_t          hash[2];
    const int         edits = (int)(t % 3);
    size_t            n = p.n - 48;
    char              line[64];
    static const char letters[] = "0123456789\"[]{},:\\u-abcdef/.\n ";
    memcpy(text, p.data, p.n);
    for (int k = 0; k < edits; k++)
      text[(size_t)(FenRandomUniform(5, t, (uint32_t)k) * (double)n)] =
          letters[(size_t)(FenRandomUniform(5, t, (uint32_t)(10 + k)) * (double)(sizeof(letters) - 1))];
    if (t % 7 == 3)
      n = (size_t)(FenRandomUniform(5, t, 20) * (double)n);
    FenCkptHash_Private(text, n, hash);
    snprintf(line, sizeof(line), "\"checksum\": \"%016" PRIx64 "%016" PRIx64 "\"}\n", hash[0], hash[1]);
    memcpy(text + n, line, 48);
    FEN_OK(FenManifestParse_Private(text, n + 48, &m, &fault));
    assert_true(fault.code == 0 || fault.code == FEN_ERR_FILE_FORMAT);
    if (!edits && t % 7 != 3)
      assert_int_equal(fault.code, 0);
    parsed += !fault.code;
    FEN_OK(FenManifestDestroy_Private(&m));
    free(text);
  }
  assert_true(parsed > 5000 && parsed < 15000);
  free(p.data);
  FEN_OK(FenCkptDestroy(&ckpt));
  FixtureDestroy(&f);
}

static void TestInspect(void **state)
{
  Fixture     f;
  FenCkpt     ckpt;
  PetscViewer viewer;
  char        text[8192] = "", name[512];
  FILE       *report;
  size_t      n;

  (void)state;
  FixtureCreate(MPI_COMM_WORLD, 10, &f);
  ckpt = Open(MPI_COMM_WORLD, ScratchPath("inspect"), 2);
  SaveSeed(ckpt, &f, 1);
  SaveSeed(ckpt, &f, 2);
  if (!rank)
    assert_int_equal(truncate(ScratchPath("inspect/000002/state.h5"), 100), 0);
  snprintf(name, sizeof(name), "%s", ScratchPath("report.txt"));
  FEN_OK(PetscViewerASCIIOpen(MPI_COMM_WORLD, name, &viewer));
  FEN_OK(FenCkptInspect(MPI_COMM_WORLD, ScratchPath("inspect"), viewer));
  FEN_OK(PetscViewerDestroy(&viewer));
  MPI_Barrier(MPI_COMM_WORLD);
  report = fopen(name, "r");
  assert_non_null(report);
  n = fread(text, 1, sizeof(text) - 1, report);
  text[n] = 0;
  fclose(report);
  assert_non_null(strstr(text, "checkpoint 000001: intact"));
  assert_non_null(strstr(text, "checkpoint 000002: damaged: "));
  assert_non_null(strstr(text, "found 100"));
  assert_non_null(strstr(text, "eps = 0x1p-3"));
  assert_non_null(strstr(text, "history"));
  FEN_ERROR(FenCkptInspect(MPI_COMM_WORLD, ScratchPath("nowhere"), NULL), FEN_ERR_FILE_OPEN, "nowhere");
  FEN_OK(FenCkptDestroy(&ckpt));
  FixtureDestroy(&f);
}

static int Start(void **state)
{
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  return ScratchOpen(state);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(TestAnyRanks), cmocka_unit_test(TestRotation),   cmocka_unit_test(TestPermissions),
      cmocka_unit_test(TestMismatch), cmocka_unit_test(TestUnwritable), cmocka_unit_test(TestDamage),
      cmocka_unit_test(TestExchange), cmocka_unit_test(TestManifest),   cmocka_unit_test(TestInspect)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, Start, ScratchClose));
}
