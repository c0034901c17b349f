/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Maze: a cell a state, moves north, east, south, west, and staying; moves slip to either perpendicular side, moves
   into walls and borders stay. Every step costs 1; the goal, near the last corner, absorbs at no cost. Walls are
   terminal states. Without slipping V = (1 - gamma^d) / (1 - gamma), d the distance to the goal.

   Walls: carved by a depth-first walk (every rank carves the whole, a byte a cell); a tree whose cells open to the
   north or west by a hash, or random walls by a hash (some cells may not reach the goal): no memory, any size.
*/
#include "mdpproblemimpl.h"

#define FEN_MAZE_ACTIONS 5

enum { FEN_MAZE_DFS, FEN_MAZE_TREE, FEN_MAZE_RANDOM, FEN_MAZE_KINDS };
static const char *const fen_maze_kinds[FEN_MAZE_KINDS] = {"dfs", "tree", "random"};

typedef struct {
  FenInt   height, width;
  double   slip, density;
  uint64_t seed;
  PetscInt kind;
  char    *carved; /* 1: free; depth-first mazes */
} FenMaze;

static FenInt FenMazeGoal(const FenMaze *m)
{
  return (m->height - 2) * m->width + m->width - 2;
}

/* rooms are at odd coordinates; the room that a passage belongs to opens to its north or west */
static PetscBool FenMazeTreeFree(const FenMaze *m, FenInt y, FenInt x)
{
  const FenInt room_y = y | 1, room_x = x | 1; /* south or east of a passage, the room itself otherwise */
  PetscBool    north;

  if (y % 2 && x % 2)
    return PETSC_TRUE;
  if ((y % 2 == 0 && x % 2 == 0) || y == 0 || x == 0 || y == m->height - 1 || x == m->width - 1)
    return PETSC_FALSE;
  north = FenRandomUniform(m->seed, (uint64_t)(room_y * m->width + room_x), 0) < 0.5 ? PETSC_TRUE : PETSC_FALSE;
  if (room_y == 1)
    north = PETSC_FALSE;
  if (room_x == 1)
    north = PETSC_TRUE;
  return north == (y % 2 == 0 ? PETSC_TRUE : PETSC_FALSE) ? PETSC_TRUE : PETSC_FALSE;
}

static PetscBool FenMazeFree(const FenMaze *m, FenInt s)
{
  const FenInt y = s / m->width, x = s % m->width;

  if (m->kind == FEN_MAZE_DFS)
    return m->carved[s] ? PETSC_TRUE : PETSC_FALSE;
  if (m->kind == FEN_MAZE_TREE)
    return FenMazeTreeFree(m, y, x);
  return s == FenMazeGoal(m) || FenRandomUniform(m->seed, (uint64_t)s, 0) >= m->density ? PETSC_TRUE : PETSC_FALSE;
}

static FenInt FenMazeMove(const FenMaze *m, FenInt s, int direction)
{
  static const FenInt dy[4] = {-1, 0, 1, 0}, dx[4] = {0, 1, 0, -1};
  const FenInt        y = s / m->width + dy[direction], x = s % m->width + dx[direction];

  if (y < 0 || y >= m->height || x < 0 || x >= m->width || !FenMazeFree(m, y * m->width + x))
    return s;
  return y * m->width + x;
}

static PetscErrorCode FenMazeRows(void *ctx, FenInt s, int *n)
{
  PetscFunctionBegin;
  *n = FenMazeFree((const FenMaze *)ctx, s) ? FEN_MAZE_ACTIONS : 0;
  PetscFunctionReturn(0);
}

static PetscErrorCode FenMazeRow(void *ctx, FenInt s, int a, FenMDPRow *row)
{
  const FenMaze *m = (const FenMaze *)ctx;

  PetscFunctionBegin;
  row->reward = s == FenMazeGoal(m) ? 0 : 1;
  if (s == FenMazeGoal(m) || a == 4)
    FenMDPRowAdd(row, s, 1);
  else {
    FenMDPRowAdd(row, FenMazeMove(m, s, a), 1 - 2 * m->slip);
    FenMDPRowAdd(row, FenMazeMove(m, s, (a + 3) % 4), m->slip);
    FenMDPRowAdd(row, FenMazeMove(m, s, (a + 1) % 4), m->slip);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode FenMazeDestroy(void *ctx)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(((FenMaze *)ctx)->carved));
  PetscCall(PetscFree(ctx));
  PetscFunctionReturn(0);
}

