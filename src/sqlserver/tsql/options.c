/* options.c - the WITH options of BACKUP and RESTORE, as data. */
#include <errno.h>
#include <inttypes.h>

#include "tsql.h"

enum {
    B = 1,
    R = 2,
    BR = 3
};

/* Options of one group exclude each other (3031). */
enum group {
    G_ANY,
    G_BLOCKSIZE,
    G_BUFFERCOUNT,
    G_MAXTRANSFERSIZE,
    G_STATS,
    G_FORMAT,
    G_INIT,
    G_SKIP,
    G_REWIND,
    G_UNLOAD,
    G_CHECKSUM,
    G_ERROR,
    G_COMPRESSION,
    G_RECOVERY,
    G_STOP,
    G_EXPIRE,
    G_REPLACE,
    G_RESTART,
    G_COPY_ONLY,
    G_DIFFERENTIAL,
    G_SNAPSHOT,
    G_FILE,
    G_NAME,
    G_DESCRIPTION,
    G_MEDIANAME,
    G_MEDIADESCRIPTION,
    G_MEDIAPASSWORD,
    G_PASSWORD,
    G_ENCRYPTION,
    G_TRUNCATE,
    G_USER,
};

#define OPTION(name, id, value, verbs, group, ...)                                                  \
    {                                                                                               \
        name, TSQL_##id, TSQL_VALUE_##value, ((verbs)&B) != 0, ((verbs)&R) != 0, group, __VA_ARGS__ \
    }
#define PLAIN(name, value, verbs, group) OPTION(name, OPTION_OTHER, value, verbs, group, 0, 0, 0)

const struct tsql_option_info tsql_option_table[] = {
    OPTION("BLOCKSIZE", BLOCKSIZE, NUMBER, BR, G_BLOCKSIZE, 512, 65536, 0),
    OPTION("BUFFERCOUNT", BUFFERCOUNT, NUMBER, BR, G_BUFFERCOUNT, 1, INT32_MAX, 1),
    OPTION("MAXTRANSFERSIZE", MAXTRANSFERSIZE, NUMBER, BR, G_MAXTRANSFERSIZE, 65536, 4194304, 65536),
    OPTION("STATS", STATS, NUMBER_OPTIONAL, BR, G_STATS, 1, 100, 1),
    OPTION("REPLACE", REPLACE, NONE, R, G_REPLACE, 0, 0, 0),
    PLAIN("CHECKSUM", NONE, BR, G_CHECKSUM),
    PLAIN("COMPRESSION", GROUP_OPTIONAL, B, G_COMPRESSION),
    PLAIN("CONTINUE_AFTER_ERROR", NONE, BR, G_ERROR),
    OPTION("COPY_ONLY", COPY_ONLY, NONE, B, G_COPY_ONLY, 0, 0, 0),
    PLAIN("CREDENTIAL", STRING, BR, G_ANY),
    PLAIN("DBNAME", STRING, BR, G_ANY),
    PLAIN("DESCRIPTION", STRING, B, G_DESCRIPTION),
    OPTION("DIFFERENTIAL", DIFFERENTIAL, NONE, B, G_DIFFERENTIAL, 0, 0, 0),
    PLAIN("ENABLE_BROKER", NONE, R, G_ANY),
    PLAIN("ENCRYPTION", GROUP, B, G_ENCRYPTION),
    PLAIN("ERROR_BROKER_CONVERSATIONS", NONE, R, G_ANY),
    PLAIN("EXPIREDATE", STRING, B, G_EXPIRE),
    OPTION("FILE", FILE, STRING, R, G_FILE, 1, INT16_MAX, 1),
    OPTION("FORMAT", INIT, NONE, B, G_FORMAT, 0, 0, 0),
    OPTION("INIT", INIT, NONE, B, G_INIT, 0, 0, 0),
    PLAIN("KEEP_CDC", NONE, R, G_ANY),
    PLAIN("KEEP_REPLICATION", NONE, R, G_ANY),
    PLAIN("LOADHISTORY", NONE, R, G_ANY),
    PLAIN("MEDIADESCRIPTION", STRING, B, G_MEDIADESCRIPTION),
    PLAIN("MEDIANAME", STRING, BR, G_MEDIANAME),
    PLAIN("MEDIAPASSWORD", STRING, BR, G_MEDIAPASSWORD),
    PLAIN("METADATA_ONLY", NONE, BR, G_SNAPSHOT),
    PLAIN("MOVE", STRING_PAIR, R, G_ANY),
    PLAIN("NAME", STRING, B, G_NAME),
    PLAIN("NEW_BROKER", NONE, R, G_ANY),
    PLAIN("NOFORMAT", NONE, B, G_FORMAT),
    PLAIN("NOINIT", NONE, B, G_INIT),
    OPTION("NORECOVERY", NO_RECOVERY, NONE, BR, G_RECOVERY, 0, 0, 0),
    PLAIN("NOREWIND", NONE, BR, G_REWIND),
    PLAIN("NOSKIP", NONE, B, G_SKIP),
    PLAIN("NOUNLOAD", NONE, BR, G_UNLOAD),
    PLAIN("NO_CHECKSUM", NONE, BR, G_CHECKSUM),
    PLAIN("NO_COMPRESSION", NONE, B, G_COMPRESSION),
    PLAIN("NO_LOG", NONE, B, G_TRUNCATE),
    PLAIN("NO_TRUNCATE", NONE, B, G_TRUNCATE),
    PLAIN("PARTIAL", NONE, R, G_ANY),
    PLAIN("PASSWORD", STRING, BR, G_PASSWORD),
    PLAIN("RECOVERY", NONE, R, G_RECOVERY),
    PLAIN("RESTART", NONE, BR, G_RESTART),
    PLAIN("RESTRICTED_USER", NONE, R, G_USER),
    PLAIN("RETAINDAYS", STRING, B, G_EXPIRE),
    PLAIN("REWIND", NONE, BR, G_REWIND),
    PLAIN("SKIP", NONE, B, G_SKIP),
    OPTION("SNAPSHOT", SNAPSHOT, NONE, BR, G_SNAPSHOT, 0, 0, 0),
    OPTION("STANDBY", NO_RECOVERY, STRING, BR, G_RECOVERY, 0, 0, 0),
    PLAIN("STOPAT", STRING, R, G_STOP),
    PLAIN("STOPATMARK", MARK, R, G_STOP),
    PLAIN("STOPBEFOREMARK", MARK, R, G_STOP),
    PLAIN("STOP_ON_ERROR", NONE, BR, G_ERROR),
    PLAIN("TRUNCATE_ONLY", NONE, B, G_TRUNCATE),
    PLAIN("UNLOAD", NONE, BR, G_UNLOAD),
};
const size_t tsql_option_count = sizeof(tsql_option_table) / sizeof(tsql_option_table[0]);

int tsql_option_check(const struct tsql_option_info *info, int64_t value, struct tsql_error *error)
{
    if (info->maximum == 0)
        return 0;
    if (info->id == TSQL_BLOCKSIZE && value > 0 && (value & (value - 1)) != 0) {
        tsql_error_set(error, 3253, 16, 1,
                       "The block size parameter must supply a value that is a power of 2.");
        return EINVAL;
    }
    bool stepped = info->step == 0 || value % info->step == 0;
    if (value < info->minimum || value > info->maximum || !stepped) {
        tsql_error_set(error, 3250, 16, 1,
                       "The value '%" PRId64 "' is not within range for the %s parameter.", value,
                       info->name);
        return EINVAL;
    }
    return 0;
}
