/* value_text.c - see value_text.h. Days are those of the proleptic Gregorian calendar. */
#include "value_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    GUID_SIZE = 16,
    MAGNITUDE_SIZE = 16,
    DIGITS_MOST = 40,      /* of 128 bits, and a sign */
    DAYS_TO_1900 = 693595, /* from 0001-01-01 */
    DAYS_MOST = 3652058,   /* 9999-12-31 */
    TICKS_A_SECOND = 300,
    DAY_SECONDS = 86400,
    MINUTE_SECONDS = 60,
    OFFSET_MOST = 14 * 60,
    TEXT_MOST = 64,
};

static int give(struct tds_value *value, enum tds_value_kind kind, const char *text)
{
    value->kind = kind;
    value->text = strdup(text);
    return value->text != NULL ? 0 : ENOMEM;
}

/* ---- numbers ---- */

int tds_int_to_text(struct tds_reader bytes, uint8_t scale, struct tds_value *value)
{
    (void)scale;
    size_t size = tds_left(&bytes);
    char text[TEXT_MOST];
    if (size != 1 && size != 2 && size != 4 && size != 8) {
        return EPROTO;
    }
    uint64_t number = tds_uint(&bytes, (uint32_t)size);
    if (size > 1 && size < 8 && (number >> (8 * size - 1)) != 0) {
        number |= UINT64_MAX << (8 * size); /* a tinyint alone has no sign */
    }
    snprintf(text, sizeof text, "%" PRId64, (int64_t)number);
    return give(value, TDS_VALUE_NUMBER, text);
}

int tds_bit_to_text(struct tds_reader bytes, uint8_t scale, struct tds_value *value)
{
    (void)scale;
    return tds_left(&bytes) == 1 ? give(value, TDS_VALUE_NUMBER, tds_u8(&bytes) != 0 ? "1" : "0") : EPROTO;
}

int tds_float_to_text(struct tds_reader bytes, uint8_t scale, struct tds_value *value)
{
    (void)scale;
    char text[TEXT_MOST];
    size_t size = tds_left(&bytes);
    if (size == sizeof(float)) {
        uint32_t bits = tds_u32(&bytes);
        float number;
        memcpy(&number, &bits, sizeof number);
        snprintf(text, sizeof text, "%.7g", (double)number);
    } else if (size == sizeof(double)) {
        uint64_t bits = tds_u64(&bytes);
        double number;
        memcpy(&number, &bits, sizeof number);
        snprintf(text, sizeof text, "%.15g", number);
    } else {
        return EPROTO;
    }
    if (strpbrk(text, "in") != NULL) { /* infinite, or no number */
        return EPROTO;
    }
    return give(value, strchr(text, 'e') == NULL ? TDS_VALUE_NUMBER : TDS_VALUE_TEXT, text);
}

/* Digits of `magnitude`, the last `scale` of them behind a point. */
static int put_decimal(unsigned __int128 magnitude, bool negative, uint8_t scale, struct tds_value *value)
{
    char text[TEXT_MOST];
    char *at = text + sizeof text - 1;
    uint32_t digits = 0;
    *at = '\0';
    do {
        if (scale > 0 && digits == scale) {
            *--at = '.';
        }
        *--at = (char)('0' + (int)(magnitude % 10));
        magnitude /= 10;
        digits++;
    } while (magnitude > 0 || digits <= scale);
    if (negative) {
        *--at = '-';
    }
    return give(value, TDS_VALUE_NUMBER, at);
}

int tds_money_to_text(struct tds_reader bytes, uint8_t scale, struct tds_value *value)
{
    (void)scale;
    size_t size = tds_left(&bytes);
    int64_t number;
    if (size == 4) {
        number = (int32_t)tds_u32(&bytes);
    } else if (size == 8) {
        uint64_t high = tds_u32(&bytes);
        number = (int64_t)(high << 32 | tds_u32(&bytes));
    } else {
        return EPROTO;
    }
    bool negative = number < 0;
    return put_decimal(negative ? -(uint64_t)number : (uint64_t)number, negative, 4, value);
}

