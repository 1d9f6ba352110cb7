#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""decode - a second reader of segments, written from include/shmetrics/layout.h alone

It shares nothing with the library and so proves that the specification is enough. It is also strict: what
breaks a rule of layout.h without keeping the decoder from going on is listed under "problems". A segment
that writers were killed in must have none.

    decode.py FILE            everything as JSON
    decode.py --check FILE    only the problems; status 1 if there is one
"""

from __future__ import annotations

import argparse
import fcntl
import json
import math
import mmap
import os
import struct
import sys
from dataclasses import dataclass, field
from typing import Any, Callable, Iterator, Optional

import decode_native
import layout as L
from decode_values import ValueDecoder
from layout import get

try:
    import xxhash
except ImportError:  # hashes are then not verified
    xxhash = None  # type: ignore[assignment]

Json = dict[str, Any]


class FormatError(Exception):
    """Not a segment, or one of which nothing can be said."""


@dataclass
class Decoder(ValueDecoder):
    """Decodes the bytes of one segment file."""

    data: L.Buffer
    held: Optional[Callable[[int, int], bool]] = None  # (slot, generation) -> is its lock held
    problems: list[str] = field(default_factory=list)

    # -- the segment as a whole --

    def decode(self) -> Json:
        header = self.header()
        self.size: int = header["size"]
        self.arena: int = header["toc"][L.TOC_ARENA]["offset"]
        self.arena_next: int = header["arena_next"]
        self.stripe_count: int = header["stripe_count"]
        self.seed: int = header["hash_seed"]
        slots = self.slots(header)
        families = self.families(header, slots)
        self.series(header, families, slots)
        return {
            "header": header,
            "slots": slots,
            "families": sorted(families.values(), key=lambda f: (f["name"], f["offset"])),
            "health": sorted(self.checks, key=lambda check: str(check["name"])),
            "problems": self.problems,
        }

    def header(self) -> Json:
        if len(self.data) < L.HEADER_SIZE:
            raise FormatError(f"the file has {len(self.data)} bytes, a header {L.HEADER_SIZE}")
        header = {name: get(self.data, L.HEADER, 0, name) for name in L.HEADER if name != "toc"}
        if header["magic"] != L.MAGIC:
            raise FormatError(f"the magic is {header['magic']:#x}")
        if header["byte_order"] != L.BYTE_ORDER:
            raise FormatError(f"the byte order is {header['byte_order']:#x}")
        if header["version_major"] != L.VERSION_MAJOR:
            raise FormatError(f"the version is {header['version_major']}")
        if header["header_size"] != L.HEADER_SIZE:
            raise FormatError(f"the header has {header['header_size']} bytes")
        if not header["size"] <= min(len(self.data), header["size_max"]):
            raise FormatError(f"the size is {header['size']}, the file has {len(self.data)}")
        stripes = header["stripe_count"]
        if not 1 <= stripes <= L.STRIPE_MAX or stripes & (stripes - 1):
            raise FormatError(f"the stripe count is {stripes}")
        header["toc"] = self.toc(header)
        for name in ("generation_id", "boot_id"):
            header[name] = header[name].hex()
        dropped = header["dropped"]
        header["dropped"] = {name: dropped[i] for i, name in enumerate(L.DROPS)}
        self.expect(not any(dropped[len(L.DROPS) :]), "drop counts beyond the known reasons")
        self.expect(header["tile_size"] == L.TILE_SIZE, f"the tile size is {header['tile_size']}")
        self.expect(header["arena_next"] % L.ALIGNMENT == 0, "arena_next is not aligned")
        self.expect(header["arena_next"] <= header["size"], "arena_next is beyond the size")
        self.expect(header["slots_used"] <= header["slot_max"], "more slots used than there are")
        self.reserved_is_zero("header", 0, L.HEADER, L.HEADER_SIZE)
        return header

    def toc(self, header: Json) -> list[Json]:
        lines: list[Json] = []
        for i in range(min(header["toc_count"], L.TOC_MAX)):
            base = L.HEADER["toc"].offset + i * L.TOC_SIZE
            line = {name: get(self.data, L.TOC, base, name) for name in L.TOC}
            if line["type"] == 0:
                break
            lines.append(line)
        sizes = {
            L.TOC_SLOTS: L.SLOT_SIZE * header["slot_max"],
            L.TOC_FAMILY_ROOT: 8 << L.FAMILY_ROOT_BITS,
            L.TOC_SERIES_ROOT: 8 << L.SERIES_ROOT_BITS,
            L.TOC_ARENA: 0,
        }
        end = L.HEADER_SIZE
        for i, size in sizes.items():
            if i >= len(lines) or lines[i]["type"] != i + 1:
                raise FormatError(f"line {i} of the table of contents is not of type {i + 1}")
            offset = lines[i]["offset"]
            if offset % L.ALIGNMENT or offset < end or offset + size > header["size"]:
                raise FormatError(f"table of contents: {i} lies at {offset}")
            if i != L.TOC_ARENA:
                told = lines[i]["record_size"] * lines[i]["count"]
                self.expect(told == size, f"table of contents: {i} has {told} bytes, not {size}")
            end = offset + size
        return lines

    def slots(self, header: Json) -> list[Json]:
        slots = []
        for number in range(header["slot_max"]):
            base = header["toc"][L.TOC_SLOTS]["offset"] + number * L.SLOT_SIZE
            if number >= header["slots_used"]:
                used = any(self.data[base : base + L.SLOT_SIZE])
                self.expect(not used, f"slot {number}: is written, but slots_used is smaller")
                continue
            slot = {"slot": number, **{name: get(self.data, L.SLOT, base, name) for name in L.SLOT}}
            slot["held"] = self.held(number, slot["generation"]) if self.held else None
            slot["blocks"] = self.directory(slot)
            self.reserved_is_zero(f"slot {number}", base, L.SLOT, L.SLOT_SIZE)
            slots.append(slot)
        return slots

    def directory(self, slot: Json) -> list[int]:
        """The offsets of the live blocks of a slot, 0 where there is none."""
        base, where = slot["directory_offset"], f"slot {slot['slot']}"
        if base == 0 or not self.in_arena(base, L.DIRECTORY_SIZE, f"{where}: the directory"):
            return [0] * L.GAUGE_BLOCKS
        words = list(struct.unpack_from(f"{L.ORDER}{2 * L.GAUGE_BLOCKS}Q", self.data, base))
        self.expect(not any(words[L.GAUGE_BLOCKS :]), f"{where}: retired blocks are reserved")
        for k in range(L.GAUGE_BLOCKS):
            size = (L.GAUGE_BLOCK_FIRST << k) * L.CELL_SIZE
            if words[k] and not self.in_arena(words[k], size, f"{where}: gauge block {k}"):
                words[k] = 0
        return words[: L.GAUGE_BLOCKS]

    # -- the index --

    def index(self, root: int, bits: int) -> Iterator[int]:
        """The offsets of the records of an index, each in its place."""
        todo = [(root + 8 * i, i, bits) for i in range(1 << bits)]
        seen: set[int] = set()
        while todo:
            at, prefix, depth = todo.pop()
            word = struct.unpack_from(L.ORDER + "Q", self.data, at)[0]
            if word == 0:
                continue
            if word & L.NODE_TAG:
                node = word & ~L.NODE_TAG
                if depth >= 64 or not self.in_arena(
                    node, L.NODE_SIZE, f"index word {at}: the node"
                ):
                    self.expect(
                        depth < 64, f"index word {at}: a node below the last bit of the hash"
                    )
                elif self.expect(node not in seen, f"index word {at}: node {node} twice"):
                    seen.add(node)
                    step = 1 << L.NODE_BITS
                    todo += [
                        (node + 8 * i, prefix * step + i, depth + L.NODE_BITS) for i in range(step)
                    ]
            elif self.in_arena(word, L.ALIGNMENT, f"index word {at}: the record"):
                if self.expect(word not in seen, f"index word {at}: record {word} twice"):
                    seen.add(word)
                    high = get(self.data, L.RECORD, word, "hash") >> (64 - depth)
                    self.expect(high == prefix, f"record {word}: its hash does not lead to it")
                    yield word

    def record(self, base: int, least: int) -> Optional[int]:
        """The size of the record at `base`, or None if it cannot be one."""
        size = get(self.data, L.RECORD, base, "size")
        where = f"record {base}"
        self.expect(
            get(self.data, L.RECORD, base, "self_offset") == base,
            f"{where}: says it lies elsewhere",
        )
        self.expect(size % L.ALIGNMENT == 0, f"{where}: its size {size} is not aligned")
        if self.expect(size >= least, f"{where}: its size {size}") and self.in_arena(
            base, size, where
        ):
            return int(size)
        return None

    # -- families and texts --

    def families(self, header: Json, slots: list[Json]) -> dict[int, Json]:
        families: dict[int, Json] = {}
        texts: dict[int, bytes] = {}
        self.checks: list[Json] = []
        for base in self.index(header["toc"][L.TOC_FAMILY_ROOT]["offset"], L.FAMILY_ROOT_BITS):
            kind = get(self.data, L.RECORD, base, "type")
            if kind == L.RECORD_TEXT:
                texts[base] = self.text(base)
            elif kind == L.RECORD_HEALTH:
                self.one_check(base, slots)
            elif self.expect(
                kind == L.RECORD_FAMILY, f"record {base}: a {kind:#x} among the families"
            ):
                family = self.family(base)
                if family:
                    families[base] = family
        keys: set[bytes] = set()
        for base, family in families.items():
            self.expect(family["key"] not in keys, f"family {base}: a second {family['name']}")
            keys.add(family.pop("key"))
            at = family.pop("help_offset")
            self.expect(at == 0 or at in texts, f"family {base}: its help is not in the index")
            family["help"] = None if at not in texts else self.utf8(texts[at], f"family {base}")
            family["defined_by"] = self.defined_by(family["presence_gauge"], slots)
        return families

    def defined_by(self, gauge: int, slots: list[Json]) -> list[int]:
        cells = self.gauge_cells({"cells_or_gauge": gauge, "mode": 0}, slots)
        return [cell["slot"] for cell in cells]

    def one_check(self, base: int, slots: list[Json]) -> None:
        if self.record(base, L.HEALTH_NAME + 1) is None:
            return
        check = self.health(base)
        self.hash_is(base, check.pop("key"), self.seed + 2)
        check["defined_by"] = self.defined_by(check.pop("presence_gauge"), slots)
        self.checks.append(check)

    def text(self, base: int) -> bytes:
        """Its bytes: of a help they are UTF-8, of an info's labels not all of them."""
        size = get(self.data, L.TEXT, base, "text_size")
        if self.record(base, L.TEXT_BYTES + size) is None:
            return b""
        key = bytes(self.data[base + L.TEXT_BYTES : base + L.TEXT_BYTES + size])
        self.expect(size <= L.HELP_MAX, f"text {base}: {size} bytes")
        self.hash_is(base, key, self.seed + 1)
        return key

    def family(self, base: int) -> Optional[Json]:
        if self.record(base, L.FAMILY_KEY) is None:
            return None
        f = {name: get(self.data, L.FAMILY, base, name) for name in L.FAMILY}
        where = f"family {base}"
        key = bytes(self.data[base + L.FAMILY_KEY : base + L.FAMILY_KEY + f["key_size"]])
        if not self.expect(L.FAMILY_KEY + len(key) <= f["size"], f"{where}: its key runs over"):
            return None
        head = struct.pack(
            L.ORDER + "4H", *(f[n] for n in ("kind", "mode", "label_count", "bound_count"))
        )
        self.expect(key[:8] == head, f"{where}: the key does not say what the record says")
        # Of a state set there are texts where a histogram has bounds.
        state_count = f["bound_count"] if f["kind"] == L.STATE_SET else 0
        bound_count = f["bound_count"] - state_count
        if not self.expect(8 + 8 * bound_count <= len(key), f"{where}: its bounds run over"):
            return None
        bounds, at = struct.unpack_from(f"{L.ORDER}{bound_count}d", key, 8), 8 + 8 * bound_count
        native = None
        if f["kind"] == L.NATIVE_HISTOGRAM:
            native, problem = decode_native.parse(key[at:])
            if not self.expect(native is not None, f"{where}: {problem}"):
                return None
            at += L.NATIVE_SIZE
        self.native_is_told(where, f, native)
        texts = self.strings(key[at:], state_count + 2 + f["label_count"], where)
        if texts is None:
            return None
        states, texts = texts[:state_count], texts[state_count:]
        self.expect(len(set(states)) == len(states) and all(states), f"{where}: its states")
        self.expect((f["kind"] == L.STATE_SET) == bool(states), f"{where}: {len(states)} states")
        self.hash_is(base, key, self.seed)
        increasing = all(a < b for a, b in zip(bounds, bounds[1:])) and all(
            map(math.isfinite, bounds)
        )
        self.expect(increasing, f"{where}: its bounds do not increase")
        self.expect(f["kind"] in L.KINDS, f"{where}: kind {f['kind']}")
        has_mode = f["kind"] in (L.GAUGE, L.STATE_SET)
        self.expect((f["mode"] in L.MODES) == has_mode, f"{where}: mode {f['mode']}")
        has_bounds = bool(bounds) and f["kind"] != L.NATIVE_HISTOGRAM
        self.expect(has_bounds == (f["kind"] == L.HISTOGRAM), f"{where}: {len(bounds)} bounds")
        self.expect(f["label_count"] <= L.LABEL_MAX, f"{where}: {f['label_count']} labels")
        self.expect(f["stripe_count"] == self.stripe_count, f"{where}: {f['stripe_count']} stripes")
        self.expect(
            0 < len(texts[0]) <= L.NAME_MAX, f"{where}: its name has {len(texts[0])} characters"
        )
        self.reserved_is_zero(where, base, L.FAMILY, L.FAMILY_SIZE)
        self.table(base, f, bounds)
        return {
            "offset": base,
            "key": key,
            "name": texts[0],
            "kind": L.KINDS.get(f["kind"], f["kind"]),
            "mode": L.MODES.get(f["mode"]),
            "unit": texts[1],
            "label_names": texts[2:],
            "bounds": list(bounds),
            "native": native,
            "states": states,
            "help_offset": f["help_offset"],
            "overflow_offset": f["overflow_offset"],
            "presence_gauge": f["presence_gauge"],
            "series_count": f["series_count"],
            "series_max": f["series_max"],
            "series": [],
        }

    def native_is_told(self, where: str, f: Json, native: Optional[decode_native.Native]) -> None:
        """The record says what its key says, and nothing where there are no native buckets."""
        told = [f[f"native_{name}"] for name in ("schema", "first", "side", "zero")]
        wanted = [native.schema, native.first, native.side, native.zero] if native else [0] * 4
        self.expect(told == wanted, f"{where}: native {told} for {wanted}")

    def table(self, base: int, f: Json, bounds: tuple[float, ...]) -> None:
        """The search table may never lead beyond the bucket of a value."""
        count, low, where = f["table_count"], f["table_low"], f"family {base}: its search table"
        if count == 0:
            return
        if not self.expect(f["table_offset"] + 2 * count <= f["size"], f"{where} runs over"):
            return
        self.expect(bool(bounds) and bounds[0] > 0, f"{where} has no place here")
        entries = struct.unpack_from(f"{L.ORDER}{count}H", self.data, base + f["table_offset"])
        for i, entry in enumerate(entries):
            # The least value of entry i; all below `low` share entry 0, so there it is 0.
            least = 0.0 if i == 0 else struct.unpack("=d", struct.pack("=Q", (low + i) << 50))[0]
            bucket = sum(1 for bound in bounds if bound < least)
            self.expect(entry <= bucket, f"{where}: entry {i} leads beyond the bucket of {least}")

    # -- series and cells --

    def series(self, header: Json, families: dict[int, Json], slots: list[Json]) -> None:
        bases = set(self.index(header["toc"][L.TOC_SERIES_ROOT]["offset"], L.SERIES_ROOT_BITS))
        # layout.h lets the overflow series be reached by its family alone.
        bases |= {f["overflow_offset"] for f in families.values()} - {0}
        keys: set[tuple[int, tuple[str, ...]]] = set()
        for base in sorted(bases):
            if (
                not self.in_arena(base, L.SERIES_KEY, f"series {base}")
                or self.record(base, L.SERIES_KEY) is None
            ):
                continue
            one = self.one_series(base, families, slots)
            if one is None:
                continue
            key = (one["family"], tuple(one["labels"]))
            self.expect(key not in keys, f"series {base}: a second {key}")
            keys.add(key)
            families[one.pop("family")]["series"].append(one)
        for family in families.values():
            family["series"].sort(key=lambda s: (s["overflow"], s["labels"]))
            count = sum(1 for s in family["series"] if not s["overflow"])
            self.expect(
                count <= family["series_count"], f"family {family['offset']}: {count} series"
            )

    def one_series(self, base: int, families: dict[int, Json], slots: list[Json]) -> Optional[Json]:
        s = {name: get(self.data, L.SERIES, base, name) for name in L.SERIES}
        where = f"series {base}"
        family = families.get(s["family_offset"])
        if not self.expect(s["type"] == L.RECORD_SERIES, f"{where}: its type is {s['type']:#x}"):
            return None
        if family is None or L.SERIES_KEY + s["key_size"] > s["size"]:
            self.problems.append(f"{where}: its family or its key size is wrong")
            return None
        key = bytes(self.data[base + L.SERIES_KEY : base + L.SERIES_KEY + s["key_size"]])
        labels = self.strings(key, len(family["label_names"]), where)
        if labels is None:
            return None
        self.hash_is(base, struct.pack(L.ORDER + "Q", s["family_offset"]) + key, self.seed)
        kind = L.KINDS.get(s["kind"], s["kind"])
        self.expect(kind == family["kind"], f"{where}: its kind is {kind}")
        self.expect(L.MODES.get(s["mode"]) == family["mode"], f"{where}: its mode is {s['mode']}")
        self.expect(
            s["stripe_mask"] == self.stripe_count - 1, f"{where}: stripe mask {s['stripe_mask']}"
        )
        overflow = bool(s["flags"] & L.SERIES_OVERFLOW)
        self.expect(
            overflow == (family["overflow_offset"] == base), f"{where}: the overflow series?"
        )
        word = s["cells_or_gauge"]
        target = word & L.PLACE_MASK
        one: Json = {
            "offset": base,
            "family": s["family_offset"],
            "labels": labels,
            "overflow": overflow,
            "removed": bool(word & L.WORD_REMOVED),
            "incarnation": (word & ~L.WORD_REMOVED) >> L.PLACE_BITS,
        }
        if kind in ("gauge", "stateset"):
            one["gauge"] = target
            one["cells"] = self.gauge_cells(s, slots)
            return one
        if kind == "info":
            one["info"] = self.info(base, target)
            return one
        native = family["native"]
        count = len(family["bounds"]) + (native.count if native else 1)
        cells = [self.cell(target, i, where) for i in range(count)]
        if kind == "counter":
            one["whole"], one["fraction"] = cells[0]
        elif kind == "summary":
            one["count"], one["sum"] = cells[0]
        elif native:
            one.update(decode_native.split(native, family["bounds"], cells))
            count = len(family["bounds"]) + 1 if family["bounds"] else L.NATIVE_EXEMPLARS
        else:
            one["buckets"] = [cell[0] for cell in cells]
            one["sum"] = math.fsum(cell[1] for cell in cells)
        one["exemplars"] = self.exemplars(base, count, one["incarnation"])
        return one

    def cell(self, offset: int, index: int, where: str) -> tuple[int, float]:
        """The sum of a cell over all stripes."""
        count, sums = 0, []
        for stripe in range(self.stripe_count):
            at = L.cell_offset(offset, index, stripe, self.stripe_count)
            if offset % L.CELL_SIZE or not self.arena <= at <= self.arena_next - L.CELL_SIZE:
                self.problems.append(f"{where}: cell {index} lies at {at}")
                continue
            count += get(self.data, L.CELL, at, "count")
            sums.append(get(self.data, L.CELL, at, "sum"))
        return count % 2**64, math.fsum(sums) if all(map(math.isfinite, sums)) else sum(sums)

    def gauge_cells(self, series: Json, slots: list[Json]) -> list[Json]:
        """The live cells of a gauge that are present, whether the slot is held or not."""
        word, mode = series["cells_or_gauge"], series["mode"]
        gauge = word & L.PLACE_MASK
        if not self.expect(gauge < L.GAUGE_MAX, f"gauge {gauge}: the number is too large"):
            return []
        block, index = L.gauge_place(gauge)
        base = (word >> L.PLACE_BITS << L.TAG_INCARNATION_SHIFT) % 2**64
        base |= L.MODE_FOLDS.get(mode, 0) << L.TAG_FOLD_SHIFT
        cells = []
        for slot in slots:
            if slot["generation"] == 0 or slot["blocks"][block] == 0:
                continue
            at = slot["blocks"][block] + index * L.CELL_SIZE
            tag = get(self.data, L.GAUGE_CELL, at, "tag")
            cell = {"slot": slot["slot"], "value": get(self.data, L.GAUGE_CELL, at, "value")}
            if mode in L.MOST_RECENT_MODES:
                if tag > series["since_ns"] and tag >= slot["claimed_ns"]:
                    cells.append({**cell, "stamp_ns": tag})
            elif tag == base | slot["generation"]:
                cells.append(cell)
        return cells

    # -- what must hold --

    def expect(self, condition: bool, problem: str) -> bool:
        if not condition:
            self.problems.append(problem)
        return condition

    def in_arena(self, offset: int, size: int, what: str) -> bool:
        fits = (
            offset % L.ALIGNMENT == 0 and self.arena <= offset and offset + size <= self.arena_next
        )
        return self.expect(fits, f"{what} lies at {offset} with {size} bytes")

    def strings(self, key: bytes, count: int, where: str) -> Optional[list[str]]:
        texts, at = [], 0
        for _ in range(count):
            size = struct.unpack_from(L.ORDER + "H", key, at)[0] if at + 2 <= len(key) else len(key)
            if not self.expect(at + 2 + size <= len(key), f"{where}: a text of its key runs over"):
                return None
            texts.append(self.utf8(key[at + 2 : at + 2 + size], where))
            at += 2 + size
        self.expect(at == len(key), f"{where}: {len(key) - at} bytes behind its key")
        return texts

    def utf8(self, text: bytes, where: str) -> str:
        try:
            return text.decode("utf-8")
        except UnicodeDecodeError:
            self.problems.append(f"{where}: a text is no UTF-8")
            return text.decode("utf-8", "replace")

    def hash_is(self, base: int, key: bytes, seed: int) -> None:
        if xxhash is not None:
            value = xxhash.xxh3_64_intdigest(key, seed=seed % 2**64)
            self.expect(
                get(self.data, L.RECORD, base, "hash") == value,
                f"record {base}: not the hash of its key",
            )

    def reserved_is_zero(self, where: str, base: int, table: L.Table, size: int) -> None:
        end = 0
        for member in sorted(table.values(), key=lambda member: member.offset) + [
            L.Field(size, "")
        ]:
            gap = self.data[base + end : base + member.offset]
            self.expect(
                not any(gap), f"{where}: reserved bytes {end} to {member.offset} are not zero"
            )
            end = member.offset + member.size


