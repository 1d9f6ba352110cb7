/* SPDX-License-Identifier: MIT */
/*
 * metrics_proto.h - the numbers of fields and types in metrics.proto, Prometheus' client model
 *
 * Named after its messages. There is more in them: this is what is written here.
 */
#ifndef SMX_TEXT_METRICS_PROTO_H
#define SMX_TEXT_METRICS_PROTO_H

enum family_field {
	FAMILY_NAME = 1,
	FAMILY_HELP = 2,
	FAMILY_TYPE = 3,
	FAMILY_METRIC = 4,
	FAMILY_UNIT = 5
};

enum metric_type {
	TYPE_COUNTER = 0,
	TYPE_GAUGE = 1,
	TYPE_SUMMARY = 2,
	TYPE_UNTYPED = 3,
	TYPE_HISTOGRAM = 4
};

enum metric_field {
	METRIC_LABEL = 1,
	METRIC_GAUGE = 2,
	METRIC_COUNTER = 3,
	METRIC_SUMMARY = 4,
	METRIC_UNTYPED = 5,
	METRIC_HISTOGRAM = 7
};

enum label_pair_field { PAIR_NAME = 1, PAIR_VALUE = 2 };
enum counter_field { COUNTER_VALUE = 1, COUNTER_EXEMPLAR = 2, COUNTER_START = 3 };
enum gauge_field { GAUGE_VALUE = 1 }; /* of a Gauge and of an Untyped */
enum summary_field { SUMMARY_COUNT = 1, SUMMARY_SUM = 2, SUMMARY_START = 4 };

/* From the schema to the positive delta, and the exemplars: of a native one. */
enum histogram_field {
	HISTOGRAM_COUNT = 1,
	HISTOGRAM_SUM = 2,
	HISTOGRAM_BUCKET = 3,
	HISTOGRAM_SCHEMA = 5,
	HISTOGRAM_ZERO_THRESHOLD = 6,
	HISTOGRAM_ZERO_COUNT = 7,
	HISTOGRAM_NEGATIVE_SPAN = 9,
	HISTOGRAM_NEGATIVE_DELTA = 10,
	HISTOGRAM_POSITIVE_SPAN = 12,
	HISTOGRAM_POSITIVE_DELTA = 13,
	HISTOGRAM_START = 15,
	HISTOGRAM_EXEMPLARS = 16
};

enum bucket_field { BUCKET_CUMULATIVE_COUNT = 1, BUCKET_UPPER_BOUND = 2, BUCKET_EXEMPLAR = 3 };
enum span_field { SPAN_OFFSET = 1, SPAN_LENGTH = 2 };
/* Its labels are as a Metric's. */
enum exemplar_field { EXEMPLAR_VALUE = 2, EXEMPLAR_TIMESTAMP = 3 };
enum timestamp_field { TIMESTAMP_SECONDS = 1, TIMESTAMP_NANOS = 2 };

#endif
