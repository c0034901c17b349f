/* SPDX-License-Identifier: BSD-2-Clause */
/* MPI's calls that send, counted and handed on; see countmpi.h. Without PETSc's header, which renames some of them. */
#include "countmpi.h"
#include <mpi.h>

BenchSent bench_sent;

#define PERSISTENT 4096
static struct {
  MPI_Request request;
  double      bytes;
} persistent[PERSISTENT];

static double Bytes(int count, MPI_Datatype type)
{
  int size;

  PMPI_Type_size(type, &size);
  return (double)count * size;
}

static void Sent(int count, MPI_Datatype type, int dest)
{
  if (dest == MPI_PROC_NULL)
    return;
  bench_sent.messages++;
  bench_sent.bytes += Bytes(count, type);
}

static void Collected(int count, MPI_Datatype type)
{
  bench_sent.collectives++;
  bench_sent.collected += Bytes(count, type);
}

int MPI_Send(const void *b, int n, MPI_Datatype t, int dest, int tag, MPI_Comm c)
{
  Sent(n, t, dest);
  return PMPI_Send(b, n, t, dest, tag, c);
}

int MPI_Isend(const void *b, int n, MPI_Datatype t, int dest, int tag, MPI_Comm c, MPI_Request *r)
{
  Sent(n, t, dest);
  return PMPI_Isend(b, n, t, dest, tag, c, r);
}

int MPI_Issend(const void *b, int n, MPI_Datatype t, int dest, int tag, MPI_Comm c, MPI_Request *r)
{
  Sent(n, t, dest);
  return PMPI_Issend(b, n, t, dest, tag, c, r);
}

int MPI_Sendrecv(const void *b, int n, MPI_Datatype t, int dest, int tag, void *rb, int rn, MPI_Datatype rt, int src,
                 int rtag, MPI_Comm c, MPI_Status *s)
{
  Sent(n, t, dest);
  return PMPI_Sendrecv(b, n, t, dest, tag, rb, rn, rt, src, rtag, c, s);
}

int MPI_Send_init(const void *b, int n, MPI_Datatype t, int dest, int tag, MPI_Comm c, MPI_Request *r)
{
  const int error = PMPI_Send_init(b, n, t, dest, tag, c, r);

  for (int k = 0; k < PERSISTENT; k++)
    if (persistent[k].bytes == 0) {
      persistent[k].request = *r;
      persistent[k].bytes = Bytes(n, t);
      break;
    }
  return error;
}

int MPI_Request_free(MPI_Request *r)
{
  for (int k = 0; k < PERSISTENT; k++)
    if (persistent[k].bytes > 0 && persistent[k].request == *r)
      persistent[k].bytes = 0;
  return PMPI_Request_free(r);
}

static void Started(MPI_Request r)
{
  for (int k = 0; k < PERSISTENT; k++)
    if (persistent[k].bytes > 0 && persistent[k].request == r) {
      bench_sent.messages++;
      bench_sent.bytes += persistent[k].bytes;
    }
}

int MPI_Start(MPI_Request *r)
{
  Started(*r);
  return PMPI_Start(r);
}

int MPI_Startall(int n, MPI_Request r[])
{
  for (int k = 0; k < n; k++)
    Started(r[k]);
  return PMPI_Startall(n, r);
}

int MPI_Allreduce(const void *b, void *out, int n, MPI_Datatype t, MPI_Op op, MPI_Comm c)
{
  Collected(n, t);
  return PMPI_Allreduce(b, out, n, t, op, c);
}

int MPI_Allgather(const void *b, int n, MPI_Datatype t, void *out, int m, MPI_Datatype u, MPI_Comm c)
{
  Collected(n, t);
  return PMPI_Allgather(b, n, t, out, m, u, c);
}

int MPI_Allgatherv(const void *b, int n, MPI_Datatype t, void *out, const int m[], const int at[], MPI_Datatype u,
                   MPI_Comm c)
{
  Collected(n, t);
  return PMPI_Allgatherv(b, n, t, out, m, at, u, c);
}

int MPI_Bcast(void *b, int n, MPI_Datatype t, int root, MPI_Comm c)
{
  Collected(0, t);
  return PMPI_Bcast(b, n, t, root, c);
}
