/* positions.c - where a device stands, by its own answers: VDI-CMD-007, VDI-IO-004, VDI-IO-007.
 *
 * With RandomAccess the place is known: a command carries its position. Of a tape only what its client says of it
 * is known, and the bytes and marks that went by. Whatever makes a place doubtful ends the following of it.
 */
#include <stddef.h>

#include "codes.h"
#include "state.h"
#include "vdi.h"
#include "vdierror.h"

static bool is_disk(const struct answer *answer)
{
    return answer_wants(answer, VDF_RandomAccess);
}

static bool is_tape(const struct answer *answer)
{
    return answer_wants(answer, VDF_FileMarks);
}

static bool is_transfer(const struct command *command)
{
    return command->code == VDC_Read || command->code == VDC_Write;
}

/* No other transfer was in the client's hands beside it: of two under way nobody knows which one moved last. */
static bool is_alone(const struct answer *answer)
{
    if (answer->device->transfer.transfer_sequence > answer->command->fetch.sequence) {
        return false;
    }
    for (const struct command *other = answer->device->commands; other; other = other->next) {
        if (other != answer->command && !other->completed_by && is_transfer(other)) {
            return false;
        }
    }
    return true;
}

/* ---- with RandomAccess ---- */

/* Where SetPosition has to lead; false: unknown. */
static bool target_of(const struct answer *answer, int64_t *target)
{
    const struct device_transfer *device = &answer->device->transfer;
    int64_t base = answer->command->size == VDC_Current ? device->position : 0;

    if (answer->command->size != VDC_Beginning &&
        (answer->command->size != VDC_Current || !device->position_known)) {
        return false;
    }
    return !__builtin_add_overflow(base, answer->command->position, target) && *target >= 0;
}

static void judge_disk(const struct answer *answer)
{
    const struct command *command = answer->command;
    const struct device_transfer *device = &answer->device->transfer;
    bool setting = command->code == VDC_SetPosition;
    int64_t expected = device->position;

    if (setting ? !target_of(answer, &expected) : !device->position_known) {
        return;
    }
    if (command->answer_position == expected) {
        return;
    }
    /* 0 is what a client passes that has nothing to say. That SetPosition answers at all is one page's word
     * against another's (spec 3.7). */
    finding_add_capped(
        answer->checker, setting && command->answer_position == 0 ? SEVERITY_WARNING : SEVERITY_ERROR,
        command->answer_position == 0 ? "VDI-CMD-007" : "VDI-IO-007", answer->call, answer->call->operation,
        answer->index, "%s on device %d was completed with position %lld; the device stands at %lld",
        setting ? "SetPosition" : "GetPosition", answer->index, (long long)command->answer_position,
        (long long)expected);
}

static void apply_disk(const struct answer *answer)
{
    const struct command *command = answer->command;
    struct device_transfer *device = &answer->device->transfer;
    int64_t target;

    if (is_transfer(command)) {
        bool good = command->answer_code == ERROR_SUCCESS || command->answer_code == ERROR_HANDLE_EOF ||
                    command->answer_code == ERROR_NO_DATA_DETECTED;

        device->position_known =
            good && is_alone(answer) &&
            !__builtin_add_overflow(command->position, command->answer_bytes, &device->position);
    } else if (command->code == VDC_SetPosition) {
        device->position_known = command->answer_code == ERROR_SUCCESS && target_of(answer, &target);
        device->position = device->position_known ? target : 0;
    } else if (command->code == VDC_Load) {
        device->position_known = false;
    }
}

/* ---- a tape's own numbers ---- */

static void judge_number(const struct answer *answer)
{
    const struct command *command = answer->command;
    const struct device_transfer *device = &answer->device->transfer;

    if (command->code == VDC_GetPosition && device->reported_known && device->moved &&
        command->answer_position == device->reported) {
        finding_add(answer->checker, "VDI-CMD-007", answer->call, answer->call->operation, answer->index,
                    "GetPosition on device %d was completed with position %lld, as the one before it, though "
                    "the medium has moved on since",
                    answer->index, (long long)command->answer_position);
    } else if (command->code == VDC_SetPosition && command->answer_position == 0 && command->position != 0) {
        finding_add_capped(answer->checker, SEVERITY_WARNING, "VDI-CMD-007", answer->call,
                           answer->call->operation, answer->index,
                           "SetPosition to %lld on device %d was completed with position 0",
                           (long long)command->position, answer->index);
    }
}

void positions_judge(const struct answer *answer)
{
    const struct command *command = answer->command;

    if (command->answer_code != ERROR_SUCCESS ||
        (command->code != VDC_GetPosition && command->code != VDC_SetPosition)) {
        return;
    }
    if (is_disk(answer)) {
        judge_disk(answer);
    } else if (answer_wants(answer, VDF_Position)) {
        judge_number(answer);
    }
}

/* ---- filemarks ---- */

/* The backup of this database that this restore may be reading: the only one in the run. */
static const struct operation_state *find_backup(const struct answer *answer)
{
    const struct operation_state *restore = state_find_operation(answer->checker, answer->call->operation);
    const struct operation_state *found = NULL;

    for (const struct operation_state *other = answer->checker->operations; restore && other;
         other = other->next) {
        bool candidate =
            other->statement && other->statement->backup && same_database(&other->shown, &restore->shown);

        if (candidate && found) {
            return NULL;
        }
        found = candidate ? other : found;
    }
    return found && found->transfer.device_count == 1 && restore->transfer.device_count == 1 &&
                   found->statement->outcome == OUTCOME_SUCCESS && found->transfer.marks.followed
               ? found
               : NULL;
}

