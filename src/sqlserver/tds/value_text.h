/* value_text.h - bytes of a value as text, by type, and back for the types that answers have.
 *
 * Pure. To text: 0, ENOMEM, or EPROTO: no such value has that many bytes, or it is out of range. Any thread.
 */
#ifndef VDIFAULT_TDS_VALUE_TEXT_H
#define VDIFAULT_TDS_VALUE_TEXT_H

#include "value.h"

/* All that `bytes` holds is the value's. Sets the kind and the text. */
typedef int tds_to_text(struct tds_reader bytes, uint8_t scale, struct tds_value *value);
tds_to_text tds_int_to_text;
tds_to_text tds_bit_to_text;
tds_to_text tds_float_to_text;
tds_to_text tds_money_to_text;
tds_to_text tds_decimal_to_text;
tds_to_text tds_wide_to_text;
tds_to_text tds_narrow_to_text; /* UTF-8 where it is that, otherwise Latin-1 */
tds_to_text tds_binary_to_text;
tds_to_text tds_guid_to_text;
tds_to_text tds_datetime_to_text; /* datetime and smalldatetime */
tds_to_text tds_date_to_text;
tds_to_text tds_time_to_text;
tds_to_text tds_datetime2_to_text;
tds_to_text tds_offset_to_text;

/* For rows: false where the text is no such value. */
bool tds_guid_from_text(const char *text, uint8_t guid[16]);
bool tds_datetime_from_text(const char *text, int32_t *days, uint32_t *ticks); /* "2024-02-29 23:59:59.997" */
bool tds_decimal_from_text(const char *text, uint8_t scale, bool *negative, uint8_t magnitude[16]);

#endif