int tds_decimal_to_text(struct tds_reader bytes, uint8_t scale, struct tds_value *value)
{
    size_t size = tds_left(&bytes);
    unsigned __int128 magnitude = 0;
    if (size < 2 || size > 1 + MAGNITUDE_SIZE) {
        return EPROTO;
    }
    bool negative = tds_u8(&bytes) == 0;
    for (uint32_t i = 0; i < size - 1; i++) {
        magnitude |= (unsigned __int128)tds_u8(&bytes) << (8 * i);
    }
    return put_decimal(magnitude, negative, scale, value);
}

bool tds_decimal_from_text(const char *text, uint8_t scale, bool *negative, uint8_t magnitude[16])
{
    unsigned __int128 number = 0;
    uint32_t digits = 0, behind = 0;
    bool point = false;
    *negative = *text == '-';
    for (text += *negative; *text != '\0'; text++) {
        if (*text == '.' && !point) {
            point = true;
        } else if (*text < '0' || *text > '9' || ++digits > 38) {
            return false;
        } else if (!point || behind < scale) {
            number = number * 10 + (unsigned)(*text - '0');
            behind += point;
        }
    }
    for (; behind < scale; behind++) {
        number *= 10;
    }
    for (uint32_t i = 0; i < MAGNITUDE_SIZE; i++) {
        magnitude[i] = (uint8_t)(number >> (8 * i));
    }
    return digits > 0;
}

/* ---- text and bytes ---- */

int tds_wide_to_text(struct tds_reader bytes, uint8_t scale, struct tds_value *value)
{
    (void)scale;
    size_t size = tds_left(&bytes);
    if (size % 2 != 0) {
        return EPROTO;
    }
    value->kind = TDS_VALUE_TEXT;
    value->text = tds_text(bytes.at, size);
    return value->text != NULL ? 0 : ENOMEM;
}

static bool is_utf8(struct tds_reader bytes)
{
    size_t left = tds_left(&bytes), size = 1;
    for (const uint8_t *at = bytes.at; left > 0 && size > 0; at += size, left -= size) {
        uint32_t code;
        size = tds_character(at, left, &code);
    }
    return size > 0;
}

int tds_narrow_to_text(struct tds_reader bytes, uint8_t scale, struct tds_value *value)
{
    (void)scale;
    bool utf8 = is_utf8(bytes);
    char *text = malloc(3 * tds_left(&bytes) + 1), *at = text;
    if (text == NULL) {
        return ENOMEM;
    }
    while (tds_left(&bytes) > 0) {
        uint8_t byte = tds_u8(&bytes);
        if (byte == 0) { /* U+FFFD, as in bytes.h */
            memcpy(at, "\xef\xbf\xbd", 3);
            at += 3;
        } else if (utf8 || byte < 0x80) {
            *at++ = (char)byte;
        } else {
            *at++ = (char)(0xc0 | byte >> 6);
            *at++ = (char)(0x80 | (byte & 0x3f));
        }
    }
    *at = '\0';
    value->kind = TDS_VALUE_TEXT;
    value->text = text;
    return 0;
}

int tds_binary_to_text(struct tds_reader bytes, uint8_t scale, struct tds_value *value)
{
    (void)scale;
    static const char digits[] = "0123456789abcdef";
    char *text = malloc(2 * tds_left(&bytes) + 3), *at = text;
    if (text == NULL) {
        return ENOMEM;
    }
    *at++ = '0';
    *at++ = 'x';
    while (tds_left(&bytes) > 0) {
        uint8_t byte = tds_u8(&bytes);
        *at++ = digits[byte >> 4];
        *at++ = digits[byte & 15];
    }
    *at = '\0';
    value->kind = TDS_VALUE_BINARY;
    value->text = text;
    return 0;
}

/* Of a GUID's bytes, which are printed in this order. */
static const uint8_t guid_order[GUID_SIZE] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

static bool dash_before(int byte)
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

