# SPDX-License-Identifier: MIT
"""expoclient - the strict parsers for what the Python package serves, which has prometheus_client's form

Labels stand in the order of their names and whole numbers end in ".0", all of them: tests of applications
look for "jobs_total 2.0". Everything else is as the collector has it. OpenMetrics 2.0 and protobuf are the
collector's own.

    parser = expoclient.of(expocheck.Text004)
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from expoopenmetrics import OpenMetrics, OpenMetricsUtf8
from expoparser import Family, Text004, Text100

WHOLE = re.compile(r"-?[0-9]+")


class ClientForm(Text004):
    def _parse_value(self, text: str) -> float:
        if WHOLE.fullmatch(text):
            raise self.fail("value-form", f"{text} is written {text}.0 elsewhere")
        return super()._parse_value(text[:-2] if WHOLE.fullmatch(text[:-2]) else text)

    def _check_label_order(self, family: Family, names: Sequence[str]) -> None:
        if list(names) != sorted(names):
            raise self.fail("label-order", f"{names} of {family.name}")


class ClientText004(ClientForm, Text004):
    pass


class ClientText100(ClientForm, Text100):
    pass


class ClientOpenMetrics(ClientForm, OpenMetrics):
    pass


class ClientOpenMetricsUtf8(ClientForm, OpenMetricsUtf8):
    pass


FORMS: dict[type[Text004], type[Text004]] = {
    Text004: ClientText004,
    Text100: ClientText100,
    OpenMetrics: ClientOpenMetrics,
    OpenMetricsUtf8: ClientOpenMetricsUtf8,
}


def of(parser: type[Text004]) -> type[Text004]:
    """The same format in prometheus_client's form, where it has one."""
    return FORMS.get(parser, parser)
