# SPDX-License-Identifier: MIT
"""malformed_expositions - faults of expositions: (name, T or O, the rule it breaks, body)

T: text 0.0.4, O: OpenMetrics 1.0. A rule of "" means that there is no fault. Most of them a
Prometheus stores without a word.
"""

from __future__ import annotations

MALFORMED = [
    ("ok_basic", "T", "", b"# HELP a_total x\n# TYPE a_total counter\na_total 1\n"),
    ("no_final_newline", "T", "final-newline", b"# TYPE a_total counter\na_total 1"),
    ("crlf", "T", "lf-only", b"# TYPE a_total counter\r\na_total 1\r\n"),
    ("dup_series", "T", "duplicate", b'# TYPE a gauge\na{x="1"} 1\na{x="1"} 2\n'),
    ("dup_label", "T", "label-duplicate", b'# TYPE a gauge\na{x="1",x="2"} 1\n'),
    ("type_after_sample", "T", "type-missing", b"a 1\n# TYPE a gauge\n"),
    ("dup_type", "T", "type-once", b"# TYPE a gauge\n# TYPE a gauge\na 1\n"),
    ("dup_help", "T", "help-once", b"# HELP a x\n# HELP a y\n# TYPE a gauge\na 1\n"),
    (
        "interleaved",
        "T",
        "contiguous",
        b"# TYPE a gauge\n"
        b'a{x="1"} 1\n'
        b"# TYPE b gauge\n"
        b"b 1\n"
        b'a{x="2"} 1\n',
    ),
    ("help_raw_newline", "T", "sample-form", b"# HELP a line1\nline2\n# TYPE a gauge\na 1\n"),
    ("bad_escape_in_label", "T", "label-escape", b'# TYPE a gauge\na{x="\\t"} 1\n'),
    ("raw_newline_in_label", "T", "label-form", b'# TYPE a gauge\na{x="q\nr"} 1\n'),
    ("invalid_utf8_label", "T", "utf8", b'# TYPE a gauge\na{x="\xff\xfe"} 1\n'),
    ("nul_in_label", "T", "nul", b'# TYPE a gauge\na{x="q\x00r"} 1\n'),
    ("nul_in_help", "T", "nul", b"# HELP a q\x00r\n# TYPE a gauge\na 1\n"),
    ("inf_lower", "T", "value-special", b"# TYPE a gauge\na inf\n"),
    ("plusInf_NaN", "T", "", b'# TYPE a gauge\na{x="1"} +Inf\na{x="2"} NaN\na{x="3"} -Inf\n'),
    ("nan_lower", "T", "value-special", b"# TYPE a gauge\na nan\n"),
    ("c_printf_nan_neg", "T", "value-special", b"# TYPE a gauge\na -nan\n"),
    ("hex_float", "T", "value-digits", b"# TYPE a gauge\na 0x1p4\n"),
    ("underscore_num", "T", "value-digits", b"# TYPE a gauge\na 1_000\n"),
    ("comma_decimal_locale", "T", "value-comma", b"# TYPE a gauge\na 1,5\n"),
    ("trailing_comma", "T", "label-name", b'# TYPE a gauge\na{x="1",} 1\n'),
    ("empty_braces", "T", "empty-braces", b"# TYPE a gauge\na{} 1\n"),
    ("label_digit_first", "T", "label-name", b'# TYPE a gauge\na{1x="1"} 1\n'),
    ("metric_with_dash", "T", "metric-name", b"# TYPE a-b gauge\na-b 1\n"),
    ("empty_label_value", "T", "label-empty", b'# TYPE a gauge\na{x=""} 1\n'),
    ("ts_ms", "T", "timestamp", b"# TYPE a gauge\na 1 1700000000000\n"),
    (
        "hist_no_inf",
        "T",
        "histogram-inf",
        b"# TYPE h histogram\n"
        b'h_bucket{le="1.0"} 1\n'
        b"h_sum 1\n"
        b"h_count 1\n",
    ),
    (
        "hist_noncumulative",
        "T",
        "histogram-cumulative",
        b"# TYPE h histogram\n"
        b'h_bucket{le="1.0"} 5\n'
        b'h_bucket{le="2.0"} 3\n'
        b'h_bucket{le="+Inf"} 5\n'
        b"h_sum 1\n"
        b"h_count 5\n",
    ),
    (
        "hist_count_ne_inf",
        "T",
        "histogram-count",
        b"# TYPE h histogram\n"
        b'h_bucket{le="1.0"} 1\n'
        b'h_bucket{le="+Inf"} 2\n'
        b"h_sum 1\n"
        b"h_count 3\n",
    ),
    (
        "hist_unsorted",
        "T",
        "histogram-ascending",
        b"# TYPE h histogram\n"
        b'h_bucket{le="2.0"} 2\n'
        b'h_bucket{le="1.0"} 1\n'
        b'h_bucket{le="+Inf"} 2\n'
        b"h_sum 1\n"
        b"h_count 2\n",
    ),
    (
        "hist_le_Inf_nosign",
        "T",
        "le-inf",
        b"# TYPE h histogram\n"
        b'h_bucket{le="1.0"} 1\n'
        b'h_bucket{le="Inf"} 2\n'
        b"h_sum 1\n"
        b"h_count 2\n",
    ),
    ("counter_no_total", "T", "counter-total", b"# HELP a x\n# TYPE a counter\na 1\n"),
    (
        "counter_negative",
        "T",
        "counter-value",
        b"# HELP a_total x\n"
        b"# TYPE a_total counter\n"
        b"a_total -1\n",
    ),
    ("counter_nan", "T", "counter-value", b"# TYPE a_total counter\na_total NaN\n"),
    ("exemplar_in_text", "T", "value-form", b'# TYPE a_total counter\na_total 1 # {t="x"} 1\n'),
    ("eof_in_text", "T", "comment", b"# TYPE a gauge\na 1\n# EOF\n"),
    ("utf8_name_quoted", "T", "metric-name", b'# TYPE "a.b" gauge\n{"a.b",x="1"} 1\n'),
    ("empty_body", "T", "", b""),
    ("space_tabs", "T", "value-form", b"# TYPE a gauge\na  \t 1\n"),
    ("type_unknown_word", "T", "type-known", b"# TYPE a stateset\na 1\n"),
    ("om_ok", "O", "", b"# TYPE a counter\n# HELP a x\na_total 1\n# EOF\n"),
    ("om_no_eof", "O", "eof", b"# TYPE a counter\na_total 1\n"),
    ("om_after_eof", "O", "eof", b"# TYPE a counter\na_total 1\n# EOF\nb 1\n"),
    ("om_blank_line", "O", "blank-line", b"# TYPE a counter\n\na_total 1\n# EOF\n"),
    ("om_counter_no_total", "O", "contiguous", b"# TYPE a counter\na 1\n# EOF\n"),
    ("om_counter_type_total", "O", "contiguous", b"# TYPE a_total counter\na_total 1\n# EOF\n"),
    ("om_created", "O", "", b"# TYPE a counter\na_total 1\na_created 1700000000.1\n# EOF\n"),
    (
        "om_unit_mismatch",
        "O",
        "unit-suffix",
        b"# TYPE a counter\n"
        b"# UNIT a seconds\n"
        b"a_total 1\n"
        b"# EOF\n",
    ),
    (
        "om_unit_ok",
        "O",
        "",
        b"# TYPE a_seconds counter\n"
        b"# UNIT a_seconds seconds\n"
        b"a_seconds_total 1\n"
        b"# EOF\n",
    ),
    ("om_ts_ms", "O", "timestamp", b"# TYPE a gauge\na 1 1700000000000\n# EOF\n"),
    ("om_ts_s", "O", "timestamp", b"# TYPE a gauge\na 1 1700000000.123456\n# EOF\n"),
    ("om_dup_series", "O", "duplicate", b'# TYPE a gauge\na{x="1"} 1\na{x="1"} 2\n# EOF\n'),
    (
        "om_interleaved",
        "O",
        "contiguous",
        b"# TYPE a gauge\n"
        b'a{x="1"} 1\n'
        b"# TYPE b gauge\n"
        b"b 1\n"
        b'a{x="2"} 1\n'
        b"# EOF\n",
    ),
    (
        "om_le_int",
        "O",
        "le-canonical",
        b"# TYPE h histogram\n"
        b'h_bucket{le="1"} 1\n'
        b'h_bucket{le="+Inf"} 2\n'
        b"h_sum 1\n"
        b"h_count 2\n"
        b"# EOF\n",
    ),
    (
        "om_le_float",
        "O",
        "",
        b"# TYPE h histogram\n"
        b'h_bucket{le="1.0"} 1\n'
        b'h_bucket{le="+Inf"} 2\n'
        b"h_sum 1\n"
        b"h_count 2\n"
        b"# EOF\n",
    ),
    (
        "om_hist_no_inf",
        "O",
        "histogram-inf",
        b"# TYPE h histogram\n"
        b'h_bucket{le="1.0"} 1\n'
        b"h_sum 1\n"
        b"h_count 1\n"
        b"# EOF\n",
    ),
    (
        "om_hist_noncum",
        "O",
        "histogram-cumulative",
        b"# TYPE h histogram\n"
        b'h_bucket{le="1.0"} 5\n'
        b'h_bucket{le="2.0"} 3\n'
        b'h_bucket{le="+Inf"} 5\n'
        b"h_sum 1\n"
        b"h_count 5\n"
        b"# EOF\n",
    ),
    (
        "om_exemplar_ok",
        "O",
        "",
        b"# TYPE h histogram\n"
        b'h_bucket{le="1.0"} 1 # {trace_id="abc"} 0.5 1700000000.1\n'
        b'h_bucket{le="+Inf"} 2\n'
        b"h_sum 1\n"
        b"h_count 2\n"
        b"# EOF\n",
    ),
    (
        "om_exemplar_on_gauge",
        "O",
        "exemplar-place",
        b"# TYPE a gauge\n"
        b'a 1 # {trace_id="abc"} 0.5\n'
        b"# EOF\n",
    ),
    (
        "om_exemplar_129chars",
        "O",
        "exemplar-size",
        b"# TYPE a counter\n"
        b'a_total 1 # {t="' + b"x" * 128 + b'"} 0.5 1.5\n'
        b"# EOF\n",
    ),
    ("om_comment", "O", "comment", b"# TYPE a gauge\n# hello\na 1\n# EOF\n"),
    ("om_trailing_comma", "O", "label-name", b'# TYPE a gauge\na{x="1",} 1\n# EOF\n'),
    ("om_double_space", "O", "value-form", b"# TYPE a gauge\na  1\n# EOF\n"),
    ("om_untyped", "O", "type-known", b"# TYPE a untyped\na 1\n# EOF\n"),
    ("om_unknown", "O", "", b"# TYPE a unknown\na 1\n# EOF\n"),
    ("om_info", "O", "", b'# TYPE a info\na_info{v="1"} 1\n# EOF\n'),
    ("om_stateset", "O", "", b'# TYPE a stateset\na{a="x"} 1\na{a="y"} 0\n# EOF\n'),
    ("om_utf8_quoted", "O", "metric-name", b'# TYPE "a.b" gauge\n{"a.b"} 1\n# EOF\n'),
    ("om_neg_counter", "O", "counter-value", b"# TYPE a counter\na_total -1\n# EOF\n"),
    ("om_eof_no_lf", "O", "final-newline", b"# TYPE a gauge\na 1\n# EOF"),
    ("om_crlf", "O", "eof", b"# TYPE a gauge\r\na 1\r\n# EOF\r\n"),
]
