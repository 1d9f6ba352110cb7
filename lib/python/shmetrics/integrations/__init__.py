# SPDX-License-Identifier: MIT
"""integrations - what other libraries do, as metrics of the catalogue; each needs its library"""
