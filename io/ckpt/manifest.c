/* SPDX-License-Identifier: BSD-2-Clause */
/*
   manifest.json: what a checkpoint holds and how its bytes hash; JSON, one item a line, its own hash on the last line.
*/
#include "ckptimpl.h"
#include <xxhash.h>

void FenCkptHash_Private(const void *bytes, size_t n, uint64_t hash[2])
{
  const XXH128_hash_t h = XXH3_128bits(bytes, n);

  hash[0] = h.high64;
  hash[1] = h.low64;
}

PetscErrorCode FenManifestDestroy_Private(FenManifest *m)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(m->keys));
  PetscCall(PetscFree(m->keynames));
  PetscCall(PetscFree(m->items));
  PetscCall(PetscFree(m->hashes));
  PetscCall(PetscMemzero(m, sizeof(*m)));
  PetscFunctionReturn(0);
}

static PetscErrorCode PutString(FenText *t, const char s[])
{
  PetscFunctionBegin;
  PetscCall(FenTextPut_Private(t, "\""));
  for (const unsigned char *p = (const unsigned char *)s; *p; p++) {
    if (*p == '"' || *p == '\\')
      PetscCall(FenTextPut_Private(t, "\\%c", *p));
    else if (*p < 32)
      PetscCall(FenTextPut_Private(t, "\\u%04x", *p));
    else
      PetscCall(FenTextPut_Private(t, "%c", *p));
  }
  PetscCall(FenTextPut_Private(t, "\""));
  PetscFunctionReturn(0);
}

static PetscErrorCode PutData(FenText *t, const FenCkptData *data)
{
  PetscFunctionBegin;
  PetscCall(FenTextPut_Private(t, "{\"path\": "));
  PetscCall(PutString(t, data->path));
  PetscCall(FenTextPut_Private(t, ", \"type\": \"%s\", \"shape\": [", data->integers ? "int64" : "float64"));
  for (PetscInt a = 0; a < data->rank; a++)
    PetscCall(FenTextPut_Private(t, "%s%" PRId64, a ? ", " : "", data->shape[a]));
  PetscCall(FenTextPut_Private(t, "], \"offset\": %" PRId64 "}", data->offset));
  PetscFunctionReturn(0);
}

static PetscErrorCode PutItem(FenText *t, const FenCkptItem *item)
{
  PetscFunctionBegin;
  PetscCall(FenTextPut_Private(t, "{\"name\": "));
  PetscCall(PutString(t, item->name));
  PetscCall(FenTextPut_Private(t, ", \"kind\": \"%s\", \"fingerprint\": \"%016" PRIx64 "%016" PRIx64 "\", \"data\": [",
                               FenCkptKindNames_Private[item->kind], item->fingerprint.lane[0],
                               item->fingerprint.lane[1]));
  for (PetscInt d = 0; d < item->ndata; d++) {
    PetscCall(FenTextPut_Private(t, "%s", d ? ", " : ""));
    PetscCall(PutData(t, &item->data[d]));
  }
  PetscCall(FenTextPut_Private(t, "]}"));
  PetscFunctionReturn(0);
}

static PetscErrorCode PutKey(FenText *t, const FenCkptKey *key)
{
  PetscFunctionBegin;
  PetscCall(FenTextPut_Private(t, "{\"name\": "));
  PetscCall(PutString(t, key->name));
  PetscCall(FenTextPut_Private(t, ", \"value\": "));
  PetscCall(PutString(t, key->value));
  PetscCall(FenTextPut_Private(t, "}"));
  PetscFunctionReturn(0);
}

/* the form that FenManifestParse_Private() takes, to the letter */
PetscErrorCode FenManifestPrint_Private(const FenManifest *m, char **text, size_t *n)
{
  FenText  t = {NULL, 0, 0};
  uint64_t hash[2];

  PetscFunctionBegin;
  PetscCall(FenTextPut_Private(
      &t, "{\"format\": \"fenchel-checkpoint\",\n\"format_version\": %d,\n\"suite\": ", FEN_CKPT_FORMAT));
  PetscCall(PutString(&t, m->suite));
  PetscCall(FenTextPut_Private(&t, ",\n\"number\": %" PRId64 ",\n\"keys\": [\n", m->number));
  for (PetscInt i = 0; i < m->nkeys; i++) {
    PetscCall(PutKey(&t, &m->keys[i]));
    PetscCall(FenTextPut_Private(&t, "%s\n", i + 1 < m->nkeys ? "," : ""));
  }
  PetscCall(FenTextPut_Private(&t, "],\n\"entries\": [\n"));
  for (PetscInt i = 0; i < m->nitems; i++) {
    PetscCall(PutItem(&t, &m->items[i]));
    PetscCall(FenTextPut_Private(&t, "%s\n", i + 1 < m->nitems ? "," : ""));
  }
  PetscCall(FenTextPut_Private(&t,
                               "],\n\"file\": \"state.h5\",\n\"size\": %" PRId64 ",\n\"block\": %" PRId64
                               ",\n\"hash\": \"XXH3-128\",\n\"hashes\": [\n",
                               m->size, FEN_CKPT_BLOCK));
  for (FenInt b = 0; b < m->nhashes; b++)
    PetscCall(FenTextPut_Private(&t, "\"%016" PRIx64 "%016" PRIx64 "\"%s\n", m->hashes[2 * b], m->hashes[2 * b + 1],
                                 b + 1 < m->nhashes ? "," : ""));
  PetscCall(FenTextPut_Private(&t, "],\n"));
  FenCkptHash_Private(t.text, t.used, hash);
  PetscCall(FenTextPut_Private(&t, "\"checksum\": \"%016" PRIx64 "%016" PRIx64 "\"}\n", hash[0], hash[1]));
  *text = t.text;
  *n = t.used;
  PetscFunctionReturn(0);
}
