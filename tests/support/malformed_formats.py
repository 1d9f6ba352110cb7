# SPDX-License-Identifier: MIT
"""malformed_formats - faults of text 1.0.0, OpenMetrics with UTF-8 names and protobuf

(name, parser, the rule it breaks, body), as in malformed_expositions.py; a rule of "" means that there is
no fault.
"""

from __future__ import annotations

import math

from expocheck import OpenMetrics, OpenMetrics2, OpenMetricsUtf8, Protobuf, ProtobufUtf8, Text100
from wire import (
    COUNTER,
    GAUGE,
    HISTOGRAM,
    SUMMARY,
    UNTYPED,
    bucket,
    counter,
    delimited,
    deltas,
    double,
    exemplar,
    family,
    gauge,
    histogram,
    label,
    metric,
    native,
    nested,
    number,
    span,
    summary,
    timestamp,
    untyped,
    varint,
)

QUOTED = [
    ("ok", "", '# HELP "a.b" c\n# TYPE "a.b" gauge\n{"a.b"} 1\n{"a.b",x="1","y.z"="2"} 1\n'),
    ("ok_escapes", "", '# TYPE "a\\"\\\\\\nb" gauge\n{"a\\"\\\\\\nb"} 1\n'),
    ("ok_all_of_unicode", "", '# TYPE "ä €😀" gauge\n{"ä €😀","ö"="1"} 1\n'),
    ("ok_plain_name", "", '# TYPE a gauge\na{"y.z"="2"} 1\n'),
    ("name_without_quotes", "metric-name", "# TYPE a.b gauge\na.b 1\n"),
    ("name_before_the_braces", "label-name", '# TYPE a gauge\na{"a.b"} 1\n'),
    ("name_not_first", "quoted-name", '# TYPE "a.b" gauge\n{x="1","a.b"} 1\n'),
    ("name_twice", "label-name", '# TYPE "a.b" gauge\n{"a.b","a.b"} 1\n'),
    ("no_name", "quoted-name", '# TYPE "a.b" gauge\n{x="1"} 1\n'),
    ("no_end_of_name", "quoted-name", '# TYPE "a.b" gauge\n{"a.b} 1\n'),
    ("empty_name", "quoted-name", '# TYPE "" gauge\n'),
    ("empty_sample_name", "quoted-name", '# TYPE a gauge\n{""} 1\n'),
    ("tab_escape_in_name", "quoted-name", '# TYPE "a.\\t" gauge\n'),
    ("raw_newline_in_name", "quoted-name", '# TYPE "a.b" gauge\n{"a.\nb"} 1\n'),
    ("needless_quotes_in_type", "quoted-needlessly", '# TYPE "a" gauge\n'),
    ("needless_quotes_in_sample", "quoted-needlessly", '# TYPE a gauge\n{"a"} 1\n'),
    ("needless_quotes_of_label", "quoted-needlessly", '# TYPE a gauge\na{"x"="1"} 1\n'),
    ("trailing_comma", "empty-braces", '# TYPE "a.b" gauge\n{"a.b",} 1\n'),
    ("space_behind_comma", "label-name", '# TYPE "a.b" gauge\n{"a.b", x="1"} 1\n'),
    ("single_quotes", "metric-name", "# TYPE 'a.b' gauge\n"),
    ("empty_label_name", "quoted-name", '# TYPE a gauge\na{""="1"} 1\n'),
    ("label_without_quotes", "label-name", '# TYPE a gauge\na{y.z="1"} 1\n'),
    ("reserved_label", "label-reserved", '# TYPE a gauge\na{"__a.b"="1"} 1\n'),
    ("label_twice", "label-duplicate", '# TYPE a gauge\na{"y.z"="1","y.z"="1"} 1\n'),
    ("series_twice", "duplicate", '# TYPE "a.b" gauge\n{"a.b"} 1\n{"a.b"} 1\n'),
    ("no_value", "sample-form", '# TYPE "a.b" gauge\n{"a.b"}\n'),
]

