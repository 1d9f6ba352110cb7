/* SPDX-License-Identifier: MIT */
/*
 * test_number.c - numbers as text are exact, shortest, and the same in every locale (I12)
 */
#include "text/number.h"

#include <criterion/criterion.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RANDOM_COUNT 300000

static const char *u64_text(uint64_t value)
{
	static char text[SMX_NUMBER_ROOM + 1];

	*smx_number_u64(text, value) = '\0';
	return text;
}

static const char *double_text(double value)
{
	static char text[SMX_NUMBER_ROOM + 1];

	*smx_number_double(text, value) = '\0';
	return text;
}

static const char *bound_text(double value)
{
	static char text[SMX_NUMBER_ROOM + 1];

	*smx_number_bound(text, value) = '\0';
	return text;
}

/* xorshift64*: the same numbers in every run. */
static uint64_t next_random(void)
{
	static uint64_t state = 0x9e3779b97f4a7c15;

	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1d;
}

static double double_of(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static double random_fraction(void)
{
	return (double)(next_random() >> 11) * 0x1p-53;
}

static int digits_of(const char *text)
{
	int count = 0, zeros = 0;
	bool begun = false;

	for (; *text && *text != 'e'; text++) {
		if (*text < '0' || *text > '9')
			continue;
		begun = begun || *text != '0';
		zeros = *text == '0' ? zeros + 1 : 0;
		count += begun;
	}
	return begun ? count - zeros : 0;
}

/* The fewest digits that read back, by asking printf for each number of them. */
static int fewest_digits(double value)
{
	char text[64];

	for (int precision = 0;; precision++) {
		snprintf(text, sizeof(text), "%.*e", precision, value);
		if (strtod(text, NULL) == value)
			return precision + 1;
	}
}

static void expect_same(double value, const char *text)
{
	char *end;
	double back = strtod(text, &end);

	cr_assert(*end == '\0' && strlen(text) < SMX_NUMBER_ROOM, "%a gave %s", value, text);
	if (isnan(value))
		cr_assert_str_eq(text, "NaN");
	else
		cr_assert(memcmp(&back, &value, sizeof(value)) == 0, "%a gave %s", value, text);
}

Test(number, writes_integers_of_every_length)
{
	uint64_t power = 1;

	for (int digits = 1; digits <= 20; digits++, power *= 10) {
		char text[32];

		snprintf(text, sizeof(text), "%llu", (unsigned long long)power);
		cr_assert_str_eq(u64_text(power), text);
		snprintf(text, sizeof(text), "%llu", (unsigned long long)(power - 1));
		cr_assert_str_eq(u64_text(power - 1), text);
	}
	cr_assert_str_eq(u64_text(UINT64_MAX), "18446744073709551615");
}

Test(number, writes_any_integer_as_printf_does)
{
	for (int i = 0; i < RANDOM_COUNT; i++) {
		uint64_t value = next_random() >> (next_random() % 64);
		char text[32];

		snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
		cr_assert_str_eq(u64_text(value), text);
	}
}

Test(number, writes_what_people_write)
{
	cr_expect_str_eq(double_text(0), "0");
	cr_expect_str_eq(double_text(-0.0), "-0");
	cr_expect_str_eq(double_text(1), "1");
	cr_expect_str_eq(double_text(-12), "-12");
	cr_expect_str_eq(double_text(0.1), "0.1");
	cr_expect_str_eq(double_text(0.1 + 0.2), "0.30000000000000004");
	cr_expect_str_eq(double_text(-2.5), "-2.5");
	cr_expect_str_eq(double_text(1.0 / 3), "0.3333333333333333");
	cr_expect_str_eq(double_text(0.0001), "0.0001");
	cr_expect_str_eq(double_text(0.00001), "1e-05");
	cr_expect_str_eq(double_text(1000000), "1000000");
	cr_expect_str_eq(double_text(9007199254740991), "9007199254740991");
	cr_expect_str_eq(double_text(9007199254740992), "9007199254740992");
	cr_expect_str_eq(double_text(1e16), "1e+16");
	cr_expect_str_eq(double_text(1.5e300), "1.5e+300");
	cr_expect_str_eq(double_text(5e-324), "5e-324");
	cr_expect_str_eq(double_text(DBL_MAX), "1.7976931348623157e+308");
}

Test(number, writes_infinities_and_nan_as_go_does)
{
	cr_expect_str_eq(double_text(INFINITY), "+Inf");
	cr_expect_str_eq(double_text(-INFINITY), "-Inf");
	cr_expect_str_eq(double_text(NAN), "NaN");
	cr_expect_str_eq(double_text(-(double)NAN), "NaN");
	cr_expect_str_eq(bound_text(INFINITY), "+Inf");
}

Test(number, writes_bounds_in_the_one_canonical_form)
{
	cr_expect_str_eq(bound_text(0), "0.0");
	cr_expect_str_eq(bound_text(0.005), "0.005");
	cr_expect_str_eq(bound_text(0.1), "0.1");
	cr_expect_str_eq(bound_text(1), "1.0");
	cr_expect_str_eq(bound_text(10), "10.0");
	cr_expect_str_eq(bound_text(-1), "-1.0");
	cr_expect_str_eq(bound_text(123456), "123456.0");
	cr_expect_str_eq(bound_text(123456.5), "123456.5");
	cr_expect_str_eq(bound_text(1e6), "1e+06");
	cr_expect_str_eq(bound_text(1234567.5), "1.2345675e+06");
	cr_expect_str_eq(bound_text(1e10), "1e+10");
	cr_expect_str_eq(bound_text(0.00001), "1e-05");
	cr_expect_str_eq(bound_text(0.0001), "0.0001");
	cr_expect_str_eq(bound_text(1e100), "1e+100");
}

Test(number, takes_the_even_one_of_two_shortest_decimals)
{
	cr_expect_str_eq(double_text(1059438285926254.25), "1059438285926254.2");
	cr_expect_str_eq(double_text(1059438285926254.75), "1059438285926254.8");
}

Test(number, is_shortest_where_the_neighbours_are_not_equally_far)
{
	cr_expect_str_eq(double_text(0x1p-1017), "7.120236347223045e-307");
	cr_expect_str_eq(double_text(6.290184345309701e-235), "6.290184345309701e-235");
	cr_expect_str_eq(double_text(0x1p-44), "5.684341886080802e-14");
	cr_expect_str_eq(double_text(0x1p-24), "5.960464477539063e-08");
}

Test(number, reads_back_for_every_bit_pattern)
{
	for (int i = 0; i < RANDOM_COUNT; i++) {
		double value = double_of(next_random());

		expect_same(value, double_text(value));
		expect_same(value, bound_text(value));
	}
}

Test(number, reads_back_around_every_power_of_two)
{
	for (int exponent = -1074; exponent < 1024; exponent++) {
		double power = ldexp(1, exponent);

		expect_same(power, double_text(power));
		expect_same(nextafter(power, 0), double_text(nextafter(power, 0)));
		expect_same(nextafter(power, INFINITY), double_text(nextafter(power, INFINITY)));
	}
}

Test(number, is_shortest_for_durations_and_their_sums)
{
	double sum = 0;

	for (int i = 0; i < RANDOM_COUNT; i++) {
		double value = ldexp(random_fraction(), (int)(next_random() % 72) - 18);

		sum += value * 1e-6;
		expect_same(value, double_text(value));
		cr_assert(digits_of(double_text(value)) == (value == 0 ? 0 : fewest_digits(value)),
			  "%a gave %s", value, double_text(value));
		expect_same(sum, double_text(sum));
	}
}

Test(number, is_shortest_for_decimals_that_people_choose)
{
	for (int i = 0; i < RANDOM_COUNT; i++) {
		char text[32];
		double value;

		snprintf(text, sizeof(text), "%d.%0*d", (int)(next_random() % 10000),
			 1 + (int)(next_random() % 4), (int)(next_random() % 10));
		value = strtod(text, NULL);
		expect_same(value, double_text(value));
		cr_assert(digits_of(double_text(value)) <= digits_of(text), "%s gave %s", text,
			  double_text(value));
	}
}

/* Any installed locale with another decimal point proves it; there may be none. */
Test(number, is_the_same_where_the_decimal_point_is_a_comma)
{
	static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8",
					    "ps_AF.UTF-8"};
	bool found = false;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!setlocale(LC_ALL, names[i]))
			continue;
		cr_assert_str_neq(localeconv()->decimal_point, ".");
		found = true;
		cr_expect_str_eq(double_text(0.1), "0.1");
		cr_expect_str_eq(double_text(1.25e-7), "1.25e-07");
		cr_expect_str_eq(double_text(-1.0625e300), "-1.0625e+300");
		cr_expect_str_eq(double_text(5.5e-310), "5.5e-310");
		for (int j = 0; j < 20000; j++) {
			double value = double_of(next_random());
			const char *text = double_text(value);

			cr_assert(strspn(text, "0123456789+-.eInfNa") == strlen(text), "%a gave %s",
				  value, text);
		}
	}
	setlocale(LC_ALL, "C");
	if (!found)
		cr_skip_test("no locale with a decimal comma is installed (apt-get install "
			     "locales-all)");
}
