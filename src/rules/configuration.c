/* configuration.c - the rules about VDConfig: what the client asks for (VDI-CFG-001 to 006) and what it makes of
 * the answer (VDI-CFG-007, 009). */
#include <stdio.h>
#include <string.h>

#include "state.h"
#include "vdi.h"

enum {
    ALIGNMENT_MAX = 65536,
    MODE_BITS =
        VDF_Rewind | VDF_Position | VDF_SkipBlocks | VDF_ReversePosition | VDF_FileMarks | VDF_RandomAccess,
    SERVER_BITS = VDF_WriteMedia | VDF_ReadMedia | VDF_CompleteEnabled,
    OPTION_BITS = VDF_Removable | VDF_Discard | VDF_SnapshotPrepare | VDF_RequestComplete,
    /* In the headers, documented nowhere: no judgement. */
    UNDOCUMENTED_BITS = VDF_EnumFrozenFiles | VDF_VSSWriter | (int)VDF_LatchStats,
    /* Messages by which RESTORE tells of another block size (spec 13). */
    OTHER_SECTOR_SIZE = 3272,
    MARK_NOT_ALIGNED = 3284,
    USE_BLOCK_SIZE = 3285,
};

/* ---- what is passed to Create ---- */

/* Says what is wrong with the field, or returns false. */
typedef bool field_check(const VDConfig *config, char *text, size_t size);

static bool wrong_count(const VDConfig *config, char *text, size_t size)
{
    snprintf(text, size, "deviceCount %u: not 1 to %d", config->deviceCount, DEVICES_MAX);
    return config->deviceCount < 1 || config->deviceCount > DEVICES_MAX;
}

/* Spec 5.4: pipe, tape or disk. VDF_Removable is part of tape and an option of the others. */
static bool wrong_mode(const VDConfig *config, char *text, size_t size)
{
    uint32_t mode = config->features & MODE_BITS;
    uint32_t unknown =
        config->features & ~(uint32_t)(MODE_BITS | SERVER_BITS | OPTION_BITS | UNDOCUMENTED_BITS);
    bool is_tape = mode == (VDF_LikeTape & MODE_BITS);

    if (unknown) {
        snprintf(text, size, "features 0x%x: 0x%x means nothing", config->features, unknown);
        return true;
    }
    snprintf(text, size, "features 0x%x: the mode 0x%x is neither pipe (0), tape (0x%x) nor disk (0x%x)",
             config->features, mode | (is_tape ? config->features & VDF_Removable : 0),
             (unsigned)VDF_LikeTape, (unsigned)VDF_LikeDisk);
    return is_tape ? !(config->features & VDF_Removable) : mode != VDF_LikePipe && mode != VDF_LikeDisk;
}

static bool has_server_bits(const VDConfig *config, char *text, size_t size)
{
    snprintf(text, size, "features 0x%x: 0x%x is for the server to set", config->features,
             config->features & SERVER_BITS);
    return config->features & SERVER_BITS;
}

static bool useless_soft_marks(const VDConfig *config, char *text, size_t size)
{
    snprintf(text, size, "softFileMarkBlockSize %u without VDF_FileMarks (features 0x%x)",
             config->softFileMarkBlockSize, config->features);
    return config->softFileMarkBlockSize != 0 && !(config->features & VDF_FileMarks);
}

static bool wrong_alignment(const VDConfig *config, char *text, size_t size)
{
    snprintf(text, size, "alignment %u: no power of two up to %d", config->alignment, ALIGNMENT_MAX);
    return config->alignment > ALIGNMENT_MAX || (config->alignment & (config->alignment - 1)) != 0;
}

static bool has_leftovers(const VDConfig *config, char *text, size_t size)
{
    snprintf(text, size,
             "fields that the server fills in are not zero: blockSize %u, maxIODepth %u, maxTransferSize %u, "
             "bufferAreaSize %u",
             config->blockSize, config->maxIODepth, config->maxTransferSize, config->bufferAreaSize);
    return config->blockSize || config->maxIODepth || config->maxTransferSize || config->bufferAreaSize;
}

static const struct {
    const char *rule;
    field_check *is_wrong;
} checks[] = {
    {"VDI-CFG-001", wrong_count},        {"VDI-CFG-002", wrong_mode},      {"VDI-CFG-003", has_server_bits},
    {"VDI-CFG-004", useless_soft_marks}, {"VDI-CFG-005", wrong_alignment}, {"VDI-CFG-006", has_leftovers},
};

static void judge_asked(struct checker *checker, const VDConfig *config, const struct call *call)
{
    char text[256];

    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        if (checks[i].is_wrong(config, text, sizeof text)) {
            finding_add(checker, checks[i].rule, call, call->operation, -1, "Create called with %s", text);
        }
    }
}

