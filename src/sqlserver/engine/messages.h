/* messages.h - SQL Server's messages as the engine reports them (spec 13): number, severity, state, template.
 *
 * Each SQL_... macro is the list "number, severity, state, format" that engine_say() takes, so the compiler
 * checks the arguments against the template. Texts are those of SQL Server; where its text leaves the place
 * of a damage open, ours adds it. messages_os_error gives Win32 errors the form SQL Server prints them in:
 * 112(There is not enough space ...).
 */
#ifndef VDIFAULT_ENGINE_MESSAGES_H
#define VDIFAULT_ENGINE_MESSAGES_H

#include <stddef.h>
#include <stdint.h>

#define SQL_NO_DATABASE \
    911, 16, 11, "Database '%s' does not exist. Make sure that the name is entered correctly."
#define SQL_BEING_RESTORED 927, 14, 2, "Database '%s' cannot be opened. It is in the middle of a restore."
#define SQL_TERMINATING    3013, 16, 1, "%s is terminating abnormally."
#define SQL_SUCCESS        3014, 10, 1, "%s successfully processed %llu pages in %d.%03d seconds (%d.%03d MB/sec)."
#define SQL_SERIALIZED                                                                                      \
    3023, 16, 2,                                                                                            \
        "Backup, file manipulation operations (such as ALTER DATABASE ADD FILE) and encryption changes on " \
        "a database must be serialized. Reissue the statement after the current backup or file "            \
        "manipulation operation is completed."
#define SQL_NO_DIFFERENTIAL_BASE                                                                            \
    3035, 16, 1,                                                                                            \
        "Cannot perform a differential backup for database \"%s\", because a current database backup does " \
        "not exist. Perform a full database backup by reissuing BACKUP DATABASE, omitting the WITH "        \
        "DIFFERENTIAL option."
#define SQL_IN_USE 3101, 16, 1, "Exclusive access could not be obtained because the database is in use."
#define SQL_NOTHING_TO_ROLL_FORWARD \
    3117, 16, 1,                    \
        "The log or differential backup cannot be restored because no files are ready to rollforward."
#define SQL_MISSING_MEMBERS \
    3132, 16, 1, "The media set has %u media families but only %u are provided. All members must be provided."
#define SQL_OTHER_KIND \
    3135, 16, 1,       \
        "The backup set in file '%s' was created by %s and cannot be used for this restore operation."
#define SQL_NOT_THERE                                                                                     \
    3118, 16, 1,                                                                                          \
        "The database \"%s\" does not exist. RESTORE can only create a database when restoring either a " \
        "full "                                                                                           \
        "backup or a file backup of the primary file."
#define SQL_OTHER_STATE                                                                                  \
    3136, 16, 1,                                                                                         \
        "This differential backup cannot be restored because the database has not been restored to the " \
        "correct earlier state."
#define SQL_OTHER_DATABASE \
    3154, 16, 4, "The backup set holds a backup of a database other than the existing '%s' database."
#define SQL_TAIL_OF_LOG                                                                                   \
    3159, 16, 1,                                                                                          \
        "The tail of the log for the database \"%s\" has not been backed up. Use BACKUP LOG WITH "        \
        "NORECOVERY to backup the log if it contains work you do not want to lose. Use the WITH REPLACE " \
        "or WITH STOPAT clause of the RESTORE statement to just overwrite the contents of the log."
#define SQL_BAD_PAGE \
    3183, 16, 1, "RESTORE detected an error on page (1:%llu) in database \"%s\" as read from the backup set."
#define SQL_DAMAGE                                                                                           \
    3189, 16, 1,                                                                                             \
        "Damage to the backup set was detected. Device '%s', stream offset %llu, length %llu, extent %llu, " \
        "database offset %llu: %s."
#define SQL_TRUNCATED \
    3189, 16, 1,      \
        "Damage to the backup set was detected. Device '%s': the stream ends after %llu of %llu bytes."
#define SQL_OTHER_FILE \
    3189, 16, 1, "Damage to the backup set was detected. The mounted file '%s' is not what was frozen: %s."
#define SQL_FROZEN                                                                                  \
    3197, 10, 1,                                                                                    \
        "I/O is frozen on database %s. No user action is required. However, if I/O is not resumed " \
        "promptly, "                                                                                \
        "you could cancel the backup."
#define SQL_RESUMED      3198, 10, 1, "I/O was resumed on database %s. No user action is required."
#define SQL_WRITE_FAILED 3202, 16, 1, "Write on \"%s\" failed: %s"
#define SQL_READ_FAILED  3203, 16, 1, "Read on \"%s\" failed: %s"
#define SQL_ABORTED      3204, 16, 1, "The backup or restore was aborted."
#define SQL_TOO_MANY_DEVICES \
    3205, 16, 1, "Too many backup devices specified for backup or restore; only %u are allowed."
#define SQL_NO_BEGINNING                                                                                   \
    3208, 16, 1,                                                                                           \
        "Unexpected end of file while reading beginning of backup set. Confirm that the media contains a " \
        "valid SQL Server backup set, and see the console error log for more details."
#define SQL_PERCENT 3211, 10, 1, "%u percent processed."
#define SQL_DUPLICATE_MEMBER                                                                                 \
    3227, 16, 1,                                                                                             \
        "The backup media on \"%s\" is part of media family %u which has already been processed on \"%s\". " \
        "Ensure that backup devices are correctly specified. For tape devices, ensure that the correct "     \
        "volumes "                                                                                           \
        "are loaded."
