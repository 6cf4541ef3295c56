/* rows.c - see rows.h. */
#include "rows.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

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
    const char *name;
    bool number;
    enum source source;
    const char *text;
};

enum {
    COLUMNS_MAX = 64,
    BACKUP_DATABASE = 1, /* of BackupType */
    BACKUP_DIFFERENTIAL = 5,
    TEXT_MAX = 320
};

#define NOTHING(name)             \
    {                             \
        name, false, ALWAYS, NULL \
    }
#define NO_NUMBER(name)          \
    {                            \
        name, true, ALWAYS, NULL \
    }
#define NUMBER(name, text)       \
    {                            \
        name, true, ALWAYS, text \
    }
#define WORDS(name, text)         \
    {                             \
        name, false, ALWAYS, text \
    }

static const struct column header_columns[] = {
    NOTHING("BackupName"),
    NOTHING("BackupDescription"),
    {"BackupType", true, TYPE, NULL},
    NOTHING("ExpirationDate"),
    NUMBER("Compressed", "0"),
    {"Position", true, POSITION, NULL},
    NUMBER("DeviceType", "7"), /* a virtual device (spec 9.1) */
    WORDS("UserName", "sa"),
    {"ServerName", false, SERVER, NULL},
    {"DatabaseName", false, DATABASE, NULL},
    NUMBER("DatabaseVersion", "957"),
    NOTHING("DatabaseCreationDate"),
    {"BackupSize", true, CONTENT, NULL},
    {"FirstLSN", true, FIRST_LSN, NULL},
    {"LastLSN", true, LAST_LSN, NULL},
    {"CheckpointLSN", true, CHECKPOINT, NULL},
    {"DatabaseBackupLSN", true, FULL_BACKUP, NULL},
    NOTHING("BackupStartDate"),
    NOTHING("BackupFinishDate"),
    NUMBER("SortOrder", "52"),
    NUMBER("CodePage", "0"),
    NUMBER("UnicodeLocaleId", "1033"),
    NUMBER("UnicodeComparisonStyle", "196609"),
    NUMBER("CompatibilityLevel", "160"),
    NUMBER("SoftwareVendorId", "4608"),
    NUMBER("SoftwareVersionMajor", "16"),
    NUMBER("SoftwareVersionMinor", "0"),
    NUMBER("SoftwareVersionBuild", "1000"),
    {"MachineName", false, SERVER, NULL},
    NUMBER("Flags", "512"),
    {"BindingID", false, SET_GUID, NULL},
    {"RecoveryForkID", false, SET_GUID, NULL},
    WORDS("Collation", "SQL_Latin1_General_CP1_CI_AS"),
    {"FamilyGUID", false, FAMILY_GUID, NULL},
    NUMBER("HasBulkLoggedData", "0"),
    {"IsSnapshot", true, SNAPSHOT, NULL},
    NUMBER("IsReadOnly", "0"),
    NUMBER("IsSingleUser", "0"),
    NUMBER("HasBackupChecksums", "0"),
    NUMBER("IsDamaged", "0"),
    NUMBER("BeginsLogChain", "0"),
    NUMBER("HasIncompleteMetaData", "0"),
    NUMBER("IsForceOffline", "0"),
    NUMBER("IsCopyOnly", "0"),
    {"FirstRecoveryForkID", false, SET_GUID, NULL},
    NO_NUMBER("ForkPointLSN"),
    WORDS("RecoveryModel", "FULL"),
    {"DifferentialBaseLSN", true, DIFFERENTIAL_BASE, NULL},
    NOTHING("DifferentialBaseGUID"),
    {"BackupTypeDescription", false, KIND, NULL},
    {"BackupSetGUID", false, SET_GUID, NULL},
    {"CompressedBackupSize", true, CONTENT, NULL},
    NUMBER("Containment", "0"),
    NOTHING("KeyAlgorithm"),
    NOTHING("EncryptorThumbprint"),
    NOTHING("EncryptorType"),
};

static const struct column label_columns[] = {
    NOTHING("MediaName"),
    {"MediaSetId", false, SET_GUID, NULL},
    {"FamilyCount", true, FAMILY_COUNT, NULL},
    {"FamilySequenceNumber", true, FAMILY_NUMBER, NULL},
    {"MediaFamilyId", false, FAMILY_GUID, NULL},
    NUMBER("MediaSequenceNumber", "1"),
    NUMBER("MediaLabelPresent", "0"),
    NOTHING("MediaDescription"),
    WORDS("SoftwareName", "Microsoft SQL Server"),
    NUMBER("SoftwareVendorId", "4608"),
    NOTHING("MediaDate"),
    NUMBER("Mirror_Count", "1"),
    NUMBER("IsCompressed", "0"),
};

static const struct column file_columns[] = {
    {"LogicalName", false, DATABASE, NULL},
    {"PhysicalName", false, PHYSICAL_NAME, NULL},
    WORDS("Type", "D"),
    WORDS("FileGroupName", "PRIMARY"),
    {"Size", true, SIZE, NULL},
    NUMBER("MaxSize", "35184372080640"),
    NUMBER("FileId", "1"),
    NUMBER("CreateLSN", "0"),
    NUMBER("DropLSN", "0"),
    {"UniqueId", false, SET_GUID, NULL},
    NUMBER("ReadOnlyLSN", "0"),
    NUMBER("ReadWriteLSN", "0"),
    {"BackupSizeInBytes", true, CONTENT, NULL},
    {"SourceBlockSize", true, BLOCK, NULL},
    NUMBER("FileGroupId", "1"),
    NOTHING("LogGroupGUID"),
    NO_NUMBER("DifferentialBaseLSN"),
    NOTHING("DifferentialBaseGUID"),
    NUMBER("IsReadOnly", "0"),
    NUMBER("IsPresent", "1"),
    NOTHING("TDEThumbprint"),
    NOTHING("SnapshotUrl"),
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

static const char *value_of(const struct column *column, const struct output *output,
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
        return output->server;
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

void rows_print(struct output *output, enum tsql_statement_kind kind, const struct engine_backup_set *set,
                bool rows_affected)
{
    const struct column *table = kind == TSQL_HEADERONLY  ? header_columns
                                 : kind == TSQL_LABELONLY ? label_columns
                                                          : file_columns;
    size_t count = kind == TSQL_HEADERONLY  ? COUNT(header_columns)
                   : kind == TSQL_LABELONLY ? COUNT(label_columns)
                                            : COUNT(file_columns);
    struct output_column columns[COLUMNS_MAX];
    char texts[COLUMNS_MAX][TEXT_MAX];
    for (size_t i = 0; i < count; i++) {
        columns[i] = (struct output_column){
            .name = table[i].name,
            .value = value_of(&table[i], output, set, texts[i]),
            .number = table[i].number,
        };
    }
    output_row(output, columns, (uint32_t)count, rows_affected);
}
