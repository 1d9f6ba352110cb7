# SPDX-License-Identifier: MIT
"""decode_values - the part of decode.py for values that are texts: infos, exemplars, health checks"""

from __future__ import annotations

import struct
from typing import Any, Optional

import layout as L
from layout import get

try:
    import xxhash
except ImportError:  # checksums are then not verified
    xxhash = None  # type: ignore[assignment]

Json = dict[str, Any]


class ValueDecoder:
    """What Decoder has beyond numbers. `data` and the checks are its own."""

    data: L.Buffer
    problems: list[str]

    def expect(self, condition: bool, problem: str) -> bool:
        raise NotImplementedError

    def in_arena(self, offset: int, size: int, what: str) -> bool:
        raise NotImplementedError

    def strings(self, key: bytes, count: int, where: str) -> Optional[list[str]]:
        raise NotImplementedError

    def labels(self, key: bytes, where: str) -> dict[str, str]:
        """Names and values, one behind the other; none where they make no sense."""
        at, count = 0, 0
        while at + 2 <= len(key):
            at += 2 + struct.unpack_from(L.ORDER + "H", key, at)[0]
            count += 1
        if not self.expect(count % 2 == 0 and at == len(key), f"{where}: its labels run over"):
            return {}
        texts = self.strings(key, count, where) or []
        names = texts[::2]
        self.expect(len(set(names)) == len(names), f"{where}: a label twice")
        return dict(zip(names, texts[1::2]))

    def info(self, base: int, target: int) -> dict[str, str]:
        where = f"series {base}: its info"
        if not self.in_arena(target, L.TEXT_BYTES, where):
            return {}
        kind, size = (get(self.data, L.TEXT, target, name) for name in ("type", "text_size"))
        if not self.expect(kind == L.RECORD_TEXT and size <= L.INFO_MAX, f"{where} is no text"):
            return {}
        text = bytes(self.data[target + L.TEXT_BYTES : target + L.TEXT_BYTES + size])
        labels = self.labels(text, where)
        self.expect(len(labels) <= L.INFO_LABEL_MAX, f"{where} has {len(labels)} labels")
        names = [name.encode() for name in labels]
        self.expect(names == sorted(names), f"{where} is not in the order of names")
        return labels

    def exemplars(self, base: int, count: int, life: int) -> dict[str, list[Any]]:
        """By bucket: value and labels, of those that are whole and of this life of the series."""
        first, found = get(self.data, L.SERIES, base, "exemplar_offset"), {}
        where = f"series {base}: its exemplars"
        if first == 0 or not self.in_arena(first, count * L.EXEMPLAR_SIZE, where):
            return {}
        for i in range(count):
            at = first + i * L.EXEMPLAR_SIZE
            one = {name: get(self.data, L.EXEMPLAR, at, name) for name in L.EXEMPLAR}
            if not self.is_whole(at, L.EXEMPLAR_SIZE) or one["life"] != life:
                continue
            self.expect(one["label_size"] <= 216, f"{where}: {one['label_size']} bytes of labels")
            labels = self.labels(one["labels"][: one["label_size"]], f"{where}: {i}")
            size = sum(len(name) + len(value) for name, value in labels.items())
            self.expect(size <= L.EXEMPLAR_CHARACTERS, f"{where}: {i} has {size} characters")
            found[str(i)] = [one["value"], labels]
        return found

    def health(self, base: int) -> Json:
        """A health check with its newest whole outcome."""
        h = {name: get(self.data, L.HEALTH, base, name) for name in L.HEALTH}
        where, name_at = f"health check {base}", base + L.HEALTH_NAME
        self.expect(1 <= h["name_size"] <= L.HEALTH_NAME_MAX, f"{where}: {h['name_size']} bytes")
        name = bytes(self.data[name_at : name_at + h["name_size"]])
        check: Json = {"name": name.decode("utf-8", "replace"), "ttl": h["ttl_seconds"]}
        newest = 0
        for i in range(2):
            at = base + L.HEALTH["outcomes"].offset + i * L.OUTCOME_SIZE
            one = {field: get(self.data, L.OUTCOME, at, field) for field in L.OUTCOME}
            if not self.is_whole(at, L.OUTCOME_SIZE) or one["reported_ns"] <= newest:
                continue
            newest = one["reported_ns"]
            detail = one["detail"][: one["detail_size"]].decode("utf-8", "replace")
            up = bool(one["flags"] & L.HEALTH_UP)
            check.update(up=up, detail=detail, duration=one["duration_seconds"])
        return {**check, "presence_gauge": h["presence_gauge"], "key": name}

    def is_whole(self, base: int, size: int) -> bool:
        """Whether the checksum in front is that of the words behind it; of zeros it never is."""
        told = struct.unpack_from(L.ORDER + "Q", self.data, base)[0]
        if xxhash is None:
            return bool(told)
        return bool(told == xxhash.xxh3_64_intdigest(bytes(self.data[base + 8 : base + size])))