/* A Read that was asked to go beyond a mark of the stream that it seems to read. Whether it is that stream, the
 * end of the statement tells. */
static void read_marks(const struct answer *answer)
{
    struct operation_state *restore = state_find_operation(answer->checker, answer->call->operation);
    const struct operation_state *backup = find_backup(answer);
    const struct command *command = answer->command;
    struct device_transfer *device = &answer->device->transfer;
    uint64_t from = device->offset, to = from + (uint64_t)command->answer_bytes, mark;
    bool detected = command->answer_code == ERROR_FILEMARK_DETECTED;

    device->marks.followed = is_alone(answer) && !code_is_io_error(command->answer_code);
    device->offset = to;
    device->next_mark += detected;
    if (!device->marks.followed || !backup || device->next_mark - detected >= backup->transfer.marks.count) {
        return;
    }
    mark = backup->transfer.marks.before[device->next_mark - detected];
    if (!detected && mark < from + (uint64_t)command->size) {
        restore->transfer.mark_missed = *answer->call;
        restore->transfer.mark_missed_at = mark;
        restore->transfer.mark_missed_code = command->answer_code;
        device->marks.followed = false;
    }
}

static void write_marks(const struct answer *answer)
{
    struct device_transfer *device = &answer->device->transfer;
    struct operation_state *operation = state_find_operation(answer->checker, answer->call->operation);
    const struct command *command = answer->command;

    if (command->answer_code != ERROR_SUCCESS || !is_alone(answer)) {
        device->marks.followed = false; /* a volume ends, or an error */
    } else if (command->code == VDC_Write) {
        device->offset += (uint64_t)command->answer_bytes;
    } else if (device->marks.count == MARKS_MAX) {
        device->marks.followed = false;
    } else {
        device->marks.before[device->marks.count++] = device->offset;
    }
    if (operation && answer->index == 0) {
        operation->transfer.marks = device->marks;
    }
}

static void skip_marks(const struct answer *answer)
{
    struct device_transfer *device = &answer->device->transfer;
    const struct operation_state *backup = find_backup(answer);
    const struct command *command = answer->command;

    device->marks.followed = answer_wants(answer, VDF_ReadMedia) && command->answer_code == ERROR_SUCCESS &&
                             command->size > 0 && backup &&
                             device->next_mark + (uint64_t)command->size <= backup->transfer.marks.count;
    if (device->marks.followed) {
        device->next_mark += (uint32_t)command->size;
        device->offset = backup->transfer.marks.before[device->next_mark - 1];
    }
}

static void rewind_marks(struct device_transfer *device, bool success)
{
    device->marks = (struct mark_layout){.followed = success};
    device->reported_followed = false;
    device->offset = 0;
    device->next_mark = 0;
}

static void apply_tape(const struct answer *answer)
{
    const struct command *command = answer->command;
    struct device_transfer *device = &answer->device->transfer;
    bool success = command->answer_code == ERROR_SUCCESS;

    switch (command->code) {
    case VDC_Rewind:
        rewind_marks(device, success);
        break;
    case VDC_Write:
    case VDC_WriteMark:
        if (device->marks.followed) {
            write_marks(answer);
        }
        break;
    case VDC_Read:
        if (device->marks.followed) {
            read_marks(answer);
        }
        break;
    case VDC_SkipMarks:
        skip_marks(answer);
        break;
    case VDC_GetPosition:
        device->reported_followed = device->marks.followed;
        device->reported_offset = device->offset;
        device->reported_next_mark = device->next_mark;
        break;
    case VDC_SetPosition: /* back to where GetPosition was asked */
        device->marks.followed =
            success && device->reported_followed && command->position == device->reported;
        device->offset = device->reported_offset;
        device->next_mark = device->reported_next_mark;
        break;
    case VDC_Load:
        device->reported_followed = false;
        device->marks.followed = false;
        break;
    case VDC_SkipBlocks:
        device->marks.followed = false;
        break;
    default:
        break;
    }
}

/* Whether two answers to GetPosition must differ. */
static void apply_number(const struct answer *answer)
{
    const struct command *command = answer->command;
    struct device_transfer *device = &answer->device->transfer;

    switch (command->code) {
    case VDC_GetPosition:
        device->reported_known = command->answer_code == ERROR_SUCCESS;
        device->reported = command->answer_position;
        device->moved = false;
        break;
    case VDC_Write:
    case VDC_Read:
        device->moved = device->moved || command->answer_bytes > 0;
        break;
    case VDC_WriteMark:
        device->moved = device->moved || command->answer_code == ERROR_SUCCESS;
        break;
    case VDC_Rewind:
    case VDC_Load:
    case VDC_SkipMarks:
    case VDC_SkipBlocks:
        device->reported_known = false; /* it may be there again */
        break;
    case VDC_SetPosition:
        device->moved = false;
        break;
    default:
        break;
    }
}

void positions_apply(const struct answer *answer)
{
    if (is_disk(answer)) {
        apply_disk(answer);
    } else {
        if (is_tape(answer)) {
            apply_tape(answer);
        }
        apply_number(answer);
    }
    if (is_transfer(answer->command)) {
        answer->device->transfer.transfer_sequence = answer->call->sequence;
    }
}
