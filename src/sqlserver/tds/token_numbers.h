/* token_numbers.h - the first byte of each token in a server's answer (MS-TDS 2.2.7): of those we write (tokens.h) and of
 * those a real server may send (response.h).
 */
#ifndef VDIFAULT_TDS_TOKEN_NUMBERS_H
#define VDIFAULT_TDS_TOKEN_NUMBERS_H

enum tds_token {
    TOKEN_OFFSET = 0x78,
    TOKEN_RETURN_STATUS = 0x79,
    TOKEN_COLUMNS = 0x81,
    TOKEN_TABLE_NAMES = 0xa4,
    TOKEN_COLUMN_INFO = 0xa5,
    TOKEN_ORDER = 0xa9,
    TOKEN_ERROR = 0xaa,
    TOKEN_INFO = 0xab,
    TOKEN_RETURN_VALUE = 0xac,
    TOKEN_LOGINACK = 0xad,
    TOKEN_FEATURES = 0xae,
    TOKEN_ROW = 0xd1,
    TOKEN_ROW_WITH_NULLS = 0xd2,
    TOKEN_ENVIRONMENT = 0xe3,
    TOKEN_SESSION_STATE = 0xe4,
    TOKEN_SSPI = 0xed,
    TOKEN_FEDERATED = 0xee,
    FEATURES_END = 0xff, /* behind the last of TOKEN_FEATURES */
};

#endif
