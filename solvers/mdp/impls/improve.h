/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What the methods that evaluate policies share: mpi, ipi, pi, ppi and auto are settings of one engine, so that they
   have one state, one safeguard and one description.

   An iteration: evaluate the greedy policy of the last sweep in some way, sweep at the outcome, smooth by some more
   sweeps.
*/
#pragma once
#include "policysystem.h"

typedef enum {
  FEN_EVALUATE_LOOK,   /* a few sweeps of T_pi, whose contraction "auto" looks at */
  FEN_EVALUATE_SWEEPS, /* sweeps of T_pi until the span is small against that of TV - V */
  FEN_EVALUATE_NEWTON, /* one linear solve to a forcing term */
  FEN_EVALUATE_EXACT,  /* linear solves until rounding */
  FEN_EVALUATE_PARTIAL /* linear solves with nature's laws renewed, to a tolerance that falls */
} FenEvaluation;

typedef struct {
  /* options */
  PetscInt        sweeps_max; /* of T_pi at most */
  double          inner;      /* they stop at this share of the span of TV - V */
  PetscInt        smooth;     /* sweeps of T after a linear solve */
  double          forcing;    /* largest forcing term */
  FenEvaluation   first;      /* what a new solve starts with */
  FenPolicySystem system;
  /* state */
  FenInt            kind;                 /* FenEvaluation */
  double            norm_before;          /* of TV - V one iteration ago */
  double            best;                 /* smallest norm so far */
  FenInt            stale;                /* iterations since it fell */
  FenInt            strict;               /* every iteration must lower it */
  FenInt            refused;              /* solves in a row that were thrown away */
  double            tolerance;            /* partial: of the present evaluation */
  FenInt            looked;               /* auto: iterations since the method was chosen, or since the start */
  double            rate;                 /* auto: factor by which the norm fell, each sweep of T or T_pi */
  FenInt            watched;              /* auto: why the method was chosen */
  double            mark_norm, mark_work; /* auto: norm and work at the last judgement */
  FenProgressOfNorm step;                 /* of Newton steps on one colour */
} FenImprove;

/* allocates s->data, sets all operations but setfromoptions and create's defaults */
PETSC_INTERN PetscErrorCode FenImproveCreate(FenSolver, FenEvaluation);
PETSC_INTERN PetscErrorCode FenImproveOptionsSweeps(FenImprove *, PetscOptionItems *);
PETSC_INTERN PetscErrorCode FenImproveOptionsNewton(FenImprove *, PetscOptionItems *);
/* auto: called after each iteration, which began with this norm; may set kind, or undo a linear solve, after which X is
   the TV of its beginning unless it failed */
PETSC_INTERN PetscErrorCode FenImproveChoose(FenMDP, FenImprove *, double norm, PetscBool failed);
