/* SPDX-License-Identifier: BSD-2-Clause */
/* What the two files of a FenColoured share. */
#pragma once
#include "coloured.h"
#include "bellmanimpl.h"

enum { FEN_RED, FEN_BLACK };

struct _FenColoured {
  FenBellman    b;
  int           colours;     /* 2, or 1: no colours, all states are "red" and improved one chunk after the other */
  FenInt        chunks[2];   /* of red and of black states */
  FenInt        n;           /* positions: red states, what fills their last chunk, black states, the same */
  int          *position;    /* of my states, then of ghosts */
  int          *state;       /* at a position, -1: none */
  FenChunkStore rows;        /* of all actions, staying eliminated */
  double       *scale;       /* FEN_LANES a slot: 1 / (1 - discount p(s,s)) */
  FenChunkStore kept;        /* of the policy */
  FenPacked     packed;      /* the same */
  double       *kept_scale;  /* n */
  FenChunks     negative;    /* the same with the other sign of the discount */
  int          *kept_action; /* what is extracted, -1: nothing */
  PetscSF       exchange[2]; /* of red and of black ghosts; NULL on one rank */
  double       *x, *y;       /* n + ghosts: the iterate, and work */
  double       *image;       /* n */
  int          *policy;      /* n */
};

static inline FenInt FenColouredFirst(const struct _FenColoured *C, int colour)
{
  return colour == FEN_RED ? 0 : C->chunks[FEN_RED];
}
/* x of the ghosts of a colour */
PETSC_INTERN PetscErrorCode FenColouredExchange_Private(FenColoured, int colour, double x[]);
PETSC_INTERN PetscErrorCode FenColouredPolicyCreate_Private(FenColoured);
