/* vdi.h - the client side of the virtual device interface (spec 3 and 5).
 *
 * C++: source-compatible with the Linux VDI SDK header; a client written for that SDK compiles unchanged.
 * C:   the same structs, enums and codes, and plain functions vdi_set_* and vdi_device_*. These are the C++
 *      methods under another name: each is declared with an asm label naming the C++ symbol (spec 3.1), so
 * that there is one export table and a C client is interposed exactly like a C++ one.
 *
 * Ownership: a device object belongs to its set and stays valid memory until the set's destructor, also after
 * Close; it must not be deleted. A VDC_Command and its buffer belong to the client from the GetCommand that
 * returned them until the CompleteCommand that takes them (spec 8).
 * Threads: a set may be called from any thread; a device from one thread at a time (VDI-THR-001).
 * Timeouts are milliseconds; negative waits for ever, zero polls.
 */
#ifndef VDI_H
#define VDI_H

#include <stdint.h>
#include <time.h>

/* Completion codes that go back to SQL Server: Win32 numbers (spec 5.7). */
#define ERROR_SUCCESS           0L
#define ERROR_ARENA_TRASHED     7L
#define ERROR_HANDLE_EOF        38L
#define ERROR_HANDLE_DISK_FULL  39L
#define ERROR_NOT_SUPPORTED     50L
#define ERROR_DISK_FULL         112L
#define ERROR_OPERATION_ABORTED 995L

