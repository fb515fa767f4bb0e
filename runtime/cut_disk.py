"""A disk that can lose power: SQLite's files in memory, with what a real disk does to writes that were not synced.

A write is visible at once and durable only after a sync of its file. At a power cut every 512-byte sector written
since then keeps its old content, its newest, or one in between, and each sector for itself: writes are lost,
reordered and torn at sector borders. A file exists durably after its first sync, because SQLite syncs the folder
with it. A deletion may come undone until the folder is synced.

A connection belongs to one `Disk`. After a cut the machine starts again with a new `Disk` made from what survived;
what connections of the old one still do - closing checkpoints, and deletes the WAL - reaches nothing. Sharing the
files between them is how such a rig reports losses that SQLite never had.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import cast

import apsw
from typing_extensions import override

SECTOR_BYTES = 512
_numbers = count(1)


class PowerCut(apsw.IOError):
    """The machine is off."""


@dataclass(slots=True)
class StoredFile:
    """One file: what is seen, what is safe (None: not even its name), and what was done since the last sync."""

    seen: bytearray = field(default_factory=bytearray)
    safe: bytearray | None = None
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)
    """Writes (offset, bytes); a truncation is (length, None)."""

    def change(self, offset: int, data: bytes | None) -> None:
        """Write, or truncate to `offset` when there is no data."""
        _apply(self.seen, offset, data)
        self.pending.append((offset, data))

    def sync(self) -> None:
        """Everything done so far is durable."""
        if self.safe is None:
            self.safe = bytearray()
        for offset, data in self.pending:
            _apply(self.safe, offset, data)
        self.pending.clear()

    def survivor(self, chance: random.Random, odds: float) -> StoredFile | None:
        """The file after a cut, each unsynced sector having reached the platter with these odds; None: it is gone."""
        if self.safe is None and chance.random() >= odds:
            return None
        content = bytearray(self.safe or b"")
        behind: set[int] = set()
        """Sectors that have missed a write; they miss all later ones, too."""
        for offset, data in self.pending:
            if data is None:
                if chance.random() < odds:
                    _apply(content, offset, None)
                continue
            for sector, at, piece in _sectors(offset, data):
                if sector not in behind and chance.random() < odds:
                    _apply(content, at, piece)
                else:
                    behind.add(sector)
        return StoredFile(bytearray(content), content)


def _apply(content: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        del content[offset:]
        return
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


def _sectors(offset: int, data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """The parts of a write that lie in one sector each: sector number, offset, bytes."""
    at = offset
    while at < offset + len(data):
        sector = at // SECTOR_BYTES
        end = min((sector + 1) * SECTOR_BYTES, offset + len(data))
        yield sector, at, data[at - offset : end - offset]
        at = end


class Disk:
    """Files by name, a count of what was done to them, and after how much of it the power goes."""

    def __init__(self, files: dict[str, StoredFile] | None = None) -> None:
        self.files = files if files is not None else {}
        self.ghosts: dict[str, StoredFile] = {}
        """Deleted files whose deletion is not durable."""
        self.operations = 0
        self.cut_at: int | None = None
        self.name = f"cut{next(_numbers)}"
        self._vfs = DiskVfs(self)

    @property
    def is_off(self) -> bool:
        """Whether the power has gone."""
        return self.cut_at is not None and self.operations >= self.cut_at

    def touch(self) -> None:
        """Something is about to change on the disk; raises `PowerCut` from the chosen operation on."""
        if not self.is_off:
            self.operations += 1
        if self.is_off:
            raise PowerCut("no power")

    def sync_all(self) -> None:
        """Make all files and names durable, as after a quiet while."""
        self.ghosts.clear()
        for file in self.files.values():
            file.sync()

    def after_cut(self, chance: random.Random, odds: float) -> Disk:
        """The disk of the machine that is switched on again; this one is out of use."""
        ghosts = {name: file for name, file in self.ghosts.items() if chance.random() >= odds}
        survivors = {name: file.survivor(chance, odds) for name, file in (ghosts | self.files).items()}
        self.retire()
        return Disk({name: file for name, file in survivors.items() if file is not None})

    def retire(self) -> None:
        """Take the disk out of SQLite; open connections keep it."""
        self._vfs.unregister()


class DiskVfs(apsw.VFS):
    """A disk as SQLite sees it. Time and randomness are the machine's."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        super().__init__(disk.name, "")

    @override
    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name or f"temporary {next(_numbers)}"
        file = self._disk.files.setdefault(path, StoredFile())
        flags[1] = flags[0]
        # SQLite wants the methods, whatever the class.
        return cast(apsw.VFSFile, DiskFile(self._disk, file))

    @override
    def xAccess(self, pathname: str, flags: int) -> bool:
        return pathname in self._disk.files

    @override
    def xFullPathname(self, name: str) -> str:
        return name

    @override
    def xDelete(self, filename: str, syncdir: bool) -> None:
        self._disk.touch()
        file = self._disk.files.pop(filename, None)
        if syncdir:
            self._disk.ghosts.clear()
        elif file is not None:
            self._disk.ghosts[filename] = file


class DiskFile:
    """An open file. Nobody else opens it, so locks are always granted."""

    def __init__(self, disk: Disk, file: StoredFile) -> None:
        self._disk = disk
        self._file = file
        self.xRead = self.read
        self.xWrite = self.write
        self.xTruncate = self.truncate
        self.xSync = self.sync
        self.xFileSize = lambda: len(file.seen)
        self.xSectorSize = lambda: SECTOR_BYTES
        self.xDeviceCharacteristics = lambda: 0
        self.xFileControl = lambda op, pointer: False
        self.xCheckReservedLock = lambda: False
        self.xLock = self.xUnlock = lambda level: None
        self.xClose = lambda: None

    def read(self, amount: int, offset: int) -> bytes:
        """At most so many bytes; SQLite fills up what is missing."""
        return bytes(self._file.seen[offset : offset + amount])

    def write(self, data: bytes, offset: int) -> None:
        """Write behind the cache."""
        self._disk.touch()
        self._file.change(offset, bytes(data))

    def truncate(self, size: int) -> None:
        """Cut off the end, behind the cache."""
        self._disk.touch()
        self._file.change(size, None)

    def sync(self, flags: int) -> None:
        """Make everything durable."""
        self._disk.touch()
        if self._file.safe is None:
            self._disk.ghosts.clear()
        self._file.sync()
