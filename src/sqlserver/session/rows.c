/* rows.c - see rows.h. */
#include "rows.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "columns.h"

/* Where a column's value comes from. */
enum source {
    ALWAYS, /* the text in the table; NULL: the SQL value NULL */
    DATABASE,
    KIND,
    TYPE,
    POSITION,
    SERVER,
    SIZE,
    CONTENT,
    BLOCK,
    SET_GUID,
    FAMILY_GUID,
    FAMILY_COUNT,
    FAMILY_NUMBER,
    SNAPSHOT,
    PHYSICAL_NAME,
    FIRST_LSN,
    LAST_LSN,
    CHECKPOINT,        /* of a full backup */
    FULL_BACKUP,       /* the checkpoint of the one before */
    DIFFERENTIAL_BASE, /* the same, of a differential */
};

struct column {
    struct results_column column;
    enum source source;
    const char *text;
};

enum {
    COLUMNS_MAX = 64,
    BACKUP_DATABASE = 1, /* of BackupType */
    BACKUP_DIFFERENTIAL = 5,
    TEXT_MAX = 320
};

static const struct column header_columns[] = {
    {TEXT("BackupName", 128), ALWAYS, NULL},
    {TEXT("BackupDescription", 255), ALWAYS, NULL},
    {OTHER("BackupType", SMALLINT), TYPE, NULL},
    {OTHER("ExpirationDate", DATETIME), ALWAYS, NULL},
    {OTHER("Compressed", TINYINT), ALWAYS, "0"},
    {OTHER("Position", SMALLINT), POSITION, NULL},
    {OTHER("DeviceType", TINYINT), ALWAYS, "7"}, /* a virtual device (spec 9.1) */
    {TEXT("UserName", 128), ALWAYS, "sa"},
    {TEXT("ServerName", 128), SERVER, NULL},
    {TEXT("DatabaseName", 128), DATABASE, NULL},
    {OTHER("DatabaseVersion", INT), ALWAYS, "957"},
    {OTHER("DatabaseCreationDate", DATETIME), ALWAYS, NULL},
    {DIGITS("BackupSize", 20), CONTENT, NULL},
    {DIGITS("FirstLSN", 25), FIRST_LSN, NULL},
    {DIGITS("LastLSN", 25), LAST_LSN, NULL},
    {DIGITS("CheckpointLSN", 25), CHECKPOINT, NULL},
    {DIGITS("DatabaseBackupLSN", 25), FULL_BACKUP, NULL},
    {OTHER("BackupStartDate", DATETIME), ALWAYS, NULL},
    {OTHER("BackupFinishDate", DATETIME), ALWAYS, NULL},
    {OTHER("SortOrder", SMALLINT), ALWAYS, "52"},
    {OTHER("CodePage", SMALLINT), ALWAYS, "0"},
    {OTHER("UnicodeLocaleId", INT), ALWAYS, "1033"},
    {OTHER("UnicodeComparisonStyle", INT), ALWAYS, "196609"},
    {OTHER("CompatibilityLevel", TINYINT), ALWAYS, "160"},
    {OTHER("SoftwareVendorId", INT), ALWAYS, "4608"},
    {OTHER("SoftwareVersionMajor", INT), ALWAYS, "16"},
    {OTHER("SoftwareVersionMinor", INT), ALWAYS, "0"},
    {OTHER("SoftwareVersionBuild", INT), ALWAYS, "1000"},
    {TEXT("MachineName", 128), SERVER, NULL},
    {OTHER("Flags", INT), ALWAYS, "512"},
    {OTHER("BindingID", UNIQUEIDENTIFIER), SET_GUID, NULL},
    {OTHER("RecoveryForkID", UNIQUEIDENTIFIER), SET_GUID, NULL},
    {TEXT("Collation", 128), ALWAYS, "SQL_Latin1_General_CP1_CI_AS"},
    {OTHER("FamilyGUID", UNIQUEIDENTIFIER), FAMILY_GUID, NULL},
    {OTHER("HasBulkLoggedData", BIT), ALWAYS, "0"},
    {OTHER("IsSnapshot", BIT), SNAPSHOT, NULL},
    {OTHER("IsReadOnly", BIT), ALWAYS, "0"},
    {OTHER("IsSingleUser", BIT), ALWAYS, "0"},
    {OTHER("HasBackupChecksums", BIT), ALWAYS, "0"},
    {OTHER("IsDamaged", BIT), ALWAYS, "0"},
    {OTHER("BeginsLogChain", BIT), ALWAYS, "0"},
    {OTHER("HasIncompleteMetaData", BIT), ALWAYS, "0"},
    {OTHER("IsForceOffline", BIT), ALWAYS, "0"},
    {OTHER("IsCopyOnly", BIT), ALWAYS, "0"},
    {OTHER("FirstRecoveryForkID", UNIQUEIDENTIFIER), SET_GUID, NULL},
    {DIGITS("ForkPointLSN", 25), ALWAYS, NULL},
    {TEXT("RecoveryModel", 60), ALWAYS, "FULL"},
    {DIGITS("DifferentialBaseLSN", 25), DIFFERENTIAL_BASE, NULL},
    {OTHER("DifferentialBaseGUID", UNIQUEIDENTIFIER), ALWAYS, NULL},
    {TEXT("BackupTypeDescription", 60), KIND, NULL},
    {OTHER("BackupSetGUID", UNIQUEIDENTIFIER), SET_GUID, NULL},
    {OTHER("CompressedBackupSize", BIGINT), CONTENT, NULL},
    {OTHER("Containment", TINYINT), ALWAYS, "0"},
    {TEXT("KeyAlgorithm", 32), ALWAYS, NULL},
    {BINARY("EncryptorThumbprint", 20), ALWAYS, NULL},
    {TEXT("EncryptorType", 32), ALWAYS, NULL},
};