static VDConfig config_of(const struct event *event)
{
    uint32_t words[EVENT_CONFIG_WORDS];
    VDConfig config;

    _Static_assert(sizeof words == sizeof config, "spec 5.1: eleven fields");
    for (unsigned i = 0; i < EVENT_CONFIG_WORDS; i++) {
        words[i] = event_config_word(event, i);
    }
    memcpy(&config, words, sizeof config);
    return config;
}

void configuration_take(struct checker *checker, const struct event *event, const char *text)
{
    const struct thread_state *thread = state_thread(checker, event->process, event->thread);
    struct operation_state *operation = state_find_operation(checker, event->operation);
    VDConfig config = config_of(event);

    (void)text;
    if (!thread || thread->open.sequence == 0 || thread->open.sequence != event->call) {
        return; /* the call's begin is missing */
    }
    if (thread->open.function == VDI_FN_CREATE) {
        judge_asked(checker, &config, &thread->open);
        if (operation && !operation->created) {
            operation->bringup.asked = config.features;
        }
    } else if (thread->open.function == VDI_FN_GET_CONFIGURATION && operation &&
               operation->bringup.configure.sequence == 0) {
        operation->bringup.configure = thread->open;
        operation->bringup.granted = config.features;
        operation->bringup.block_size = config.blockSize;
    }
}

/* ---- VDI-CFG-007 ---- */

/* The client asked for VDC_Complete, was told it would not come, saw the whole transfer succeed, and then failed
 * or waited for ever. */
static void judge_reliance(struct checker *checker, const struct operation_state *operation,
                           bool failed_for_own_reason)
{
    const struct operation_bringup *bringup = &operation->bringup;
    bool hung = finding_exists(checker, "VDI-OUT-002") && checker->faults_fired == 0;

    if (bringup->configure.sequence && bringup->asked & VDF_RequestComplete &&
        !(bringup->granted & VDF_CompleteEnabled) && operation->shown.outcome == OUTCOME_SUCCESS &&
        (failed_for_own_reason || hung)) {
        finding_add(
            checker, "VDI-CFG-007", &bringup->configure, operation->shown.id, -1,
            "GetConfiguration returned features 0x%x, without CompleteEnabled; everything succeeded, yet "
            "the client, which had asked for VDC_Complete, %s",
            bringup->granted, hung ? "waits" : "failed");
    }
}

/* ---- VDI-CFG-009 ---- */

static int32_t block_size_message(const struct operation *operation)
{
    for (uint32_t i = 0; i < operation->message_count; i++) {
        int32_t number = operation->messages[i].number;

        if (number == OTHER_SECTOR_SIZE || number == MARK_NOT_ALIGNED || number == USE_BLOCK_SIZE) {
            return number;
        }
    }
    return 0;
}

/* A backup of this run that gave the very bytes of this restore, with another block size. */
static const struct operation_state *other_sized_source(const struct checker *checker,
                                                        const struct operation_state *restore)
{
    for (const struct operation_state *backup = checker->operations; backup; backup = backup->next) {
        if (backup->shown.is_backup && backup->shown.outcome == OUTCOME_SUCCESS && backup->shown.bytes &&
            backup->shown.bytes == restore->shown.bytes && backup->shown.hash == restore->shown.hash &&
            backup->bringup.block_size && backup->bringup.block_size != restore->bringup.block_size) {
            return backup;
        }
    }
    return NULL;
}

static void judge_block_size(struct checker *checker, const struct operation_state *restore)
{
    int32_t number = block_size_message(&restore->shown);
    const struct operation_state *backup;
    const struct call *call = restore->bringup.configure.sequence ? &restore->bringup.configure : NULL;

    if (!restore->statement || restore->statement->operation < 0 || restore->statement->backup ||
        restore->statement->issued_by != PROCESS_CLIENT || restore->fired) {
        return;
    }
    backup = restore->shown.outcome == OUTCOME_SUCCESS && restore->bringup.block_size
                 ? other_sized_source(checker, restore)
                 : NULL;
    if (number && restore->shown.outcome != OUTCOME_SUCCESS) {
        finding_add(checker, "VDI-CFG-009", call ? call : &restore->bringup.create, restore->shown.id, -1,
                    "RESTORE failed with message %d: its block size%s is not the backup's", number,
                    restore->statement->text && strcasestr(restore->statement->text, "BLOCKSIZE")
                        ? ", given in the statement,"
                        : "");
    } else if (backup) {
        finding_add(checker, "VDI-CFG-009", call, restore->shown.id, -1,
                    "RESTORE got blockSize %u, the backup of operation %d had %u",
                    restore->bringup.block_size, backup->shown.id, backup->bringup.block_size);
    }
}

void configuration_settle(struct checker *checker, bool failed_for_own_reason)
{
    for (struct operation_state *operation = checker->operations; operation; operation = operation->next) {
        if (!operation_is_verify(checker, operation)) {
            judge_reliance(checker, operation, failed_for_own_reason);
            judge_block_size(checker, operation);
        }
    }
}
