/* SPDX-License-Identifier: BSD-2-Clause */
/*
   HDF5's errors in our words, and how files are accessed. HDF5 prints nothing: the innermost message of its error stack
   goes into ours.
*/
#include "h5impl.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORDS 256

/* no message on standard error; no filter plugins, which would run code that a file names; no clean-up at the end of
   the process: a file that could not be closed, on a full disk, would be closed again there, after MPI has gone */
void FenH5Initialize_Private(void)
{
  (void)H5dont_atexit();
  (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  (void)H5PLset_loading_state(0);
}

/* the system's words, where HDF5 has packed them between times, addresses and numbers */
static const char *SystemWords(const char text[], int *n)
{
  static const char mark[] = "error message = '";
  const char       *start = strstr(text, mark);

  if (!start)
    return NULL;
  start += sizeof(mark) - 1;
  *n = (int)strcspn(start, "'");
  return start;
}

static herr_t Innermost(unsigned n, const H5E_error2_t *error, void *words)
{
  const char *text = error->desc ? error->desc : "", *system;
  char        minor[WORDS / 2] = "";
  int         length = 0;

  if (n > 0)
    return 0;
  (void)H5Eget_msg(error->min_num, NULL, minor, sizeof(minor));
  system = SystemWords(text, &length);
  if (system)
    (void)snprintf((char *)words, WORDS, "%.*s: %.*s (%.100s)", (int)PetscMin(strcspn(text, ":,"), 60), text,
                   PetscMin(length, 80), system, minor);
  else
    (void)snprintf((char *)words, WORDS, "%.120s (%.100s)", text, minor);
  return 0;
}

void FenH5Fault_Private(const FenH5Where *where, const char call[], FenFault *fault)
{
  char words[WORDS] = "no further message";

  (void)H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, Innermost, words);
  (void)H5Eclear2(H5E_DEFAULT);
  FenFaultSet(fault, where->code, "file '%.400s'%s%.200s%s: HDF5's %.*s says: %s", where->file,
              where->path ? ", object '" : "", where->path ? where->path : "", where->path ? "'" : "",
              (int)strcspn(call, "("), call, words);
}

void FenH5Release_Private(hid_t *id)
{
  if (*id >= 0)
    (void)H5Idec_ref(*id);
  *id = H5I_INVALID_HID;
}

/* descriptors of this process that lead to the file lead to memory from now on */
static void Divert(const char path[])
{
  DIR           *stream = opendir("/proc/self/fd");
  struct dirent *entry;
  struct stat    file, st;
  int            memory = memfd_create("fenchel", MFD_CLOEXEC);

  if (memory < 0)
    memory = open("/dev/null", O_RDWR | O_CLOEXEC);
  while (stream && memory >= 0 && stat(path, &file) == 0 && (entry = readdir(stream))) {
    const int fd = (int)strtol(entry->d_name, NULL, 10);
    if (fd > 2 && fstat(fd, &st) == 0 && st.st_dev == file.st_dev && st.st_ino == file.st_ino)
      (void)dup2(memory, fd);
  }
  if (stream)
    (void)closedir(stream);
  if (memory >= 0)
    (void)close(memory);
}

/* HDF5 1.10 cannot close a file that it cannot flush, and crashes when the program ends. What it still wants to write
   to a file that is given up, it may write */
void FenH5Abandon_Private(const char path[], hid_t *id)
{
  if (*id >= 0)
    Divert(path);
  FenH5Release_Private(id);
}

/* object headers with checksums; closing the file closes all that is open in it */
hid_t FenH5AccessList_Private(const FenH5Where *where, MPI_Comm comm, FenFault *fault)
{
  hid_t  list = H5I_INVALID_HID;
  herr_t code;

  FenCallH5(where, fault, list, H5Pcreate(H5P_FILE_ACCESS));
  FenCallH5(where, fault, code, H5Pset_fclose_degree(list, H5F_CLOSE_STRONG));
  FenCallH5(where, fault, code, H5Pset_libver_bounds(list, H5F_LIBVER_V110, H5F_LIBVER_V110));
  if (comm != MPI_COMM_NULL)
    FenCallH5(where, fault, code, H5Pset_fapl_mpio(list, comm, MPI_INFO_NULL));
#if H5_VERSION_GE(1, 12, 1) || (H5_VERSION_GE(1, 10, 7) && !H5_VERSION_GE(1, 12, 0))
  else /* file systems without locks must be readable; our own files are renamed into place, never half written */
    FenCallH5(where, fault, code, H5Pset_file_locking(list, 0, 1));
#endif
  return list;
}

void FenH5OpenRead_Private(FenFile file, FenFault *fault)
{
  const FenH5Where where = FenH5Where_Private(file, NULL);
  hid_t            access;

  if (file->id >= 0)
    return;
  access = FenH5AccessList_Private(&where, MPI_COMM_NULL, fault);
  FenCallH5(&where, fault, file->id, H5Fopen(file->name, H5F_ACC_RDONLY, access));
  FenH5Release_Private(&access);
}