static const struct column label_columns[] = {
    {TEXT("MediaName", 128), ALWAYS, NULL},
    {OTHER("MediaSetId", UNIQUEIDENTIFIER), SET_GUID, NULL},
    {OTHER("FamilyCount", INT), FAMILY_COUNT, NULL},
    {OTHER("FamilySequenceNumber", INT), FAMILY_NUMBER, NULL},
    {OTHER("MediaFamilyId", UNIQUEIDENTIFIER), FAMILY_GUID, NULL},
    {OTHER("MediaSequenceNumber", INT), ALWAYS, "1"},
    {OTHER("MediaLabelPresent", TINYINT), ALWAYS, "0"},
    {TEXT("MediaDescription", 255), ALWAYS, NULL},
    {TEXT("SoftwareName", 128), ALWAYS, "Microsoft SQL Server"},
    {OTHER("SoftwareVendorId", INT), ALWAYS, "4608"},
    {OTHER("MediaDate", DATETIME), ALWAYS, NULL},
    {OTHER("Mirror_Count", INT), ALWAYS, "1"},
    {OTHER("IsCompressed", BIT), ALWAYS, "0"},
};

static const struct column file_columns[] = {
    {TEXT("LogicalName", 128), DATABASE, NULL},
    {TEXT("PhysicalName", 260), PHYSICAL_NAME, NULL},
    {TEXT("Type", 1), ALWAYS, "D"},
    {TEXT("FileGroupName", 128), ALWAYS, "PRIMARY"},
    {DIGITS("Size", 20), SIZE, NULL},
    {DIGITS("MaxSize", 20), ALWAYS, "35184372080640"},
    {OTHER("FileId", BIGINT), ALWAYS, "1"},
    {DIGITS("CreateLSN", 25), ALWAYS, "0"},
    {DIGITS("DropLSN", 25), ALWAYS, "0"},
    {OTHER("UniqueId", UNIQUEIDENTIFIER), SET_GUID, NULL},
    {DIGITS("ReadOnlyLSN", 25), ALWAYS, "0"},
    {DIGITS("ReadWriteLSN", 25), ALWAYS, "0"},
    {OTHER("BackupSizeInBytes", BIGINT), CONTENT, NULL},
    {OTHER("SourceBlockSize", INT), BLOCK, NULL},
    {OTHER("FileGroupId", INT), ALWAYS, "1"},
    {OTHER("LogGroupGUID", UNIQUEIDENTIFIER), ALWAYS, NULL},
    {DIGITS("DifferentialBaseLSN", 25), ALWAYS, NULL},
    {OTHER("DifferentialBaseGUID", UNIQUEIDENTIFIER), ALWAYS, NULL},
    {OTHER("IsReadOnly", BIT), ALWAYS, "0"},
    {OTHER("IsPresent", BIT), ALWAYS, "1"},
    {BINARY("TDEThumbprint", 32), ALWAYS, NULL},
    {TEXT("SnapshotUrl", 360), ALWAYS, NULL},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
_Static_assert(COUNT(header_columns) <= COLUMNS_MAX, "the widest of them");

static const char *guid(char *text, uint64_t set_id, uint32_t member)
{
    snprintf(text, TEXT_MAX, "%08X-%04X-%04X-%04X-%012X", (uint32_t)(set_id >> 32),
             (uint32_t)(set_id >> 16) & 0xFFFF, (uint32_t)set_id & 0xFFFF, 0x5644, member);
    return text;
}

static const char *number(char *text, uint64_t value)
{
    snprintf(text, TEXT_MAX, "%" PRIu64, value);
    return text;
}

/* NULL: the stream does not tell, or there is none. */
static const char *lsn(char *text, uint64_t value, bool has)
{
    return has && value != 0 ? number(text, value) : NULL;
}

static const char *value_of(const struct column *column, const char *server,
                            const struct engine_backup_set *set, char *text)
{
    switch (column->source) {
    case ALWAYS:
        return column->text;
    case DATABASE:
        return set->database;
    case KIND:
        return set->kind;
    case TYPE:
        return number(text, set->type);
    case POSITION:
        return number(text, set->position);
    case SERVER:
        return server;
    case SIZE:
        return number(text, set->database_size);
    case CONTENT:
        return number(text, set->content_bytes);
    case BLOCK:
        return number(text, set->block_size);
    case SET_GUID:
        return guid(text, set->set_id, 0);
    case FAMILY_GUID:
        return guid(text, set->set_id, set->device + 1);
    case FAMILY_COUNT:
        return number(text, set->device_count);
    case FAMILY_NUMBER:
        return number(text, set->device + 1);
    case SNAPSHOT:
        return set->snapshot ? "1" : "0";
    case FIRST_LSN:
        return lsn(text, set->first_lsn, set->last_lsn != 0);
    case LAST_LSN:
        return lsn(text, set->last_lsn, true);
    case CHECKPOINT:
        return lsn(text, set->base_lsn, set->type == BACKUP_DATABASE);
    case FULL_BACKUP:
        return lsn(text, set->base_lsn, set->type != BACKUP_DATABASE);
    case DIFFERENTIAL_BASE:
        return lsn(text, set->base_lsn, set->type == BACKUP_DIFFERENTIAL);
    case PHYSICAL_NAME:
        snprintf(text, TEXT_MAX, "/var/opt/mssql/data/%s.mdf", set->database);
        return text;
    }
    assert(false);
    return NULL;
}

void rows_tell(struct session *session, enum tsql_statement_kind kind, const struct engine_backup_set *set)
{
    const struct column *table = kind == TSQL_HEADERONLY  ? header_columns
                                 : kind == TSQL_LABELONLY ? label_columns
                                                          : file_columns;
    uint32_t count = kind == TSQL_HEADERONLY  ? COUNT(header_columns)
                     : kind == TSQL_LABELONLY ? COUNT(label_columns)
                                              : COUNT(file_columns);
    struct results_column columns[COLUMNS_MAX];
    const char *values[COLUMNS_MAX];
    char texts[COLUMNS_MAX][TEXT_MAX];
    for (uint32_t i = 0; i < count; i++) {
        columns[i] = table[i].column;
        values[i] = value_of(&table[i], session->settings.server, set, texts[i]);
    }
    session_columns(session, columns, count);
    session_row(session, values, count);
    session_rows_end(session);
}
