# SPDX-License-Identifier: MIT
"""standins - what the demo uses where nothing real is named, as programs that can be slowed and stopped"""