#define SQL_TIMED_OUT 3229, 16, 1, "Request for device '%s' timed out."
#define SQL_OTHER_COUNT                                                                                    \
    3231, 16, 1,                                                                                           \
        "The media loaded on \"%s\" is formatted to support %u media families, but %u media families are " \
        "expected according to the backup device specification."
#define SQL_OBSOLETE_MEMBER                                                                               \
    3232, 16, 1,                                                                                          \
        "The volume mounted on \"%s\" does not have the expected backup set identity. The volume may be " \
        "obsolete due to a more recent overwrite of this media family. In that case, locate the correct " \
        "volume with sequence number %d of media family %u."
#define SQL_BAD_FAMILY                                                                                 \
    3241, 16, 0,                                                                                       \
        "The media family on device '%s' is incorrectly formed. SQL Server cannot process this media " \
        "family."
#define SQL_OUT_OF_RANGE 3250, 16, 1, "The value '%u' is not within range for the %s parameter."
#define SQL_NOT_A_POWER  3253, 16, 1, "The block size parameter must supply a value that is a power of 2."
#define SQL_INCOMPLETE                                                                                \
    3256, 16, 1,                                                                                      \
        "The backup set on device '%s' was terminated while it was being created and is incomplete. " \
        "RESTORE "                                                                                    \
        "sequence is terminated abnormally."
#define SQL_NO_SPACE                                                                                 \
    3257, 16, 1,                                                                                     \
        "There is insufficient free space on disk volume '%s' to create the database. The database " \
        "requires %llu additional free bytes, while only %llu bytes are available."
#define SQL_OTHER_SET                                                                                      \
    3258, 16, 1,                                                                                           \
        "The volume on the device \"%s\" is not part of the media set that is currently being processed. " \
        "Ensure that the backup devices are loaded with the correct media."
#define SQL_BAD_CONFIGURATION 3261, 16, 1, "SQL Server cannot use the virtual device configuration."
#define SQL_FILE_ERROR        3271, 16, 1, "A nonrecoverable I/O error occurred on file \"%s:\" %s."
#define SQL_OTHER_BLOCK_SIZE                                                                           \
    3272, 16, 1,                                                                                       \
        "The '%s' device has a hardware sector size of %u, but the block size parameter specifies an " \
        "incompatible override value of %u. Reissue the statement using a compatible block size."
#define SQL_FEW_BUFFERS \
    3273, 16, 1,        \
        "The BUFFERCOUNT parameter must supply a value that allows at least one buffer per backup device."
#define SQL_NO_SNAPSHOT \
    3276, 16, 1, "WITH SNAPSHOT can be used only if the backup set was created WITH SNAPSHOT."
#define SQL_SNAPSHOT_DEVICES 3277, 16, 1, "WITH SNAPSHOT must be used with only one virtual device."
#define SQL_MARK_NOT_ALIGNED                                                                               \
    3284, 16, 1,                                                                                           \
        "Filemark on device '%s' is not aligned. Re-issue the Restore statement with the same block size " \
        "used to create the backupset."
#define SQL_SYSTEM_ERROR \
    3634, 16, 1, "The operating system returned the error '%s' while attempting '%s' on '%s'."
#define SQL_PROCESSED   4035, 10, 1, "Processed %llu pages for database '%s', file '%s' on file %u."
#define SQL_NO_SUCH_SET 4038, 16, 1, "Cannot find file ID %u on device '%s'."
#define SQL_NO_LOG_BACKUPS                                                                        \
    4208, 16, 1,                                                                                  \
        "The statement BACKUP LOG is not allowed while the recovery model is SIMPLE. Use BACKUP " \
        "DATABASE or change the recovery model using ALTER DATABASE."
#define SQL_NO_CURRENT_BACKUP \
    4214, 16, 1, "BACKUP LOG cannot be performed because there is no current database backup."
#define SQL_LOG_TOO_RECENT                                                                    \
    4305, 16, 1,                                                                              \
        "The log in this backup set begins at LSN %llu, which is too recent to apply to the " \
        "database. An earlier log backup that includes LSN %llu can be restored."
#define SQL_LOG_TOO_EARLY                                                                        \
    4326, 16, 1,                                                                                 \
        "The log in this backup set terminates at LSN %llu, which is too early to apply to the " \
        "database. A more recent log backup that includes LSN %llu can be restored."
#define SQL_CANNOT_OPEN \
    5120, 16, 101, "Unable to open the physical file \"%s\". Operating system error %d: \"%s\"."
#define SQL_IO_FAILURE 18210, 16, 1, "%s: %s failure on backup device '%s'. Operating system error %s."

/* Win32 codes the engine itself gives, beside those of vdi.h and server.h. */
enum {
    OS_FILE_NOT_FOUND = 2,
    OS_ACCESS_DENIED = 5,
    OS_INVALID_DATA = 13,
    OS_INVALID_PARAMETER = 87,
    OS_ERROR_TEXT_MAX = 192,
};

/* "112(There is not enough space on the disk.)" */
const char *messages_os_error(int32_t code, char *text, size_t size);
const char *messages_os_text(int32_t code); /* the text alone */
int32_t messages_from_errno(int error);     /* errno as a Win32 code */

#endif
