// SPDX-License-Identifier: MIT
// The operator of Prometheus, of which test_kubernetes.py reads what it adds to the API. Nothing is built of it.
module shmetrics/operator

go 1.23

require github.com/prometheus-operator/prometheus-operator v0.85.0