def probe(descriptor: int, slot: int, generation: int) -> bool:
    """Whether another open file holds the lock of a slot's generation."""
    question = struct.pack(
        "hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, L.slot_lock(slot, generation), 1, 0
    )
    answer = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, question)
    return struct.unpack("hhqqi4x", answer)[0] != fcntl.F_UNLCK


def decode_file(path: str | os.PathLike[str]) -> Json:
    """Decodes a segment file; raises FormatError where that cannot be done."""
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            raise FormatError("the file is empty")
        with mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as data:
            return Decoder(
                data, lambda slot, generation: probe(file.fileno(), slot, generation)
            ).decode()


def plain(value: Any) -> Any:
    """JSON has no word for the doubles that are not finite; the exposition's words are used."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items()}
    return [plain(member) for member in value] if isinstance(value, (list, tuple)) else value


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="print the problems only; status 1 if any"
    )
    parser.add_argument("file")
    arguments = parser.parse_args()
    try:
        segment = decode_file(arguments.file)
    except (FormatError, OSError) as error:
        print(f"{arguments.file}: {error}", file=sys.stderr)
        return 2
    if arguments.check:
        print("\n".join(segment["problems"]) or "no problems")
        return 1 if segment["problems"] else 0
    json.dump(plain(segment), sys.stdout, indent=1, ensure_ascii=False)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
