# SPDX-License-Identifier: MIT
"""The reference backend. Here, for this comes before any module of it defines a metric."""

from .segment import fit_into_volume

fit_into_volume()