#ifdef __cplusplus
extern "C" {
#endif

#pragma pack(push, 8)

/* Configuration of a set, 44 bytes (spec 5.1). The client fills the fields down to serverTimeOut for Create;
 * GetConfiguration returns all of them as the server settled them. */
struct VDConfig {
    uint32_t deviceCount;           /* 1 to 64 */
    uint32_t features;              /* VDF_* bits */
    uint32_t prefixZoneSize;        /* bytes before each buffer that are the client's own; 0 = none */
    uint32_t alignment;             /* bytes, a power of two up to 65536; 0 = the block size */
    uint32_t softFileMarkBlockSize; /* bytes; only with VDF_FileMarks */
    uint32_t EOMWarningSize;        /* bytes; 0 = none */
    uint32_t serverTimeOut;         /* ms the client may take to answer; 0 = for ever */
    uint32_t blockSize;             /* bytes; set by the server */
    uint32_t maxIODepth;            /* always 4; set by the server */
    uint32_t maxTransferSize;       /* bytes; set by the server */
    uint32_t bufferAreaSize;        /* bytes; set by the server */
};

enum VDFeatures {
    VDF_Removable = 0x1,
    VDF_Rewind = 0x2,
    VDF_Position = 0x10,
    VDF_SkipBlocks = 0x20,
    VDF_ReversePosition = 0x40,
    VDF_Discard = 0x80,
    VDF_FileMarks = 0x100,
    VDF_RandomAccess = 0x200,
    VDF_SnapshotPrepare = 0x400,
    VDF_EnumFrozenFiles = 0x800,
    VDF_VSSWriter = 0x1000,
    VDF_RequestComplete = 0x2000,
    VDF_WriteMedia = 0x10000,      /* the server writes to the media: a backup */
    VDF_ReadMedia = 0x20000,       /* the server reads from the media: a restore */
    VDF_CompleteEnabled = 0x40000, /* VDC_Complete will be sent */
#ifdef __cplusplus
    VDF_LatchStats = 0x80000000,
#else
    VDF_LatchStats = -0x7fffffff - 1, /* 0x80000000: ISO C enumerators are ints */
#endif
    VDF_LikePipe = 0,
    VDF_LikeTape = 0x173,
    VDF_LikeDisk = 0x200
};

enum VDCommands {
    VDC_Read = 1,
    VDC_Write = 2,
    VDC_ClearError = 3,
    VDC_Rewind = 4,
    VDC_WriteMark = 5,
    VDC_SkipMarks = 6,
    VDC_SkipBlocks = 7,
    VDC_Load = 8,
    VDC_GetPosition = 9,
    VDC_SetPosition = 10,
    VDC_Discard = 11,
    VDC_Flush = 12,
    VDC_Snapshot = 13,
    VDC_MountSnapshot = 14,
    VDC_PrepareToFreeze = 15,
    VDC_FileInfoBegin = 16,
    VDC_FileInfoEnd = 17,
    VDC_GetError = 18,
    VDC_Complete = 19
};

enum VDWhence {
    VDC_Beginning = 0,
    VDC_Current = 1,
    VDC_End = 2
};

/* A command as the client sees it, 24 bytes (spec 5.2). Read-only for the client. */
struct VDC_Command {
    int32_t commandCode; /* VDC_* */
    int32_t size;        /* bytes to transfer; overloaded by some commands */
    int64_t position;    /* bytes, with VDF_RandomAccess */
    uint8_t *buffer;     /* Read and Write only, else NULL */
};

/* A command as the server sees it, 56 bytes (spec 5.3). */
struct VDS_Command {
    int32_t commandCode;
    int32_t size;
    int64_t inPosition;
    int64_t outPosition;
    uint8_t *buffer;
    uint8_t *completionRoutine;
    uint8_t *completionContext;
    int32_t completionCode;
    int32_t bytesTransferred;
};

#ifdef __cplusplus

class CVDS;
class CVD;
class ClientVirtualDeviceSet;

class ClientVirtualDevice {
   public:
    ClientVirtualDevice();
    ~ClientVirtualDevice();
    int GetCommand(time_t timeOut, VDC_Command **ppCmd);
    int CompleteCommand(VDC_Command *pCmd, int completionCode, unsigned long bytesTransferred,
                        int64_t position);

   private:
    CVD *cvd;
    friend class ClientVirtualDeviceSet;
};

class ClientVirtualDeviceSet {
   public:
    int Create(char *name, VDConfig *cfg);
    int GetConfiguration(time_t timeout, VDConfig *cfg);
    int OpenDevice(char *name, ClientVirtualDevice **ppVirtualDevice);
    int Close();
    int SignalAbort();
    int OpenInSecondary(char *setName);
    int GetBufferHandle(uint8_t *pBuffer, unsigned int *pBufferHandle);
    int MapBufferHandle(int dwBuffer, uint8_t **ppBuffer);
    void RegisterDeviceClosed();
    ClientVirtualDeviceSet();
    ~ClientVirtualDeviceSet();

   private:
    CVDS *cvds;
};

#else /* C */

typedef struct VDConfig VDConfig;
typedef struct VDC_Command VDC_Command;
typedef struct VDS_Command VDS_Command;

/* The objects behind the C++ classes: one private pointer each (spec 3.1). */
typedef struct ClientVirtualDeviceSet {
    struct CVDS *cvds;
} ClientVirtualDeviceSet;
typedef struct ClientVirtualDevice {
    struct CVD *cvd;
} ClientVirtualDevice;

#ifndef VDI_PREFIX
#define VDI_PREFIX "" /* who builds the library into something of his own may name its functions otherwise */
#endif
#define VDI_SYMBOL(symbol) __asm__(VDI_PREFIX symbol)

/* Lifetime of a set object in the caller's memory: init before anything else, destroy last (closes if need
 * be). */
void vdi_set_init(ClientVirtualDeviceSet *set) VDI_SYMBOL("_ZN22ClientVirtualDeviceSetC1Ev");
void vdi_set_destroy(ClientVirtualDeviceSet *set) VDI_SYMBOL("_ZN22ClientVirtualDeviceSetD1Ev");

int vdi_set_create(ClientVirtualDeviceSet *set, char *name, VDConfig *cfg)
    VDI_SYMBOL("_ZN22ClientVirtualDeviceSet6CreateEPcP8VDConfig");
int vdi_set_get_configuration(ClientVirtualDeviceSet *set, time_t timeout, VDConfig *cfg)
    VDI_SYMBOL("_ZN22ClientVirtualDeviceSet16GetConfigurationElP8VDConfig");
int vdi_set_open_device(ClientVirtualDeviceSet *set, char *name, ClientVirtualDevice **device)
    VDI_SYMBOL("_ZN22ClientVirtualDeviceSet10OpenDeviceEPcPP19ClientVirtualDevice");
int vdi_set_close(ClientVirtualDeviceSet *set) VDI_SYMBOL("_ZN22ClientVirtualDeviceSet5CloseEv");
int vdi_set_signal_abort(ClientVirtualDeviceSet *set)
    VDI_SYMBOL("_ZN22ClientVirtualDeviceSet11SignalAbortEv");
int vdi_set_open_in_secondary(ClientVirtualDeviceSet *set, char *name)
    VDI_SYMBOL("_ZN22ClientVirtualDeviceSet15OpenInSecondaryEPc");
int vdi_set_get_buffer_handle(ClientVirtualDeviceSet *set, uint8_t *buffer, unsigned int *handle)
    VDI_SYMBOL("_ZN22ClientVirtualDeviceSet15GetBufferHandleEPhPj");
int vdi_set_map_buffer_handle(ClientVirtualDeviceSet *set, int handle, uint8_t **buffer)
    VDI_SYMBOL("_ZN22ClientVirtualDeviceSet15MapBufferHandleEiPPh");
void vdi_set_register_device_closed(ClientVirtualDeviceSet *set)
    VDI_SYMBOL("_ZN22ClientVirtualDeviceSet20RegisterDeviceClosedEv");

void vdi_device_init(ClientVirtualDevice *device) VDI_SYMBOL("_ZN19ClientVirtualDeviceC1Ev");
void vdi_device_destroy(ClientVirtualDevice *device) VDI_SYMBOL("_ZN19ClientVirtualDeviceD1Ev");
int vdi_device_get_command(ClientVirtualDevice *device, time_t timeout, VDC_Command **command)
    VDI_SYMBOL("_ZN19ClientVirtualDevice10GetCommandElPP11VDC_Command");
int vdi_device_complete_command(ClientVirtualDevice *device, VDC_Command *command, int completion_code,
                                unsigned long bytes_transferred, int64_t position)
    VDI_SYMBOL("_ZN19ClientVirtualDevice15CompleteCommandEP11VDC_Commandiml");

#endif /* __cplusplus */

#pragma pack(pop)

#ifdef __cplusplus
}
#endif

#endif
