"""The launcher of the decoder: takes away everything it does not need, then becomes it.

Run by path in a bare interpreter (``python -I -S sandbox_child.py key=value ... -- program arguments``), never
imported by the product. Keys: ``parent`` (pid that must still be there), ``cpu`` (seconds), ``memory`` (bytes),
``files`` (open descriptors), ``nice``, ``read`` (a folder or file that may be read and executed; repeated), ``input``
(1: descriptor 0 may be opened again by path), ``talk`` (1: may use sockets that it was given), ``need`` (a layer that
must hold; repeated), ``probe`` (1: report what holds instead of running a program). Exit code 125: a needed layer or
the program itself failed; the reason is the last line on stderr, after ``sandbox:``.
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing itself would cost milliseconds at every start
    from collections.abc import Callable

sys.path.append(os.path.dirname(os.path.abspath(__file__)))  # after the standard library: nothing here may shadow it

from seccomp import build_filter  # type: ignore[import-not-found]  # noqa: E402

_SET_PARENT_DEATH_SIGNAL, _SET_NO_NEW_PRIVILEGES, _SET_SECCOMP = 1, 38, 22
_SIGKILL = 9
#: Seconds between the signal that tells of the processor limit and the one that enforces it.
_CPU_GRACE_S = 5
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_RIGHT_EXECUTE, _RIGHT_READ_FILE, _RIGHT_READ_DIR = 1, 4, 8
#: How many file rights each version of Landlock knows (index 0: version 1).
_FILE_RIGHTS = (13, 14, 15, 15, 16)
_NET_SINCE, _SCOPE_SINCE = 4, 6

_libc = ctypes.CDLL(None, use_errno=True)


class _Ruleset(ctypes.Structure):
    _fields_ = [("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64)]


class _PathRule(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("rights", ctypes.c_uint64), ("descriptor", ctypes.c_int32)]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def main(arguments: list[str]) -> None:
    """Apply all layers and exec the program, or report."""
    split = arguments.index("--")
    options = [item.partition("=")[::2] for item in arguments[:split]]
    values = dict(options)
    _tie_to_parent(int(values["parent"]))
    _limit(values)
    held = {"rlimits"}
    prober = _load_prober() if values.get("probe") else None
    readable = [value for key, value in options if key == "read"]
    if _no_new_privileges():
        held |= {"landlock"} if _landlock(readable, "input" in values) else set()
        held |= {"seccomp"} if _seccomp("talk" in values) else set()
    missing = {value for key, value in options if key == "need"} - held
    if missing:
        _fail(f"{', '.join(sorted(missing))} not available")
    if prober is not None:
        prober(held)
    else:
        _become(arguments[split + 1 :])


def _tie_to_parent(parent: int) -> None:
    """Die with the worker; and at once if it died before the kernel was told."""
    if sys.platform == "linux":
        _libc.prctl(_SET_PARENT_DEATH_SIGNAL, _SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        _fail("the parent is gone")


def _limit(values: dict[str, str]) -> None:
    os.nice(int(values.get("nice", 0)))
    cpu, memory, files = (int(values[key]) for key in ("cpu", "memory", "files"))
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_NOFILE, files)
    _lower(resource.RLIMIT_CPU, cpu, _CPU_GRACE_S)
    if sys.platform == "linux":  # elsewhere the address space is not a limit that programs can live with
        _lower(resource.RLIMIT_AS, memory)


def _lower(kind: int, value: int, grace: int = 0) -> None:
    """Set the soft limit to ``value`` and the hard one ``grace`` above it, never over what was inherited."""
    hard = resource.getrlimit(kind)[1]
    ceiling = value + grace if hard == resource.RLIM_INFINITY else min(value + grace, hard)
    resource.setrlimit(kind, (min(value, ceiling), ceiling))


def _no_new_privileges() -> bool:
    return sys.platform == "linux" and bool(_libc.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0)


def _seccomp(talking: bool) -> bool:
    code = build_filter(os.uname().machine, os.getpid(), talking=talking)
    if code is None:
        return False
    program = _Program(len(code) // 8, code)
    return bool(_libc.prctl(_SET_SECCOMP, 2, ctypes.byref(program), 0, 0) == 0)


def _landlock(readable: list[str], with_input: bool) -> bool:
    """Leave the listed paths readable and nothing else; no TCP, no signals or abstract sockets to the outside."""
    version = _libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    if version < 1:
        return False
    rules = _Ruleset(
        (1 << _FILE_RIGHTS[min(version, len(_FILE_RIGHTS)) - 1]) - 1,
        3 if version >= _NET_SINCE else 0,
        3 if version >= _SCOPE_SINCE else 0,
    )
    size = 24 if version >= _SCOPE_SINCE else 16 if version >= _NET_SINCE else 8
    ruleset = _libc.syscall(_CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(size), 0)
    if ruleset < 0:
        return False
    for path in readable:
        _allow_path(ruleset, path)
    if with_input:
        _allow(ruleset, 0, _RIGHT_READ_FILE)
    done = _libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0
    os.close(ruleset)
    return bool(done)


def _allow_path(ruleset: int, path: str) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    rights = _RIGHT_READ_FILE | _RIGHT_EXECUTE | (_RIGHT_READ_DIR if os.path.isdir(path) else 0)
    _allow(ruleset, descriptor, rights)
    os.close(descriptor)


def _allow(ruleset: int, descriptor: int, rights: int) -> None:
    rule = _PathRule(rights, descriptor)
    _libc.syscall(_ADD_RULE, ruleset, 1, ctypes.byref(rule), 0)


def _become(command: list[str]) -> None:
    try:
        os.execve(command[0], command, os.environ)  # noqa: S606  this is the launcher's whole purpose
    except OSError as error:
        _fail(f"the decoder cannot be started ({error.strerror})")


def _fail(reason: str) -> None:
    sys.stderr.write(f"sandbox: {reason}\n")
    sys.stderr.flush()
    os._exit(125)


def _load_prober() -> Callable[[set[str]], None]:
    """What tries the fence from inside; loaded before it stands, because afterwards nothing can be loaded."""
    from sandbox_probe import probe  # type: ignore[import-not-found]

    prober: Callable[[set[str]], None] = probe
    return prober


if __name__ == "__main__":
    main(sys.argv[1:])