ONE = number(1, 1)
SAME = native(0, 0.5, 1)
BOUNDS = (bucket(1, 1.0), bucket(2, math.inf))


def histograms(*values: bytes) -> bytes:
    return family("h", HISTOGRAM, *(metric(value) for value in values))


def natives(count: int, *more: bytes) -> bytes:
    return histograms(histogram(count, 1.0, native(3, 0.0, 0), *more))


def of_gauge(*fields: bytes) -> bytes:
    return delimited(nested(1, "a") + number(3, GAUGE) + b"".join(fields))


GOOD = metric(gauge(1.0))
PROTOBUF = [
    ("ok_nothing", "", b""),
    ("ok_gauge", "", family("a", GAUGE, metric(gauge(-math.inf), x="1"), help="A.")),
    ("ok_counter", "", family("a_total", COUNTER, metric(counter(1.0, exemplar(2, 1.0, t="1"))))),
    ("ok_no_metric", "", family("a", GAUGE)),
    ("ok_untyped", "", family("a", UNTYPED, metric(untyped(math.nan)))),
    ("ok_summary", "", family("a_b", SUMMARY, metric(summary(1, 2.0, timestamp(4, 5, 6))), unit="b")),
    ("ok_histogram", "", histograms(histogram(2, 3.0, *BOUNDS, timestamp(15, 7)))),
    ("ok_no_infinity", "", histograms(histogram(2, 3.0, bucket(1, 1.0)))),
    ("ok_native", "", natives(6, span(9, -2, 1), deltas(10, 1), span(12, 0, 2), deltas(13, 3, -1))),
    ("ok_native_zero", "", histograms(histogram(1, 0.0, SAME))),
    ("ok_native_empty", "", natives(0, span(12, 0, 0))),
    ("ok_native_packed", "", natives(3, span(12, 5, 2), nested(13, b"\x02\x02"))),
    ("ok_native_and_classic", "", histograms(histogram(2, 3.0, *BOUNDS, native(0, 0.5, 2)))),
    ("ok_native_exemplar", "", natives(1, span(12, 0, 1), deltas(13, 1), exemplar(16, 1.0))),
    # the wire
    ("no_end_of_length", "proto-varint", b"\x80"),
    ("length_past_the_end", "proto-length", b"\x05a"),
    ("cut_short", "proto-length", family("a", GAUGE, GOOD)[:-1]),
    ("no_length", "proto-field", family("a", GAUGE, GOOD)[1:]),
    ("field_past_the_end", "proto-length", delimited(varint(1 << 3 | 2) + b"\x09a")),
    ("no_end_of_number", "proto-varint", delimited(nested(1, "a") + b"\x18\x81")),
    ("number_too_long", "proto-varint", delimited(nested(1, "a") + b"\x18\x81\x00")),
    ("number_of_70_bits", "proto-varint", delimited(b"\x18" + b"\xff" * 9 + b"\x7f")),
    ("type_of_33_bits", "proto-varint", delimited(number(3, 1 << 32))),
    ("name_as_a_number", "proto-wire", delimited(number(1, 1))),
    ("metric_as_a_number", "proto-wire", of_gauge(number(4, 1))),
    ("value_as_a_number", "proto-wire", of_gauge(nested(4, nested(2, number(1, 1))))),
    ("count_as_a_double", "proto-wire", histograms(nested(7, double(1, 1.0) + double(2, 1.0)))),
    ("group", "proto-wire", delimited(b"\x0b\x0c")),
    ("fixed32", "proto-wire", delimited(b"\x0d\0\0\0\0")),
    ("field_that_nobody_knows", "proto-field", of_gauge(GOOD, number(9, 1))),
    ("text_and_not_protobuf", "proto-length", b"# TYPE a gauge\na 1\n"),
    ("name_twice", "proto-once", delimited(nested(1, "a") * 2)),
    ("value_twice", "proto-once", of_gauge(nested(4, gauge(1.0) * 2))),
    ("no_utf8_in_value", "utf8", of_gauge(nested(4, label("x", b"\xff") + gauge(1.0)))),
    ("no_utf8_in_name", "utf8", family(b"\xff", GAUGE, GOOD)),
    ("nul", "nul", family("a", GAUGE, metric(gauge(1.0), x="\0"))),
    # families
    ("no_name", "metric-name", family("", GAUGE, GOOD)),
    ("dotted_name", "metric-name", family("a.b", GAUGE, GOOD)),
    ("no_type", "type-missing", delimited(nested(1, "a") + GOOD)),
    ("unknown_type", "type-known", family("a", 6, GOOD)),
    ("gauge_histogram", "type-known", family("a", 5, GOOD)),
    ("twice", "contiguous", family("a", GAUGE, GOOD) * 2),
    ("unit", "unit-suffix", family("a", GAUGE, GOOD, unit="b")),
    ("counter_no_total", "counter-total", family("a", COUNTER, metric(counter(1.0)))),
    (
        "collision",
        "name-collision",
        histograms(histogram(0, 0.0)) + family("h_count", GAUGE, metric(gauge(1.0), x="1")),
    ),
    # metrics
    ("no_value", "proto-kind", family("a", GAUGE, metric(b""))),
    ("value_of_another_type", "proto-kind", family("a", GAUGE, metric(untyped(1.0)))),
    ("two_values", "proto-kind", family("a", GAUGE, metric(gauge(1.0) + untyped(1.0)))),
    ("empty_gauge", "proto-missing", family("a", GAUGE, metric(nested(2, b"")))),
    ("no_sum", "proto-missing", histograms(nested(7, ONE))),
    ("no_bound", "proto-missing", histograms(histogram(1, 1.0, nested(3, ONE)))),
    ("time", "timestamp", family("a", GAUGE, metric(gauge(1.0), number(6, 5)))),
    ("same_labels", "duplicate", family("a", GAUGE, GOOD, GOOD)),
    ("label_twice", "label-duplicate", of_gauge(nested(4, label("x", "1") * 2 + gauge(1.0)))),
    ("label_empty", "label-empty", family("a", GAUGE, metric(gauge(1.0), x=""))),
    ("label_le", "label-reserved", family("h", HISTOGRAM, metric(histogram(0, 0.0), le="1.0"))),
    ("label_reserved", "label-reserved", family("a", GAUGE, metric(gauge(1.0), __name__="b"))),
    ("label_dotted", "label-name", of_gauge(nested(4, label("x.y", "1") + gauge(1.0)))),
    (
        "label_order",
        "label-order",
        family("a", GAUGE, metric(gauge(1.0), x="1", y="1"), metric(gauge(1.0), y="2", x="2")),
    ),
    ("counter_negative", "counter-value", family("a_total", COUNTER, metric(counter(-1.0)))),
    ("counter_nan", "counter-value", family("a_total", COUNTER, metric(counter(math.nan)))),
    ("start_zero", "created-value", histograms(histogram(0, 0.0, timestamp(15, 0)))),
    ("start_nanos", "created-value", histograms(histogram(0, 0.0, timestamp(15, 5, 10**9)))),
    ("start_ms", "created-value", histograms(histogram(0, 0.0, timestamp(15, 1700000000000)))),
    # classic buckets
    ("not_cumulative", "histogram-cumulative", histograms(histogram(1, 1.0, bucket(2, 1.0), bucket(1, 2.0)))),
    ("not_ascending", "histogram-ascending", histograms(histogram(1, 1.0, bucket(1, 2.0), bucket(1, 1.0)))),
    ("bound_twice", "duplicate", histograms(histogram(1, 1.0, bucket(1, 2.0) * 2))),
    ("bound_nan", "le-canonical", histograms(histogram(1, 1.0, bucket(1, math.nan)))),
    ("more_than_count", "histogram-cumulative", histograms(histogram(1, 1.0, bucket(2, 1.0)))),
    ("infinity_not_count", "histogram-count", histograms(histogram(3, 1.0, *BOUNDS))),
    # native buckets
    ("schema_9", "native-schema", histograms(histogram(0, 0.0, native(9, 0.5, 0)))),
    ("schema_minus_5", "native-schema", histograms(histogram(0, 0.0, native(-5, 0.5, 0)))),
    ("zero_negative", "native-zero", histograms(histogram(0, 0.0, native(0, -0.5, 0)))),
    ("zero_nan", "native-zero", histograms(histogram(0, 0.0, native(0, math.nan, 0)))),
    ("zero_infinite", "native-zero", histograms(histogram(0, 0.0, native(0, math.inf, 0)))),
    ("too_few_deltas", "native-span", natives(1, span(12, 0, 2), deltas(13, 1))),
    ("too_many_deltas", "native-span", natives(2, span(12, 0, 1), deltas(13, 1, 0))),
    ("deltas_without_span", "native-span", natives(1, deltas(13, 1))),
    ("span_without_deltas", "native-span", natives(0, span(9, 0, 1))),
    ("spans_overlap", "native-span", natives(2, span(12, 0, 1), span(12, -1, 1), deltas(13, 1, 0))),
    ("span_empty", "native-span", natives(1, span(12, 0, 1), span(12, 1, 0), deltas(13, 1))),
    ("bucket_negative", "native-delta", natives(1, span(12, 0, 2), deltas(13, 1, -2))),
    ("count_too_large", "native-count", natives(3, span(12, 0, 2), deltas(13, 1, 0))),
    ("count_too_small", "native-count", natives(1, span(12, 0, 2), deltas(13, 1, 0))),
    ("zero_not_counted", "native-count", histograms(histogram(1, 0.0, native(0, 0.5, 0)))),
    ("no_span_at_all", "native-noop", natives(0)),
    # exemplars
    ("exemplar_on_gauge", "proto-field", of_gauge(nested(4, nested(2, double(1, 1.0) + exemplar(2, 1.0))))),
    ("exemplar_of_classic", "exemplar-place", histograms(histogram(1, 1.0, exemplar(16, 1.0)))),
    ("exemplar_no_time", "exemplar-time", natives(1, span(12, 0, 1), deltas(13, 1), exemplar(16, 1.0, b""))),
    ("exemplar_bucket", "exemplar-bucket", histograms(histogram(1, 1.0, bucket(1, 1.0, exemplar(3, 2.0))))),
    (
        "exemplar_129",
        "exemplar-size",
        family("a_total", COUNTER, metric(counter(1.0, exemplar(2, 1.0, t="x" * 128)))),
    ),
    (
        "exemplar_no_value",
        "exemplar-form",
        family("a_total", COUNTER, metric(counter(1.0, nested(2, timestamp(3, 5))))),
    ),
]

