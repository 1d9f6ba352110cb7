/* SPDX-License-Identifier: MIT */
/*
 * number.c - numbers as text: integers two digits at a time, doubles by the shortest decimal
 *
 * A double is written in three steps, by the first that applies:
 *
 *  1. A whole number below 2^53 is written as an integer.
 *  2. A number from 2^-16 to 2^53, which is what durations, ratios and their sums are, is m / 2^s
 *     with m < 2^53, s < 70. The reals that read back as it are those between the middles to its
 *     neighbours. Scaled by a power of ten that leaves at least 17 digits, both ends and the number
 *     itself are integers of less than 128 bits, over a power of two: nothing is rounded. The
 *     shortest decimal is then the multiple of the largest power of ten in that interval, and of
 *     several the nearest.
 *  3. Anything else goes through printf and strtod, which both are exact, with 15, 16 and 17 digits
 *     until it reads back: every normal double with a decimal of 15 digits or less is found by the
 *     first, and 17 always suffice. Of what printf wrote only the digits are taken, so the decimal
 *     point of the locale, whatever it is, never gets out.
 */
#include "text/number.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char digit_pairs[] = "0001020304050607080910111213141516171819"
				  "2021222324252627282930313233343536373839"
				  "4041424344454647484950515253545556575859"
				  "6061626364656667686970717273747576777879"
				  "8081828384858687888990919293949596979899";

static const uint64_t powers_of_ten[20] = {
	1u,
	10u,
	100u,
	1000u,
	10000u,
	100000u,
	1000000u,
	10000000u,
	100000000u,
	1000000000u,
	10000000000u,
	100000000000u,
	1000000000000u,
	10000000000000u,
	100000000000000u,
	1000000000000000u,
	10000000000000000u,
	100000000000000000u,
	1000000000000000000u,
	10000000000000000000u,
};

/* digits * 10^exponent; digits does not end in a zero. */
struct decimal {
	uint64_t digits;
	int exponent;
};

/* How a decimal is laid out: from which power of ten on with an exponent, and whether "1" is "1.0".
 */
struct notation {
	int exponent_from;
	bool keeps_point;
};

static const struct notation value_notation = {16, false};
static const struct notation bound_notation = {6, true};

#define SMALLEST_PLAIN_EXPONENT (-4)
#define INTEGERS_END 9007199254740992.0 /* 2^53 */

static int digit_count(uint64_t value)
{
	/* 1233 / 4096 is log10(2); the estimate is right or one too low. */
	int estimate = (64 - __builtin_clzll(value | 1)) * 1233 >> 12;

	return estimate + (value >= powers_of_ten[estimate] || value == 0);
}

char *smx_number_u64(char *out, uint64_t value)
{
	char *end = out + digit_count(value);
	char *at = end;

	while (value >= 100) {
		at -= 2;
		memcpy(at, digit_pairs + 2 * (value % 100), 2);
		value /= 100;
	}
	if (value >= 10)
		memcpy(at - 2, digit_pairs + 2 * value, 2);
	else
		at[-1] = (char)('0' + value);
	return end;
}

#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 wide;

#define EXACT_LEAST 0x1p-16

static int floor_log10_estimate(int log2)
{
	return log2 >= 0 ? log2 * 1233 / 4096 : -((-log2 * 1233 + 4095) / 4096);
}

/* Step 2. EXACT_LEAST <= value < 2^53: see the top of the file. */
static struct decimal shortest_exact(double value)
{
	uint64_t bits, mantissa, low, high, nearest, unit = 1;
	int log2, shift, scale, cut = 0;
	wide power, middle, below, above, rest, half;

	memcpy(&bits, &value, sizeof(bits));
	log2 = (int)(bits >> 52) - 1023;
	mantissa = (bits & (~UINT64_C(0) >> 12)) | UINT64_C(1) << 52;
	/* In quarters of a unit in the last place; below a power of two the neighbours lie twice as
	 * close. */
	shift = 52 - log2 + 2;
	scale = 16 - floor_log10_estimate(log2);
	power = scale < 20 ? (wide)powers_of_ten[scale]
			   : (wide)powers_of_ten[19] * powers_of_ten[scale - 19];
	middle = (wide)mantissa * 4 * power;
	below = middle - power * (mantissa == UINT64_C(1) << 52 ? 1 : 2);
	above = middle + power * 2;
	/*
	 * The ends themselves, which only some doubles own, have one decimal more than the value,
	 * and so are never the shortest.
	 */
	low = (uint64_t)(below >> shift) + 1;
	high = (uint64_t)((above - 1) >> shift);

