"""Records what a process asks the kernel to write in a folder: writes, sizes, syncs, names, in their order.

The process is traced (ptrace) and stops at each call to the kernel; the bytes are read from its memory. Nothing is
compiled and nothing is preloaded, so what is recorded is the very program. A call that would change a recorded file
in a way that is not followed here ends the recording: there is never a write that was not seen.
"""

import ctypes
import os
import platform
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from _disk import Entry, Removed, Renamed, Resized, Said, Synced, Written

TRACEME, SYSCALL, SETOPTIONS, GET_SYSCALL_INFO = 0, 24, 0x4200, 0x420E
SYSGOOD, EXITKILL = 1, 0x100000
AT_ENTRY, AT_EXIT = 1, 2
WALL = 0x40000000
AT_FDCWD = -100
WRITABLE_SHARED = (2, 1)  # PROT_WRITE, MAP_SHARED
MOST_PATH = 4096

# Numbers of calls on x86-64, the one kind of machine that this was written and tried on.
WRITE, PWRITE, FTRUNCATE, FSYNC, FDATASYNC = 1, 18, 77, 74, 75
OPEN, CREAT, OPENAT, OPENAT2 = 2, 85, 257, 437
UNLINK, UNLINKAT, RENAME, RENAMEAT, RENAMEAT2 = 87, 263, 82, 264, 316
MMAP, FCNTL, DUPLICATING = 9, 72, (0, 1030)
BY_OTHER_MEANS = {20: "writev", 296: "pwritev", 328: "pwritev2", 285: "fallocate", 32: "dup", 33: "dup2", 292: "dup3"}
BY_OTHER_MEANS |= {40: "sendfile", 326: "copy_file_range"}
UNFOLLOWED = {56: "clone", 57: "fork", 58: "vfork", 435: "clone3", 425: "io_uring_setup", 76: "truncate", 86: "link"}


class CannotRecord(Exception):
    """This machine, or this program, cannot be recorded, and why."""


class _Info(ctypes.Structure):
    """`ptrace_syscall_info`: a call and its arguments at entry, its result at exit."""

    _fields_ = (
        ("op", ctypes.c_uint8),
        ("_pad", ctypes.c_uint8 * 3),
        ("arch", ctypes.c_uint32),
        ("_ip", ctypes.c_uint64),
        ("_sp", ctypes.c_uint64),
        ("values", ctypes.c_int64 * 8),  # entry: number and six arguments; exit: the result
    )


_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
_libc.ptrace.restype = ctypes.c_long


def _ptrace(request: int, pid: int, address: int = 0, data: object = None) -> int:
    result = int(_libc.ptrace(request, pid, address, data))
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def be_recorded() -> None:
    """Said by the program itself, before it opens any file that matters. Goes on when the recorder listens."""
    try:
        _ptrace(TRACEME, 0)
    except OSError as error:
        sys.exit(f"this process may not be traced: {error}")
    os.kill(os.getpid(), signal.SIGSTOP)


def check_can_record() -> None:
    """Raises CannotRecord on any other kind of machine."""
    here = f"{sys.platform} on {platform.machine()}"
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise CannotRecord(f"the calls to the kernel are known for Linux on x86-64 alone; this is {here}")


def record(command: Sequence[str], folder: Path, *, says: str, unseen: Sequence[str] = ()) -> list[Entry]:
    """What a program wrote in a folder, from `be_recorded` to its end. It must be of one thread and one process.

    `says`: the file whose lines are no data but what the program told. `unseen`: endings of files that are left out.
    """
    check_can_record()
    pid = os.posix_spawn(command[0], list(command), dict(os.environ))
    recording = _Recording(pid, folder.resolve(), says, tuple(unseen))
    try:
        recording.follow()
    except BaseException:
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, WALL)
        raise
    finally:
        recording.close()
    return recording.entries


