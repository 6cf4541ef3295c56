/* vdierror.h - result codes of the virtual device interface (spec 5.6).
 *
 * Source-compatible with the Linux VDI SDK header of the same name: every code has the prefix 0x8077 and is a
 * negative int. Zero is success; the SDK defines no name for it on Linux, and neither do we.
 */
#ifndef VDIERROR_H
#define VDIERROR_H

#define MAKE_HRESULT(sev, fac, code) \
    ((int)(((unsigned long)(sev) << 31) | ((unsigned long)(fac) << 16) | ((unsigned long)(code))))
#define VD_ERROR(code) MAKE_HRESULT(1, 0x77, code)

#define VD_E_NOTOPEN       VD_ERROR(2)  /* 0x80770002 the object was not open */
#define VD_E_TIMEOUT       VD_ERROR(3)  /* 0x80770003 the waiting time elapsed */
#define VD_E_ABORT         VD_ERROR(4)  /* 0x80770004 an abort blocks everything but termination */
#define VD_E_SECURITY      VD_ERROR(5)  /* 0x80770005 the security environment could not be created */
#define VD_E_INVALID       VD_ERROR(6)  /* 0x80770006 invalid parameter */
#define VD_E_INSTANCE_NAME VD_ERROR(7)  /* 0x80770007 instance name not recognised */
#define VD_E_NOTSUPPORTED  VD_ERROR(9)  /* 0x80770009 configuration invalid */
#define VD_E_MEMORY        VD_ERROR(10) /* 0x8077000A out of memory */
#define VD_E_UNEXPECTED    VD_ERROR(11) /* 0x8077000B internal error */
#define VD_E_PROTOCOL      VD_ERROR(12) /* 0x8077000C call not allowed in this state */
#define VD_E_OPEN          VD_ERROR(13) /* 0x8077000D all devices are open; from Close: some still were */
#define VD_E_CLOSE         VD_ERROR(14) /* 0x8077000E the device is closed: normal end */
#define VD_E_BUSY          VD_ERROR(15) /* 0x8077000F resource busy */

#endif
