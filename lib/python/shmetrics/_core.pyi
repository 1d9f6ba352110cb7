# SPDX-License-Identifier: MIT
# _core.pyi - the extension module; its sources are in lib/python/ext

from contextvars import ContextVar
from types import TracebackType
from typing import (
    Any,
    Awaitable,
    Callable,
    Dict,
    Final,
    List,
    MutableMapping,
    Optional,
    Sequence,
    SupportsFloat,
    SupportsIndex,
    Tuple,
    Type,
    TypeVar,
    Union,
    final,
)

from typing_extensions import Buffer, Self

_T = TypeVar("_T")

VERSION: Final[str]
FORMAT_TEXT_004: Final[int]
FORMAT_OPENMETRICS_100: Final[int]
FORMAT_TEXT_100: Final[int]
FORMAT_OPENMETRICS_200: Final[int]
FORMAT_PROTOBUF: Final[int]
CONTENT_TYPE_TEXT_004: Final[str]
CONTENT_TYPE_OPENMETRICS_100: Final[str]
CONTENT_TYPE_TEXT_100: Final[str]
CONTENT_TYPE_OPENMETRICS_200: Final[str]
CONTENT_TYPE_PROTOBUF: Final[str]
ESCAPING_UNDERSCORES: Final[int]
ESCAPING_DOTS: Final[int]
ESCAPING_VALUES: Final[int]
ESCAPING_ALLOW_UTF8: Final[int]

def choose_format(accept: Optional[str], /) -> Tuple[int, int, str]: ...
def resolve(name: str, directory: Optional[str] = None, /) -> str: ...
def client_text(text: bytes, /) -> bytes: ...
def unrecorded_count() -> int: ...
def own_methods(cls: Type[_T], /) -> Type[_T]: ...

@final
class Segment:
    @classmethod
    def open(
        cls,
        name: str,
        /,
        *,
        size_max_bytes: int = 0,
        series_max: int = 0,
        family_series_max: int = 0,
        keep: bool = False,
    ) -> Segment: ...
    @classmethod
    def open_private(cls, *, size_max_bytes: int = 0) -> Segment: ...
    def render(
        self,
        names: Optional[Sequence[str]] = None,
        /,
        *,
        format: int = ...,
        escaping: int = ...,
        created: bool = False,
    ) -> bytes: ...
    def render_beside(
        self,
        others: Sequence[str],
        names: Optional[Sequence[str]] = None,
        /,
        *,
        format: int = ...,
        escaping: int = ...,
        created: bool = False,
    ) -> Tuple[bytes, List[str]]: ...
    @property
    def path(self) -> str: ...

class Metric:
    @property
    def _name(self) -> str: ...
    @property
    def _documentation(self) -> str: ...
    @property
    def _unit(self) -> str: ...
    @property
    def _labelnames(self) -> Tuple[str, ...]: ...
    @property
    def _labelvalues(self) -> Tuple[str, ...]: ...
    @property
    def _segment(self) -> Segment: ...
    @property
    def _parent(self) -> Optional[Self]: ...
    def labels(self, *labelvalues: object, **labelkwargs: object) -> Self: ...
    def _remove(self, values: Tuple[Optional[str], ...], /) -> int: ...
    def _reset(self) -> None: ...

class Counter(Metric):
    def inc(
        self,
        amount: Union[SupportsFloat, SupportsIndex] = 1,
        exemplar: Optional[Dict[str, str]] = None,
    ) -> None: ...
    def _define(
        self,
        segment: Segment,
        name: str,
        documentation: str,
        unit: str,
        labelnames: Tuple[str, ...],
        /,
    ) -> Optional[str]: ...

class Gauge(Metric):
    def inc(self, amount: Union[SupportsFloat, SupportsIndex] = 1) -> None: ...
    def dec(self, amount: Union[SupportsFloat, SupportsIndex] = 1) -> None: ...
    def set(self, value: Union[SupportsFloat, SupportsIndex, str, Buffer]) -> None: ...
    def _define(
        self,
        segment: Segment,
        name: str,
        documentation: str,
        unit: str,
        labelnames: Tuple[str, ...],
        mode: str,
        /,
    ) -> Optional[str]: ...

