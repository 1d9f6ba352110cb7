# SPDX-License-Identifier: MIT
"""unittest_helper - what the tests of prometheus-flask-exporter import and its sdist leaves out"""

import re
import unittest

from flask import Flask
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.utils import floatToGoString

from prometheus_flask_exporter import PrometheusMetrics


class BaseTestCase(unittest.TestCase):
    """An application with metrics in a registry of its own, served at /metrics."""

    def setUp(self):
        self.app = Flask(__name__)
        self.app.testing = True
        self.client = self.app.test_client()

    def metrics(self, **options):
        registry = CollectorRegistry(auto_describe=True)
        return PrometheusMetrics(self.app, registry=registry, **options)

    def _values(self, name, labels, endpoint):
        """Of the samples of that name that have these labels among others."""
        wanted = {(str(key), str(value)) for key, value in labels}
        text = self.client.get(endpoint).data.decode()
        return [
            floatToGoString(sample.value)
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name and wanted <= set(sample.labels.items())
        ]

    def assertMetric(self, name, value, *labels, **options):
        found = self._values(name, labels, options.get("endpoint", "/metrics"))
        self.assertTrue(any(re.match(str(value), one) for one in found), f"{value}: {found}")

    def assertAbsent(self, name, *labels, **options):
        self.assertEqual([], self._values(name, labels, options.get("endpoint", "/metrics")))

    def assumeMinimumFlaskVersion(self, version):
        pass

    def assumeBeforeFlaskVersion(self, version):
        self.skipTest(f"for Flask before {version}")
