"""A seccomp filter as bytes: which system calls the decoder may not make, for x86-64 and AArch64. Pure.

The launcher installs it (``media.sandbox_child``), so this module must import nothing but the interpreter's own
built-ins: it is loaded by path into a bare interpreter. Numbers: the kernel's syscall tables; layout of
``struct seccomp_data`` and the instructions: the kernel's seccomp and BPF documentation.
"""

from __future__ import annotations

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _EPERM, _ENOSYS = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026
_NR, _ARCH = 0, 4

_CLONE_THREAD = 0x00010000
_WRITING = 0o1 | 0o2 | 0o100 | 0o1000  # O_WRONLY, O_RDWR, O_CREAT, O_TRUNC

#: From this number on all architectures share one table: io_uring, new mount calls, pidfd, clone3, openat2, memfd
#: secrets and whatever is invented next. "Not there" makes the C library fall back on the older calls judged below.
_FIRST_NEW = 424
_FIRST_X32 = 0x40000000

_X86_64 = {
    "network": "41-43 49 50 53 288 299 307",
    "talking": "44-48",
    "processes": "57 58 101 129 200 297 310-312 322",
    "ipc": "29-31 64-66 68-71 220 240-245",
    "kernel": "103 135 153-155 159 161 163-173 175 176 179 212 227 246 248-250 256 272 279 298 300 301 303-305 308 313"
    " 319-321 323",
    "identity": "105 106 109 112-114 116 117 119 122 123 126 141 142 144 203 251 314",
    "files": "76 82-88 90-94 132 133 188-190 197-199 235 253 258-261 263-266 268 280 285 294 316",
}
_AARCH64 = {
    "network": "198-203 242 243 269",
    "talking": "206 207 211 212",
    "processes": "117 130 138 240 270-272 281",
    "ipc": "180-196",
    "kernel": "18 39-41 51 58 60 89 92 97 104-106 112 116 142 161 162 170 171 217-219 224 225 238 239 241 262-266 268"
    " 273 279 280 282 294",
    "identity": "30 91 118 119 122 140 143-147 149 151 152 154 157 159 274",
    "files": "5-7 14-16 26 33-38 45 47 52-55 88 276",
}
#: Calls whose arguments decide: name -> number of the call.
_X86_64_JUDGED = {"clone": 56, "open": 2, "openat": 257, "kill": 62, "tgkill": 234, "prlimit64": 302}
_AARCH64_JUDGED = {"clone": 220, "openat": 56, "kill": 129, "tgkill": 131, "prlimit64": 261}

_MACHINES = {
    "x86_64": (0xC000003E, _X86_64, _X86_64_JUDGED),
    "aarch64": (0xC00000B7, _AARCH64, _AARCH64_JUDGED),
}


def build_filter(machine: str, pid: int, *, talking: bool = False) -> bytes | None:
    """The filter program for ``machine`` (as ``os.uname`` names it), or None when its calls are not known here.

    Denied calls answer EPERM; calls of another architecture kill the process. ``pid`` is the process that the filter
    is for: it may signal and limit itself and nobody else. ``talking`` lets it send and receive on connected sockets
    that it was given, and open none. 8 bytes an instruction, in the machine's byte order.
    """
    if machine not in _MACHINES:
        return None
    audit_arch, denied, judged = _MACHINES[machine]
    program = [(_LOAD, 0, 0, _ARCH), (_EQUAL, 1, 0, audit_arch), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, _NR)]
    program += _answer(_AT_LEAST, _FIRST_X32, _EPERM)
    program += _answer(_AT_LEAST, _FIRST_NEW, _ENOSYS)
    for name, number in judged.items():
        rule = _rule(name, pid)
        program += [(_EQUAL, 0, len(rule), number), *rule]
    for number in _numbers({group: calls for group, calls in denied.items() if not (talking and group == "talking")}):
        program += _answer(_EQUAL, number, _EPERM)
    program.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(_instruction(*line) for line in program)


def _answer(test: int, number: int, verdict: int) -> list[tuple[int, int, int, int]]:
    return [(test, 0, 1, number), (_RETURN, 0, 0, verdict)]


def _rule(name: str, pid: int) -> list[tuple[int, int, int, int]]:
    """Threads yes, processes no; reading yes, writing no; oneself yes, others no."""
    if name == "clone":
        return _judge(0, _ANY_BIT, _CLONE_THREAD, _ALLOW, _EPERM)
    if name in ("open", "openat"):
        return _judge(1 if name == "open" else 2, _ANY_BIT, _WRITING, _EPERM, _ALLOW)
    if name == "prlimit64":
        return [_load_argument(0), (_EQUAL, 1, 0, 0), (_EQUAL, 0, 1, pid), (_RETURN, 0, 0, _ALLOW), _refuse()]
    return _judge(0, _EQUAL, pid, _ALLOW, _EPERM)


def _judge(argument: int, test: int, value: int, then: int, otherwise: int) -> list[tuple[int, int, int, int]]:
    return [_load_argument(argument), (test, 0, 1, value), (_RETURN, 0, 0, then), (_RETURN, 0, 0, otherwise)]


def _load_argument(index: int) -> tuple[int, int, int, int]:
    return _LOAD, 0, 0, 16 + 8 * index


def _refuse() -> tuple[int, int, int, int]:
    return _RETURN, 0, 0, _EPERM


def _numbers(groups: dict[str, str]) -> list[int]:
    numbers: list[int] = []
    for text in groups.values():
        for item in text.split():
            first, _, last = item.partition("-")
            numbers += range(int(first), int(last or first) + 1)
    return numbers


def _instruction(code: int, if_true: int, if_false: int, value: int) -> bytes:
    return code.to_bytes(2, "little") + bytes((if_true, if_false)) + value.to_bytes(4, "little")