class _Recording:
    """One traced process: which of its descriptors are files that matter, and what came of them."""

    def __init__(self, pid: int, folder: Path, says: str, unseen: tuple[str, ...]) -> None:
        self.entries: list[Entry] = []
        self._pid, self._folder, self._says, self._unseen = pid, folder, says, unseen
        self._files: dict[int, str] = {}
        self._memory = -1
        self._calls = self._followed()

    def close(self) -> None:
        if self._memory != -1:
            os.close(self._memory)

    def follow(self) -> None:
        status = os.waitpid(self._pid, WALL)[1]
        if not os.WIFSTOPPED(status):
            raise CannotRecord("the program ended before it asked to be recorded, or may not be traced here")
        _ptrace(SETOPTIONS, self._pid, 0, SYSGOOD | EXITKILL)
        self._memory = os.open(f"/proc/{self._pid}/mem", os.O_RDONLY)
        info, call, passed_on = _Info(), (0,) * 7, 0
        while True:
            _ptrace(SYSCALL, self._pid, 0, passed_on)
            status = os.waitpid(self._pid, WALL)[1]
            if not os.WIFSTOPPED(status):
                break
            stopped = os.WSTOPSIG(status)
            passed_on = 0 if stopped == signal.SIGTRAP | 0x80 else stopped
            if passed_on:
                continue
            _ptrace(GET_SYSCALL_INFO, self._pid, ctypes.sizeof(info), ctypes.byref(info))
            if info.op == AT_ENTRY:
                call = tuple(info.values[:7])
                self._check_followed(*call)
            elif info.op == AT_EXIT and info.values[0] >= 0 and call[0] in self._calls:
                self._calls[call[0]](info.values[0], *call[1:])
        if os.waitstatus_to_exitcode(status) != 0:
            raise CannotRecord(f"the recorded program ended with {os.waitstatus_to_exitcode(status)}")

    def _check_followed(self, number: int, *arguments: int) -> None:
        """Refuse a call that could change a recorded file unseen, before it does."""
        named = UNFOLLOWED.get(number)
        if number in BY_OTHER_MEANS and arguments[0] in self._files:
            named = BY_OTHER_MEANS[number]
        elif number == MMAP and arguments[4] in self._files and _shares(arguments[2], arguments[3]):
            named = "mmap"
        elif number == FCNTL and arguments[0] in self._files and arguments[1] in DUPLICATING:
            named = "dup"
        if named is not None:
            raise CannotRecord(f"the program called {named}, which is not followed")

    def _followed(self) -> Mapping[int, Callable[..., None]]:
        """What each call did, once it succeeded: `result` first, then its arguments."""
        return {
            WRITE: self._wrote,
            PWRITE: lambda result, fd, data, _n, offset, *_: self._wrote_at(result, fd, data, offset),
            FTRUNCATE: lambda _, fd, size, *_rest: self._note(fd, lambda file: Resized(file, size)),
            FSYNC: lambda _, fd, *_rest: self._note(fd, Synced),
            FDATASYNC: lambda _, fd, *_rest: self._note(fd, Synced),
            OPEN: lambda fd, _path, flags, *_: self._opened(fd, flags),
            CREAT: lambda fd, *_: self._opened(fd, os.O_TRUNC),
            OPENAT: lambda fd, _at, _path, flags, *_: self._opened(fd, flags),
            OPENAT2: lambda fd, _at, _path, how, *_: self._opened(fd, int.from_bytes(self._read(how, 8), "little")),
            UNLINK: lambda _, path, *_rest: self._removed(AT_FDCWD, path),
            UNLINKAT: lambda _, at, path, *_rest: self._removed(at, path),
            RENAME: lambda _, old, new, *_rest: self._renamed(AT_FDCWD, old, AT_FDCWD, new),
            RENAMEAT: lambda _, at, old, to, new, *_rest: self._renamed(at, old, to, new),
            RENAMEAT2: lambda _, at, old, to, new, *_rest: self._renamed(at, old, to, new),
        }

    def _note(self, fd: int, made: Callable[[str], Entry]) -> None:
        file = self._files.get(fd)
        if file is not None and file != self._says:
            self.entries.append(made(file))

    def _wrote(self, result: int, fd: int, data: int, *_: int) -> None:
        if fd not in self._files:
            return
        told = Path(f"/proc/{self._pid}/fdinfo/{fd}").read_text().split()
        self._wrote_at(result, fd, data, int(told[told.index("pos:") + 1]) - result)

    def _wrote_at(self, result: int, fd: int, data: int, offset: int) -> None:
        file = self._files.get(fd)
        if file is None:
            return
        found = self._read(data, result)
        if len(found) != result:
            raise CannotRecord(f"{len(found)} of {result} written bytes could be read")
        self.entries.append(Said(found.decode()) if file == self._says else Written(file, offset, found))

    def _opened(self, fd: int, flags: int) -> None:
        """A descriptor that was closed meanwhile is known again by what it was opened for next."""
        self._files.pop(fd, None)
        file = self._named(Path(os.readlink(f"/proc/{self._pid}/fd/{fd}")))
        if file is not None:
            self._files[fd] = file
            if flags & os.O_TRUNC:
                self._note(fd, lambda file: Resized(file, 0))

    def _removed(self, at: int, path: int) -> None:
        file = self._named(self._path(at, path))
        if file is not None:
            self.entries.append(Removed(file))

    def _renamed(self, at: int, old: int, to: int, new: int) -> None:
        before, after = self._named(self._path(at, old)), self._named(self._path(to, new))
        if before is not None and after is not None:
            self.entries.append(Renamed(before, after))
        elif before is not None or after is not None:
            raise CannotRecord("the program moved a file into the folder or out of it")

    def _named(self, path: Path) -> str | None:
        """The name of a file of the folder that is recorded; None: of no concern."""
        ours = path.parent == self._folder and not path.name.endswith(self._unseen)
        return path.name if ours else None

    def _path(self, at: int, address: int) -> Path:
        name = self._read(address, MOST_PATH).partition(b"\0")[0].decode()
        held = "cwd" if ctypes.c_int(at).value == AT_FDCWD else f"fd/{at}"
        return Path(os.path.normpath(Path(os.readlink(f"/proc/{self._pid}/{held}")) / name))

    def _read(self, address: int, size: int) -> bytes:
        return os.pread(self._memory, size, address)


def _shares(protection: int, flags: int) -> bool:
    writable, shared = WRITABLE_SHARED
    return bool(protection & writable and flags & shared)
