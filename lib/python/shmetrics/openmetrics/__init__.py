# SPDX-License-Identifier: MIT
"""openmetrics - the OpenMetrics text format"""