	while ((low + 9) / 10 <= high / 10) {
		low = (low + 9) / 10;
		high /= 10;
		unit *= 10;
		cut++;
	}
	nearest = (uint64_t)(middle >> shift) / unit;
	rest = middle - ((wide)(nearest * unit) << shift);
	half = (wide)unit << (shift - 1);
	if (rest > half || (rest == half && nearest % 2 != 0))
		nearest++;
	if (nearest < low)
		nearest = low;
	if (nearest > high)
		nearest = high;
	return (struct decimal){nearest, cut - scale};
}
#endif

/* The digits and the exponent of what printf wrote, whatever stands between the digits. */
static struct decimal parse_digits(const char *text)
{
	struct decimal decimal = {0, 0};
	int fraction_digits = -1;

	for (; *text != 'e' && *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			continue;
		decimal.digits = decimal.digits * 10 + (uint64_t)(*text - '0');
		fraction_digits++;
	}
	if (*text == 'e')
		decimal.exponent = atoi(text + 1);
	decimal.exponent -= fraction_digits;
	return decimal;
}

static struct decimal without_trailing_zeros(struct decimal decimal)
{
	while (decimal.digits != 0 && decimal.digits % 10 == 0) {
		decimal.digits /= 10;
		decimal.exponent++;
	}
	return decimal;
}

/* Without a decimal point the text means the same in every locale. */
static bool reads_back(struct decimal decimal, double value)
{
	char text[64];

	snprintf(text, sizeof(text), "%" PRIu64 "e%d", decimal.digits, decimal.exponent);
	return strtod(text, NULL) == value;
}

/*
 * Step 3. value > 0 and finite. A subnormal has fewer digits, so the search begins at one. Below a
 * power of two the doubles lie closer than above: if the nearest decimal lies below and is already
 * another double's, the next one above may still be the value's.
 */
static struct decimal shortest_by_search(double value)
{
	int precision = value < DBL_MIN ? 0 : DBL_DIG - 1;
	struct decimal decimal;
	char text[64];

	for (;; precision++) {
		snprintf(text, sizeof(text), "%.*e", precision, value);
		decimal = parse_digits(text);
		if (precision >= DBL_DECIMAL_DIG - 1 || reads_back(decimal, value))
			break;
		decimal.digits++;
		if (reads_back(decimal, value))
			break;
	}
	return without_trailing_zeros(decimal);
}

static struct decimal shortest(double value)
{
#ifdef __SIZEOF_INT128__
	if (value >= EXACT_LEAST && value < INTEGERS_END)
		return shortest_exact(value);
#endif
	return shortest_by_search(value);
}

static char *fill(char *out, char byte, int count)
{
	memset(out, byte, (size_t)count);
	return out + count;
}

static char *write_exponent(char *out, const char *digits, int count, int exponent)
{
	*out++ = digits[0];
	if (count > 1) {
		*out++ = '.';
		memcpy(out, digits + 1, (size_t)count - 1);
		out += count - 1;
	}
	*out++ = 'e';
	*out++ = exponent < 0 ? '-' : '+';
	exponent = abs(exponent);
	if (exponent < 10)
		*out++ = '0';
	return smx_number_u64(out, (uint64_t)exponent);
}

static char *write_decimal(char *out, struct decimal decimal, struct notation notation)
{
	char digits[SMX_NUMBER_ROOM];
	int count = (int)(smx_number_u64(digits, decimal.digits) - digits);
	int point = count + decimal.exponent; /* where the point stands among the digits */

	if (point - 1 < SMALLEST_PLAIN_EXPONENT || point - 1 >= notation.exponent_from)
		return write_exponent(out, digits, count, point - 1);
	if (point >= count) {
		memcpy(out, digits, (size_t)count);
		out = fill(out + count, '0', point - count);
		if (notation.keeps_point) {
			memcpy(out, ".0", 2);
			out += 2;
		}
		return out;
	}
	if (point > 0) {
		memcpy(out, digits, (size_t)point);
		out += point;
		*out++ = '.';
	} else {
		memcpy(out, "0.", 2);
		out = fill(out + 2, '0', -point);
		point = 0;
	}
	memcpy(out, digits + point, (size_t)(count - point));
	return out + (count - point);
}

static char *write_double(char *out, double value, struct notation notation)
{
	if (isnan(value)) {
		memcpy(out, "NaN", 3);
		return out + 3;
	}
	if (isinf(value)) {
		memcpy(out, value > 0 ? "+Inf" : "-Inf", 4);
		return out + 4;
	}
	if (signbit(value)) {
		*out++ = '-';
		value = -value;
	}
	if (value == 0)
		return write_decimal(out, (struct decimal){0, 0}, notation);
	if (!notation.keeps_point && value < INTEGERS_END && (double)(uint64_t)value == value)
		return smx_number_u64(out, (uint64_t)value);
	return write_decimal(out, shortest(value), notation);
}

char *smx_number_double(char *out, double value)
{
	return write_double(out, value, value_notation);
}

char *smx_number_bound(char *out, double value)
{
	return write_double(out, value, bound_notation);
}