class Histogram(Metric):
    def observe(
        self,
        amount: Union[SupportsFloat, SupportsIndex],
        exemplar: Optional[Dict[str, str]] = None,
    ) -> None: ...
    def _define(
        self,
        segment: Segment,
        name: str,
        documentation: str,
        unit: str,
        labelnames: Tuple[str, ...],
        bounds: Tuple[float, ...],
        /,
    ) -> Optional[str]: ...

class NativeHistogram(Metric):
    def observe(
        self,
        amount: Union[SupportsFloat, SupportsIndex],
        exemplar: Optional[Dict[str, str]] = None,
    ) -> None: ...
    def _define(
        self,
        segment: Segment,
        name: str,
        documentation: str,
        unit: str,
        labelnames: Tuple[str, ...],
        schema: int,
        least: float,
        greatest: float,
        negative: bool,
        bounds: Tuple[float, ...],
        /,
    ) -> Optional[str]: ...

class Summary(Metric):
    def observe(self, amount: Union[SupportsFloat, SupportsIndex]) -> None: ...
    def _define(
        self,
        segment: Segment,
        name: str,
        documentation: str,
        unit: str,
        labelnames: Tuple[str, ...],
        /,
    ) -> Optional[str]: ...

class Info(Metric):
    def _set(self, labels: Tuple[Tuple[str, str], ...], /) -> Optional[str]: ...
    def _define(
        self,
        segment: Segment,
        name: str,
        documentation: str,
        unit: str,
        labelnames: Tuple[str, ...],
        /,
    ) -> Optional[str]: ...

class Enum(Metric):
    def _set(self, state: int, /) -> None: ...
    def _define(
        self,
        segment: Segment,
        name: str,
        documentation: str,
        unit: str,
        labelnames: Tuple[str, ...],
        states: Tuple[str, ...],
        /,
    ) -> Optional[str]: ...

@final
class HealthCheck:
    def __new__(cls, segment: Segment, name: str, ttl: float, /) -> Self: ...
    def report(self, up: bool, duration: float, detail: str, /) -> None: ...
    def age(self) -> float: ...
    def last(self) -> Optional[Tuple[bool, float, float, str]]: ...

class Timer:
    @property
    def duration(self) -> Optional[float]: ...
    @property
    def _metric(self) -> Union[Gauge, Histogram, NativeHistogram, Summary]: ...
    @property
    def _callback_name(self) -> str: ...
    def __new__(
        cls, metric: Union[Gauge, Histogram, NativeHistogram, Summary], callback_name: str
    ) -> Self: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        typ: Optional[Type[BaseException]],
        value: Optional[BaseException],
        traceback: Optional[TracebackType],
        /,
    ) -> None: ...
    def labels(self, *args: object, **kwargs: object) -> None: ...

@final
class HttpExchange:
    @property
    def status(self) -> Optional[str]: ...
    def __call__(self, message: MutableMapping[str, Any], /) -> Awaitable[None]: ...
    def finish(self, otherwise: int, /) -> None: ...

@final
class HttpRecorder:
    def __new__(
        cls,
        requests: Counter,
        durations: Histogram,
        in_progress: Gauge,
        endpoint: Callable[[MutableMapping[str, Any]], str],
        methods: Dict[str, str],
        statuses: Dict[int, str],
        other: str,
        duration_header: Optional[bytes] = None,
        exemplar: Optional[Callable[[], Optional[Dict[str, str]]]] = None,
        trace_context: Optional[ContextVar[Any]] = None,
        by_route: bool = False,
    ) -> Self: ...
    def begin(
        self,
        scope: MutableMapping[str, Any],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
        /,
    ) -> HttpExchange: ...
