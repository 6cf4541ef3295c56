/* dsl_durability.c - see dsl_durability.h. */
#include "dsl_durability.h"

void store_write(struct run *run, int16_t device, uint64_t file)
{
    uint64_t fetch = vdi_fetch(run, WORKER, device, 1, VDC_Write);

    run->fetch = fetch;
    file_write(run, file, PART);
    run->fetch = 0;
    vdi_complete(run, WORKER, device, 1, (int64_t)fetch, ERROR_SUCCESS, 0);
}

void copy_write(struct run *run, int16_t device, uint64_t file)
{
    uint64_t fetch = vdi_fetch(run, WORKER, device, 1, VDC_Write);

    vdi_complete(run, WORKER, device, 1, (int64_t)fetch, ERROR_SUCCESS, 0);
    file_write(run, file, PART);
}

uint64_t answer(struct run *run, int16_t device, int32_t code)
{
    uint64_t fetch = vdi_fetch(run, WORKER, device, 2, code);

    return vdi_complete(run, WORKER, device, 2, (int64_t)fetch, ERROR_SUCCESS, 0);
}

uint64_t flush(struct run *run)
{
    return answer(run, 0, VDC_Flush);
}

void start_backup(struct run *run, uint32_t devices)
{
    run_start(run, NULL);
    up(run, devices);
    run->path = "/backups/sink";
    file_open(run, SINK, 0, 0);
}

enum durable end_backup(struct run *run, uint32_t devices)
{
    down(run, devices);
    client_exits(run, 0);
    return finish(run)->operations[0].durable;
}
