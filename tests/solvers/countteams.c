/* SPDX-License-Identifier: BSD-2-Clause */
/* Collective calls of MPI, counted and handed on; see countteams.h. Without PETSc's header, which renames some. */
#include "countteams.h"
#include <mpi.h>

CountTeams count_teams = {1, 0};

#define MOST 64

static void Count(MPI_Comm comm)
{
  MPI_Group mine, world;
  int       size, ranks[MOST], in_world[MOST], several = 0;

  PMPI_Comm_size(comm, &size);
  if (size < 2)
    return;
  PMPI_Comm_group(comm, &mine);
  PMPI_Comm_group(MPI_COMM_WORLD, &world);
  size = size < MOST ? size : MOST;
  for (int k = 0; k < size; k++)
    ranks[k] = k;
  PMPI_Group_translate_ranks(mine, size, ranks, world, in_world);
  for (int k = 1; k < size; k++)
    several |= in_world[k] / count_teams.size != in_world[0] / count_teams.size;
  count_teams.count += several;
  PMPI_Group_free(&mine);
  PMPI_Group_free(&world);
}

int MPI_Allreduce(const void *b, void *out, int n, MPI_Datatype t, MPI_Op op, MPI_Comm c)
{
  Count(c);
  return PMPI_Allreduce(b, out, n, t, op, c);
}

int MPI_Iallreduce(const void *b, void *out, int n, MPI_Datatype t, MPI_Op op, MPI_Comm c, MPI_Request *r)
{
  Count(c);
  return PMPI_Iallreduce(b, out, n, t, op, c, r);
}

int MPI_Reduce(const void *b, void *out, int n, MPI_Datatype t, MPI_Op op, int root, MPI_Comm c)
{
  Count(c);
  return PMPI_Reduce(b, out, n, t, op, root, c);
}

int MPI_Bcast(void *b, int n, MPI_Datatype t, int root, MPI_Comm c)
{
  Count(c);
  return PMPI_Bcast(b, n, t, root, c);
}

int MPI_Barrier(MPI_Comm c)
{
  Count(c);
  return PMPI_Barrier(c);
}

int MPI_Exscan(const void *b, void *out, int n, MPI_Datatype t, MPI_Op op, MPI_Comm c)
{
  Count(c);
  return PMPI_Exscan(b, out, n, t, op, c);
}

int MPI_Allgather(const void *b, int n, MPI_Datatype t, void *out, int m, MPI_Datatype u, MPI_Comm c)
{
  Count(c);
  return PMPI_Allgather(b, n, t, out, m, u, c);
}

int MPI_Allgatherv(const void *b, int n, MPI_Datatype t, void *out, const int m[], const int at[], MPI_Datatype u,
                   MPI_Comm c)
{
  Count(c);
  return PMPI_Allgatherv(b, n, t, out, m, at, u, c);
}

int MPI_Alltoall(const void *b, int n, MPI_Datatype t, void *out, int m, MPI_Datatype u, MPI_Comm c)
{
  Count(c);
  return PMPI_Alltoall(b, n, t, out, m, u, c);
}