/* one step of the walk: to a random neighbouring room that is still closed; FALSE if there is none */
static PetscBool FenMazeCarve(FenMaze *m, uint64_t step, FenInt room, FenInt *next)
{
  static const FenInt dy[4] = {-1, 0, 1, 0}, dx[4] = {0, 1, 0, -1};
  const FenInt        y = room / m->width, x = room % m->width;
  FenInt              choice[4];
  int                 n = 0, k;

  for (int d = 0; d < 4; d++) {
    const FenInt v = y + 2 * dy[d], u = x + 2 * dx[d];

    if (v > 0 && v < m->height && u > 0 && u < m->width && !m->carved[v * m->width + u])
      choice[n++] = d;
  }
  if (!n)
    return PETSC_FALSE;
  k = (int)choice[(int)(FenRandomUniform(m->seed, step, 0) * n)];
  *next = (y + 2 * dy[k]) * m->width + x + 2 * dx[k];
  m->carved[(y + dy[k]) * m->width + x + dx[k]] = m->carved[*next] = 1;
  return PETSC_TRUE;
}

static PetscErrorCode FenMazeWalk(FenMaze *m)
{
  const FenInt rooms = (m->height / 2) * (m->width / 2);
  FenInt      *stack, depth = 1;
  size_t       bytes, cells;

  PetscFunctionBegin;
  PetscCall(FenBytes(rooms, sizeof(FenInt), &bytes));
  cells = (size_t)(m->height * m->width);
  PetscCall(PetscMalloc(bytes, &stack));
  PetscCall(PetscMalloc(cells, &m->carved));
  PetscCall(PetscMemzero(m->carved, cells));
  stack[0] = m->width + 1;
  m->carved[stack[0]] = 1;
  for (uint64_t step = 0; depth > 0; step++) {
    FenInt next;

    if (FenMazeCarve(m, step, stack[depth - 1], &next))
      stack[depth++] = next;
    else
      depth--;
  }
  PetscCall(PetscFree(stack));
  PetscFunctionReturn(0);
}

PetscErrorCode FenMaze_Private(FenOptionItems PetscOptionsObject, FenMDPProblem *p)
{
  FenMaze *m;
  FenInt   n = 101;

  PetscFunctionBegin;
  PetscCall(PetscNew(&m));
  p->generator.ctx = m;
  p->generator.destroy = FenMazeDestroy;
  m->density = 0.3;
  PetscCall(FenMDPOptionSize_Private(PetscOptionsObject, p->comm, "-maze_n", "cells along a side, odd", 3, &n));
  m->height = m->width = n;
  PetscCall(FenMDPOptionInt_Private(PetscOptionsObject, p->comm, "-maze_width", "cells of a row, if not n, odd", 3,
                                    PETSC_MAX_INT, &m->width));
  FEN_MDP_CHECK(m->height % 2 && m->width % 2, p->comm, FEN_ERR_OPTION,
                "a maze of %" FENINT_FMT " x %" FENINT_FMT "; rule: odd sides", m->height, m->width);
  PetscCall(PetscOptionsEList("-maze_walls", "how walls are made", "FenMDPModelGenerate", fen_maze_kinds,
                              FEN_MAZE_KINDS, fen_maze_kinds[m->kind], &m->kind, NULL));
  PetscCall(FenMDPOptionReal_Private(PetscOptionsObject, p->comm, "-maze_density",
                                     "part of the cells that are random walls", 0, 1, &m->density));
  PetscCall(FenMDPOptionReal_Private(PetscOptionsObject, p->comm, "-maze_slip",
                                     "probability of slipping to one side; both have it", 0, 0.5, &m->slip));
  PetscCall(FenMDPOptionSeed_Private(PetscOptionsObject, p->comm, "-maze_seed", &m->seed));
  PetscCall(FenIntMult(m->height, m->width, &p->generator.nstates));
  if (m->kind == FEN_MAZE_DFS)
    PetscCall(FenMazeWalk(m));
  p->generator.nactions = FEN_MAZE_ACTIONS;
  p->generator.max_next = 3;
  p->generator.nrows = FenMazeRows;
  p->generator.row = FenMazeRow;
  p->sense = FEN_MDP_MIN;
  p->discount = 0.99;
  p->grid[0] = m->height;
  p->grid[1] = m->width;
  PetscFunctionReturn(0);
}