int tds_guid_to_text(struct tds_reader bytes, uint8_t scale, struct tds_value *value)
{
    (void)scale;
    char text[TEXT_MOST] = "", *at = text;
    if (tds_left(&bytes) != GUID_SIZE) {
        return EPROTO;
    }
    for (int i = 0; i < GUID_SIZE; i++) {
        at += snprintf(at, 4, dash_before(i) ? "-%02X" : "%02X", bytes.at[guid_order[i]]);
    }
    return give(value, TDS_VALUE_TEXT, text);
}

bool tds_guid_from_text(const char *text, uint8_t guid[16])
{
    for (int i = 0; i < GUID_SIZE; i++) {
        unsigned byte;
        int length = 0;
        if (dash_before(i) && *text++ != '-') {
            return false;
        }
        if (sscanf(text, "%2x%n", &byte, &length) != 1 || length != 2) {
            return false;
        }
        guid[guid_order[i]] = (uint8_t)byte;
        text += 2;
    }
    return *text == '\0';
}

/* ---- time ---- */

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int month_days(int year, int month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

static int days_before_year(int year)
{
    int before = year - 1;
    return before * 365 + before / 4 - before / 100 + before / 400;
}

/* `days` from 0001-01-01; false beyond 9999-12-31. */
static bool put_date(char *text, size_t size, int64_t days)
{
    if (days < 0 || days > DAYS_MOST) {
        return false;
    }
    int year = (int)(days / 366) + 1, month = 1;
    while (days_before_year(year + 1) <= days) {
        year++;
    }
    int day = (int)days - days_before_year(year);
    while (day >= month_days(year, month)) {
        day -= month_days(year, month++);
    }
    snprintf(text, size, "%04d-%02d-%02d", year, month, day + 1);
    return true;
}

/* `units` of which 10 to the power of `scale` are a second; false beyond a day. */
static bool put_time(char *text, size_t size, uint64_t units, uint8_t scale)
{
    uint64_t second = 1;
    for (uint8_t i = 0; i < scale; i++) {
        second *= 10;
    }
    unsigned seconds = (unsigned)(units / second);
    if (units / second >= DAY_SECONDS) {
        return false;
    }
    int used = snprintf(text, size, "%02u:%02u:%02u", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if (scale > 0) {
        snprintf(text + used, size - (size_t)used, ".%0*" PRIu64, scale, units % second);
    }
    return true;
}

int tds_datetime_to_text(struct tds_reader bytes, uint8_t scale, struct tds_value *value)
{
    (void)scale;
    char date[TEXT_MOST], time[TEXT_MOST], text[2 * TEXT_MOST + 1];
    size_t size = tds_left(&bytes);
    int64_t days = 0;
    uint64_t milliseconds = 0;
    if (size == 8) {
        days = (int32_t)tds_u32(&bytes);
        milliseconds = ((uint64_t)tds_u32(&bytes) * 1000 + TICKS_A_SECOND / 2) / TICKS_A_SECOND;
    } else if (size == 4) {
        days = tds_u16(&bytes);
        milliseconds = (uint64_t)tds_u16(&bytes) * MINUTE_SECONDS * 1000;
    } else {
        return EPROTO;
    }
    if (!put_date(date, sizeof date, days + DAYS_TO_1900) || !put_time(time, sizeof time, milliseconds, 3)) {
        return EPROTO;
    }
    snprintf(text, sizeof text, "%s %s", date, time);
    return give(value, TDS_VALUE_TEXT, text);
}

int tds_date_to_text(struct tds_reader bytes, uint8_t scale, struct tds_value *value)
{
    (void)scale;
    char text[TEXT_MOST];
    if (tds_left(&bytes) != 3 || !put_date(text, sizeof text, (int64_t)tds_uint(&bytes, 3))) {
        return EPROTO;
    }
    return give(value, TDS_VALUE_TEXT, text);
}

/* Bytes of a time with that scale. */
static uint32_t time_size(uint8_t scale)
{
    return scale <= 2 ? 3 : scale <= 4 ? 4 : 5;
}

int tds_time_to_text(struct tds_reader bytes, uint8_t scale, struct tds_value *value)
{
    char text[TEXT_MOST];
    uint32_t size = time_size(scale);
    if (tds_left(&bytes) != size || !put_time(text, sizeof text, tds_uint(&bytes, size), scale)) {
        return EPROTO;
    }
    return give(value, TDS_VALUE_TEXT, text);
}

/* With an offset, the time on the wire is UTC's; `minutes` are added for the text. */
static bool put_moment(char *text, size_t size, struct tds_reader *bytes, uint8_t scale, int32_t minutes)
{
    char date[TEXT_MOST], time[TEXT_MOST];
    int64_t second = 1;
    for (uint8_t i = 0; i < scale; i++) {
        second *= 10;
    }
    int64_t units = (int64_t)tds_uint(bytes, time_size(scale)) + minutes * MINUTE_SECONDS * second;
    int64_t days = (int64_t)tds_uint(bytes, 3), day = DAY_SECONDS * second;
    days += units < 0 ? -1 : units >= day ? 1 : 0;
    units += units < 0 ? day : units >= day ? -day : 0;
    if (units < 0 || !put_date(date, sizeof date, days) ||
        !put_time(time, sizeof time, (uint64_t)units, scale)) {
        return false;
    }
    snprintf(text, size, "%s %s", date, time);
    return true;
}

int tds_datetime2_to_text(struct tds_reader bytes, uint8_t scale, struct tds_value *value)
{
    char text[2 * TEXT_MOST];
    if (tds_left(&bytes) != time_size(scale) + 3 || !put_moment(text, sizeof text, &bytes, scale, 0)) {
        return EPROTO;
    }
    return give(value, TDS_VALUE_TEXT, text);
}

int tds_offset_to_text(struct tds_reader bytes, uint8_t scale, struct tds_value *value)
{
    char text[2 * TEXT_MOST], whole[3 * TEXT_MOST];
    struct tds_reader behind = bytes;
    if (tds_left(&bytes) != time_size(scale) + 5) {
        return EPROTO;
    }
    tds_take(&behind, time_size(scale) + 3);
    int32_t minutes = (int16_t)tds_u16(&behind);
    if (minutes < -OFFSET_MOST || minutes > OFFSET_MOST ||
        !put_moment(text, sizeof text, &bytes, scale, minutes)) {
        return EPROTO;
    }
    snprintf(whole, sizeof whole, "%s %c%02d:%02d", text, minutes < 0 ? '-' : '+', abs(minutes) / 60,
             abs(minutes) % 60);
    return give(value, TDS_VALUE_TEXT, whole);
}

bool tds_datetime_from_text(const char *text, int32_t *days, uint32_t *ticks)
{
    int year, month, day, hour = 0, minute = 0, second = 0, used = 0;
    if (sscanf(text, "%4d-%2d-%2d%n", &year, &month, &day, &used) != 3 || year < 1753 || month < 1 ||
        month > 12 || day < 1 || day > month_days(year, month)) {
        return false;
    }
    text += used;
    if (*text == ' ' || *text == 'T') {
        used = 0;
        if (sscanf(text + 1, "%2d:%2d:%2d%n", &hour, &minute, &second, &used) != 3 || hour < 0 || hour > 23 ||
            minute < 0 || minute > 59 || second < 0 || second > 59) {
            return false;
        }
        text += 1 + used;
    }
    double fraction = *text == '.' ? strtod(text, (char **)&text) : 0;
    if (*text != '\0' || !(fraction >= 0 && fraction < 1)) {
        return false;
    }
    int32_t number = days_before_year(year) + day - 1 - DAYS_TO_1900;
    for (int i = 1; i < month; i++) {
        number += month_days(year, i);
    }
    *days = number;
    *ticks = (uint32_t)((hour * 60 + minute) * 60 + second) * TICKS_A_SECOND +
             (uint32_t)(fraction * TICKS_A_SECOND + 0.5);
    return true;
}