H = "# TYPE h histogram\nh"
N = H + " {count:6,sum:1,schema:3,zero_threshold:0.5,zero_count:1"
COMPOSITES = [
    ("ok_counter", "", '# TYPE a_total counter\na_total 1 st@5.5 # {t="1"} 1 1.5\n'),
    ("ok_info", "", '# TYPE a_info info\na_info{v="1"} 1\n'),
    ("ok_unit", "", "# TYPE a_b_total counter\n# UNIT a_b_total b\na_b_total 1\n"),
    ("ok_histogram", "", H + '{x="1"} {count:3,sum:-1.5,bucket:[-1.0:1,1e+06:3,+Inf:3]} st@5\n'),
    ("ok_exemplars", "", H + " {count:3,sum:1,bucket:[1.0:1,+Inf:3]} # {} 0.5 1.5 # {} 2 2.5\n"),
    ("ok_summary", "", "# TYPE s summary\ns {count:3,sum:1.5,quantile:[]} st@5\n"),
    ("ok_native", "", N + ",negative_spans:[-3:1],negative_buckets:[5]}\n"),
    ("ok_native_and_classic", "", N + ",positive_spans:[-3:2],positive_buckets:[5,0],bucket:[+Inf:6]}\n"),
    ("counter_no_total", "counter-total", "# TYPE a counter\na 1\n"),
    ("created_line", "contiguous", "# TYPE a_total counter\na_total 1\na_created 5\n"),
    ("bucket_line", "contiguous", H + '_bucket{le="+Inf"} 1\n'),
    ("plain_histogram", "value-form", H + " 1\n"),
    ("composite_gauge", "value-form", "# TYPE a gauge\na {count:1,sum:1,bucket:[+Inf:1]}\n"),
    ("fields_out_of_order", "value-form", H + " {sum:1,count:1,bucket:[+Inf:1]}\n"),
    ("no_buckets", "value-form", H + " {count:1,sum:1}\n"),
    ("space_in_value", "value-form", H + " {count:1, sum:1,bucket:[+Inf:1]}\n"),
    ("comma_at_the_end", "value-form", H + " {count:1,sum:1,bucket:[+Inf:1],}\n"),
    ("no_end_of_value", "value-form", H + " {count:1,sum:1,bucket:[+Inf:1]\n"),
    ("count_with_fraction", "value-form", H + " {count:1.5,sum:1,bucket:[+Inf:1]}\n"),
    ("bound", "le-canonical", H + " {count:1,sum:1,bucket:[1:1,+Inf:1]}\n"),
    ("no_infinity", "histogram-inf", H + " {count:1,sum:1,bucket:[1.0:1]}\n"),
    ("not_cumulative", "histogram-cumulative", H + " {count:1,sum:1,bucket:[1.0:2,+Inf:1]}\n"),
    ("count", "histogram-count", H + " {count:2,sum:1,bucket:[+Inf:1]}\n"),
    ("twice", "duplicate", H + "\nh".join(2 * [" {count:1,sum:1,bucket:[+Inf:1]}"]) + "\n"),
    ("sum_of_summary", "sum-value", "# TYPE s summary\ns {count:3,sum:-1,quantile:[]}\n"),
    ("start_of_gauge", "created-together", "# TYPE a gauge\na 1 st@5\n"),
    ("start_in_ms", "created-value", "# TYPE a_total counter\na_total 1 st@1700000000000\n"),
    ("timestamp", "timestamp", "# TYPE a gauge\na 1 1700000000.5\n"),
    ("exemplar_of_gauge", "exemplar-place", "# TYPE a gauge\na 1 # {} 1 1.5\n"),
    ("two_exemplars", "exemplar-form", "# TYPE a_total counter\na_total 1 # {} 1 1.5 # {} 1 1.5\n"),
    ("native_schema", "native-schema", H + " {count:0,sum:0,schema:9,zero_threshold:0,zero_count:0}\n"),
    ("native_zero", "native-zero", H + " {count:0,sum:0,schema:1,zero_threshold:-1,zero_count:0}\n"),
    ("native_count", "native-count", N + "}\n"),
    ("native_one_side", "native-span", N + ",negative_spans:[-3:1]}\n"),
    ("native_short", "native-span", N + ",negative_spans:[-3:2],negative_buckets:[5]}\n"),
    ("native_delta", "native-span", N + ",positive_spans:[1:1,-1:1],positive_buckets:[4,1]}\n"),
]

MALFORMED_FORMATS = [
    *((f"text100_{name}", Text100, rule, body.encode()) for name, rule, body in QUOTED),
    *(
        (f"openmetrics_{name}", OpenMetricsUtf8, rule, f"{body}# EOF\n".encode())
        for name, rule, body in QUOTED
        if name != "ok"  # HELP comes behind TYPE here
    ),
    *((f"protobuf_{name}", Protobuf, rule, body) for name, rule, body in PROTOBUF),
    *(
        (f"openmetrics2_{name}", OpenMetrics2, rule, f"{body}# EOF\n".encode())
        for name, rule, body in COMPOSITES
    ),
    ("openmetrics_not_asked", OpenMetrics, "label-name", b'# TYPE a gauge\na{"y.z"="1"} 1\n# EOF\n'),
    ("protobuf_utf8_ok", ProtobufUtf8, "", family("a.b", GAUGE, metric(gauge(1.0)))),
    ("protobuf_utf8_no_name", ProtobufUtf8, "metric-name", family("", GAUGE, GOOD)),
]
