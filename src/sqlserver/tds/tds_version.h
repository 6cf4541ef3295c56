/* tds_version.h - versions: of the protocol, as LOGIN7 and LOGINACK name them, and of the server that is simulated.
 */
#ifndef VDIFAULT_TDS_VERSION_H
#define VDIFAULT_TDS_VERSION_H

/* As LOGIN7 has them, little-endian. 7.1 has narrower tokens; with 7.2 every request begins with ALL_HEADERS. */
#define TDS_VERSION_71  UINT32_C(0x71000000)
#define TDS_VERSION_72  UINT32_C(0x72090002)
#define TDS_VERSION_73A UINT32_C(0x730a0003)
#define TDS_VERSION_73B UINT32_C(0x730b0003) /* NBCROW */
#define TDS_VERSION_74  UINT32_C(0x74000004) /* FEATUREEXTACK */
#define TDS_VERSION_80  UINT32_C(0x08000000) /* TLS first; otherwise as 7.4 */

enum {
    TDS_SERVER_MAJOR = 16,
    TDS_SERVER_MINOR = 0,
    TDS_SERVER_BUILD = 1000,
};

#endif
