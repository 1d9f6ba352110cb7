# SPDX-License-Identifier: MIT
"""scraping - what a scraper of this process gets

    exposing    a registry as one answer: the segment, rendered in C, and behind it the rest
    joining     which families of custom collectors are served, and under which names
    spelling    names as a scraper with this escaping gets them
    conflicts   what is not served, counted and said once
    text, openmetrics, openmetrics2, protobuf       families in these formats

Everything here follows the rules of lib/text, which renders what the segment holds.
"""
