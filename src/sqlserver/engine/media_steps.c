/* media_steps.c - which steps a statement takes on a device: see media.h. */
#include "engine_state.h"
#include "media.h"

enum {
    PURPOSE_MEDIA = 6,
    PURPOSE_REWRITE = 7,
    POSITION_OF_EXTENTS = 8, /* GetPosition after about one extent of so many */
    PROBE_BLOCKS = 32,       /* how far into the data the probe may lie */
    MARKS_PER_SET = 2,
};

static bool has_hard_marks(const struct media *media)
{
    return media->model == MEDIA_TAPE && media->soft_mark == 0;
}

/* Byte offsets from the start of the whole stream: not once there are several volumes. */
static bool has_one_volume_of_bytes(const struct media *media)
{
    return media->model == MEDIA_DISK && !media->removable;
}

bool media_begin(struct engine_device *device)
{
    const struct engine *engine = device->engine;
    const struct VDConfig *config = &engine->client_config;
    struct media *media = &device->media;
    *media = (struct media){
        .model = (config->features & VDF_FileMarks) != 0      ? MEDIA_TAPE
                 : (config->features & VDF_RandomAccess) != 0 ? MEDIA_DISK
                                                              : MEDIA_PIPE,
        .removable = (config->features & VDF_Removable) != 0,
        .random = random_seed(engine->options.plan->seed, PURPOSE_MEDIA, device->index),
        .first_short = MEDIA_NO_ORDER,
    };
    media->soft_mark = media->model == MEDIA_TAPE ? config->softFileMarkBlockSize : 0;
    return media->soft_mark % engine->block_size == 0 && media->soft_mark <= engine->max_transfer;
}

bool media_rewrites_header(const struct engine_device *device)
{
    return has_one_volume_of_bytes(&device->media) &&
           random_seed(device->engine->options.plan->seed, PURPOSE_REWRITE, device->index) % 2 == 0;
}

void media_before_backup(struct engine_device *device)
{
    if (device->media.model != MEDIA_TAPE) {
        return;
    }
    media_push(device, (struct media_step){.code = VDC_Rewind});
    if (has_hard_marks(&device->media) && !device->engine->request.overwrite) {
        media_push(device, (struct media_step){.code = VDC_SkipMarks, .size = MARKS_PER_SET, .to_end = true});
    }
}

void media_before_restore(struct engine_device *device)
{
    uint32_t file = device->engine->request.file;
    if (device->media.model != MEDIA_TAPE) {
        return;
    }
    if (file > 1 && device->media.soft_mark != 0) {
        engine_say(device->engine, SQL_NO_SUCH_SET, file, device->name);
        engine_fail(device->engine);
        return;
    }
    media_push(device, (struct media_step){.code = VDC_Rewind});
    if (file > 1) {
        media_push(device,
                   (struct media_step){.code = VDC_SkipMarks, .size = (int32_t)(file - 1) * MARKS_PER_SET});
    }
}

/* A block further on is read, and the device sent back by SetPosition to what GetPosition said. */
static void push_tape_probe(struct engine_device *device)
{
    struct media *media = &device->media;
    uint32_t block = device->engine->block_size;
    uint64_t blocks = device->reader.header.stream_bytes / block - 1;
    uint64_t draw = random_next(&media->random);
    int32_t skip = (int32_t)(draw / 4 % (blocks < PROBE_BLOCKS ? blocks : PROBE_BLOCKS));
    if (draw % 2 != 0) {
        return;
    }
    media_push(device, (struct media_step){.code = VDC_GetPosition, .answer = MEDIA_REMEMBER});
    media_push(device, (struct media_step){.code = VDC_SkipBlocks, .size = skip});
    if (draw % 4 == 2) { /* forth and back (ReversePosition) */
        media_push(device, (struct media_step){.code = VDC_SkipBlocks, .size = -skip});
        skip = 0;
    }
    media->probe_offset = (uint64_t)(1 + skip) * block;
    media_push(device, (struct media_step){.code = VDC_Read, .size = (int32_t)block});
    media_push(device, (struct media_step){.code = VDC_SetPosition, .answer = MEDIA_RECALL});
}

/* The last block is read first. */
static void push_disk_probe(struct engine_device *device)
{
    struct media *media = &device->media;
    int64_t block = device->engine->block_size;
    int64_t last = (int64_t)device->reader.header.stream_bytes - block;
    if (random_next(&media->random) % 2 != 0) {
        return;
    }
    media->probe_offset = (uint64_t)last;
    media_push(device, (struct media_step){.code = VDC_SetPosition,
                                           .size = VDC_End,
                                           .position = -block,
                                           .answer = MEDIA_EXPECTED,
                                           .expected = last});
    media_push(device, (struct media_step){.code = VDC_Read, .size = (int32_t)block, .position = last});
    media_push(device, (struct media_step){.code = VDC_SetPosition,
                                           .size = VDC_Beginning,
                                           .position = block,
                                           .answer = MEDIA_EXPECTED,
                                           .expected = block});
    media_push(device, (struct media_step){.code = VDC_GetPosition, .answer = MEDIA_CURRENT});
}

void media_before_data(struct engine_device *device)
{
    struct media *media = &device->media;
    if (media->model == MEDIA_TAPE) {
        media->soft_mark = device->reader.header.soft_mark; /* what was written is what there is */
        if (has_hard_marks(media)) {
            media_push(device, (struct media_step){.code = VDC_SkipMarks, .size = 1});
        }
        push_tape_probe(device);
    } else if (has_one_volume_of_bytes(media)) {
        push_disk_probe(device);
    }
}

void media_after_header(struct engine_device *device)
{
    if (has_hard_marks(&device->media)) {
        media_push(device, (struct media_step){.code = VDC_WriteMark});
    }
}

void media_after_extent(struct engine_device *device)
{
    struct media *media = &device->media;
    if (media->model != MEDIA_PIPE && random_next(&media->random) % POSITION_OF_EXTENTS == 0) {
        media_push(device, (struct media_step){.code = VDC_GetPosition, .answer = MEDIA_CURRENT});
    }
}

/* Before the last block, so that the last thing written is where the file ends, whatever a client takes for
 * "the last written position" when it is told to Flush (spec 6.3). */
void media_after_extents(struct engine_device *device)
{
    int64_t block = device->engine->block_size;
    int64_t end = (int64_t)device->bytes;
    if (!media_rewrites_header(device)) {
        return;
    }
    media_push(device,
               (struct media_step){
                   .code = VDC_SetPosition, .size = VDC_Beginning, .answer = MEDIA_EXPECTED, .expected = 0});
    media_push(device, (struct media_step){.code = VDC_Write, .size = (int32_t)block});
    media_push(device, (struct media_step){.code = VDC_SetPosition,
                                           .size = VDC_Current,
                                           .position = end - block,
                                           .answer = MEDIA_EXPECTED,
                                           .expected = end});
    media_push(device, (struct media_step){.code = VDC_GetPosition, .answer = MEDIA_CURRENT});
}

void media_after_writes(struct engine_device *device)
{
    if (has_hard_marks(&device->media)) {
        media_push(device, (struct media_step){.code = VDC_WriteMark});
    }
}

/* Flush has set the end of file: an older, longer file would show here (VDI-FLUSH-002). */
void media_after_flush(struct engine_device *device)
{
    struct media *media = &device->media;
    if (has_one_volume_of_bytes(media) && random_next(&media->random) % 2 == 0) {
        media_push(device, (struct media_step){.code = VDC_SetPosition,
                                               .size = VDC_End,
                                               .answer = MEDIA_EXPECTED,
                                               .expected = (int64_t)device->bytes});
    }
}
