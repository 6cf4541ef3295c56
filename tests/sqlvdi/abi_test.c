/* Layouts and values of the public headers against spec section 5, at compile time; and the library's
 * behaviour with objects that do not come from it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vdi.h"
#include "vdierror.h"

#define OFFSET(type, field, offset) _Static_assert(offsetof(struct type, field) == (offset), #type "." #field)
#define VALUE(name, value)          _Static_assert((uint32_t)(name) == (uint32_t)(value), #name)

/* spec 5.1 */
_Static_assert(sizeof(struct VDConfig) == 44 && _Alignof(struct VDConfig) == 4, "VDConfig");
OFFSET(VDConfig, deviceCount, 0);
OFFSET(VDConfig, features, 4);
OFFSET(VDConfig, prefixZoneSize, 8);
OFFSET(VDConfig, alignment, 12);
OFFSET(VDConfig, softFileMarkBlockSize, 16);
OFFSET(VDConfig, EOMWarningSize, 20);
OFFSET(VDConfig, serverTimeOut, 24);
OFFSET(VDConfig, blockSize, 28);
OFFSET(VDConfig, maxIODepth, 32);
OFFSET(VDConfig, maxTransferSize, 36);
OFFSET(VDConfig, bufferAreaSize, 40);

/* spec 5.2 */
_Static_assert(sizeof(struct VDC_Command) == 24 && _Alignof(struct VDC_Command) == 8, "VDC_Command");
OFFSET(VDC_Command, commandCode, 0);
OFFSET(VDC_Command, size, 4);
OFFSET(VDC_Command, position, 8);
OFFSET(VDC_Command, buffer, 16);

/* spec 5.3 */
_Static_assert(sizeof(struct VDS_Command) == 56 && _Alignof(struct VDS_Command) == 8, "VDS_Command");
OFFSET(VDS_Command, commandCode, 0);
OFFSET(VDS_Command, size, 4);
OFFSET(VDS_Command, inPosition, 8);
OFFSET(VDS_Command, outPosition, 16);
OFFSET(VDS_Command, buffer, 24);
OFFSET(VDS_Command, completionRoutine, 32);
OFFSET(VDS_Command, completionContext, 40);
OFFSET(VDS_Command, completionCode, 48);
OFFSET(VDS_Command, bytesTransferred, 52);

/* spec 5.4 */
VALUE(VDF_Removable, 0x1);
VALUE(VDF_Rewind, 0x2);
VALUE(VDF_Position, 0x10);
VALUE(VDF_SkipBlocks, 0x20);
VALUE(VDF_ReversePosition, 0x40);
VALUE(VDF_Discard, 0x80);
VALUE(VDF_FileMarks, 0x100);
VALUE(VDF_RandomAccess, 0x200);
VALUE(VDF_SnapshotPrepare, 0x400);
VALUE(VDF_EnumFrozenFiles, 0x800);
VALUE(VDF_VSSWriter, 0x1000);
VALUE(VDF_RequestComplete, 0x2000);
VALUE(VDF_WriteMedia, 0x10000);
VALUE(VDF_ReadMedia, 0x20000);
VALUE(VDF_CompleteEnabled, 0x40000);
VALUE(VDF_LatchStats, 0x80000000);
VALUE(VDF_LikePipe, 0);
VALUE(VDF_LikeTape, 0x173);
VALUE(VDF_LikeDisk, 0x200);

/* spec 5.5 */
VALUE(VDC_Read, 1);
VALUE(VDC_Write, 2);
VALUE(VDC_ClearError, 3);
VALUE(VDC_Rewind, 4);
VALUE(VDC_WriteMark, 5);
VALUE(VDC_SkipMarks, 6);
VALUE(VDC_SkipBlocks, 7);
VALUE(VDC_Load, 8);
VALUE(VDC_GetPosition, 9);
VALUE(VDC_SetPosition, 10);
VALUE(VDC_Discard, 11);
VALUE(VDC_Flush, 12);
VALUE(VDC_Snapshot, 13);
VALUE(VDC_MountSnapshot, 14);
VALUE(VDC_PrepareToFreeze, 15);
VALUE(VDC_FileInfoBegin, 16);
VALUE(VDC_FileInfoEnd, 17);
VALUE(VDC_GetError, 18);
VALUE(VDC_Complete, 19);
VALUE(VDC_Beginning, 0);
VALUE(VDC_Current, 1);
VALUE(VDC_End, 2);

/* spec 5.6 */
VALUE(VD_E_NOTOPEN, 0x80770002);
VALUE(VD_E_TIMEOUT, 0x80770003);
VALUE(VD_E_ABORT, 0x80770004);
VALUE(VD_E_SECURITY, 0x80770005);
VALUE(VD_E_INVALID, 0x80770006);
VALUE(VD_E_INSTANCE_NAME, 0x80770007);
VALUE(VD_E_NOTSUPPORTED, 0x80770009);
VALUE(VD_E_MEMORY, 0x8077000A);
VALUE(VD_E_UNEXPECTED, 0x8077000B);
VALUE(VD_E_PROTOCOL, 0x8077000C);
VALUE(VD_E_OPEN, 0x8077000D);
VALUE(VD_E_CLOSE, 0x8077000E);
VALUE(VD_E_BUSY, 0x8077000F);

/* spec 5.7: the seven of the SDK header */
VALUE(ERROR_SUCCESS, 0);
VALUE(ERROR_ARENA_TRASHED, 7);
VALUE(ERROR_HANDLE_EOF, 38);
VALUE(ERROR_HANDLE_DISK_FULL, 39);
VALUE(ERROR_NOT_SUPPORTED, 50);
VALUE(ERROR_DISK_FULL, 112);
VALUE(ERROR_OPERATION_ABORTED, 995);

static void test_unbound_device(void **unused)
{
    (void)unused;
    ClientVirtualDevice device;
    VDC_Command *command = (VDC_Command *)&device;
    vdi_device_init(&device);
    assert_int_equal(vdi_device_get_command(&device, -1, &command), VD_E_PROTOCOL);
    assert_null(command);
    assert_int_equal(vdi_device_complete_command(&device, NULL, 0, 0, 0), VD_E_PROTOCOL);
    vdi_device_destroy(&device);
}

static void test_set_before_create(void **unused)
{
    (void)unused;
    ClientVirtualDeviceSet set;
    ClientVirtualDevice *device = (ClientVirtualDevice *)&set;
    VDConfig config;
    vdi_set_init(&set);
    assert_int_equal(vdi_set_get_configuration(&set, -1, &config), VD_E_PROTOCOL);
    assert_int_equal(vdi_set_open_device(&set, (char *)"x", &device), VD_E_PROTOCOL);
    assert_null(device);
    assert_int_equal(vdi_set_open_in_secondary(&set, (char *)"no such set"), VD_E_PROTOCOL);
    assert_int_equal(vdi_set_signal_abort(&set), VD_E_PROTOCOL);
    assert_int_equal(vdi_set_close(&set), VD_E_PROTOCOL);
    vdi_set_destroy(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unbound_device),
        cmocka_unit_test(test_set_before_create),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
