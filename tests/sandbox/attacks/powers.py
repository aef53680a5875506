# ruff: noqa
"""Everything that would take a privilege: prints one line for each thing that worked, and nothing where all were refused."""

import ctypes
import os
import socket
import subprocess
from pathlib import Path

libc = ctypes.CDLL(None, use_errno=True)
NEWNS, NEWUSER, NEWPID, NEWNET = 0x20000, 0x10000000, 0x20000000, 0x40000000
ADD_KEY, BPF, PERF_EVENT_OPEN, KEXEC_LOAD, INIT_MODULE, OPEN_BY_HANDLE = 248, 321, 298, 246, 175, 304


def worked(name, code):
    """Try in a child, so that one success does not change what follows."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if code() else 1)
        except BaseException:
            os._exit(1)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
        print(name, flush=True)


def zero(result):
    return result == 0


def status(field):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith(field))


for flag, name in ((NEWUSER, "user"), (NEWNS, "mount"), (NEWPID, "pid"), (NEWNET, "net"), (NEWUSER | NEWNS, "user and mount")):
    worked(f"a new {name} namespace", lambda flag=flag: zero(libc.unshare(flag)))
worked("a tmpfs mount", lambda: zero(libc.mount(b"x", b"/tmp", b"tmpfs", 0, None)))
worked("a bind mount", lambda: zero(libc.mount(b"/proc", b"/tmp", None, 4096, None)))
worked("a remount of /", lambda: zero(libc.mount(None, b"/", None, 32, None)))
worked("an unmount of /proc", lambda: zero(libc.umount2(b"/proc", 2)))
worked("a device", lambda: os.mknod("/tmp/sda", 0o60666, os.makedev(8, 0)) is None)
worked("a chroot", lambda: os.chroot("/tmp") is None)
worked("another hostname", lambda: zero(libc.sethostname(b"owned", 5)))
worked("another time", lambda: zero(libc.clock_settime(0, (ctypes.c_long * 2)(1, 0))))
worked("uid 0", lambda: os.getuid() != 0 and os.setuid(0) is None)
worked("uid 1", lambda: os.setuid(1) is None)
worked("group 0", lambda: os.getgid() != 0 and os.setgroups([0]) is None)
worked("capabilities", lambda: int(status("CapEff"), 16) or int(status("CapPrm"), 16) or int(status("CapAmb"), 16))
worked("new privileges", lambda: status("NoNewPrivs") != "1")
worked("a raw socket", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))
worked("a packet socket", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3))
worked("bpf", lambda: libc.syscall(BPF, 0, (ctypes.c_uint * 16)(1, 4, 4, 4), 64) >= 0)
worked("kernel events of all", lambda: libc.syscall(PERF_EVENT_OPEN, (ctypes.c_uint * 32)(1, 128), -1, 0, -1, 0) >= 0)
worked("a file by its handle", lambda: libc.syscall(OPEN_BY_HANDLE, -100, (ctypes.c_uint * 8)(8, 1, 2, 0), 0) >= 0)
worked("a kernel module", lambda: zero(libc.syscall(INIT_MODULE, b"", 0, b"")))
worked("a lower niceness", lambda: os.setpriority(os.PRIO_PROCESS, 0, -5) is None)
worked("memory of process 1", lambda: os.open("/proc/1/mem", os.O_RDWR) >= 0)
worked("the root of process 1", lambda: os.getuid() != 0 and os.listdir("/proc/1/root"))
worked("tracing process 1", lambda: zero(libc.ptrace(16, 1, 0, 0)))
for name in ("/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/sys/vm/drop_caches"):
    worked(f"writing {name}", lambda name=name: os.open(name, os.O_WRONLY) >= 0)
for name in (
    "/dev/mem",
    "/dev/kmsg",
    "/dev/port",
    "/dev/fuse",
    "/dev/net/tun",
    "/dev/kvm",
    "/dev/loop-control",
    "/dev/vda",
    "/dev/sda",
):
    worked(f"opening {name}", lambda name=name: os.open(name, os.O_RDWR) >= 0)
for name in ("/sys/fs/cgroup", "/sys/kernel", "/sys/fs/bpf", "/usr", "/usr/local/bin", "/proc/sys/kernel"):
    worked(f"a file in {name}", lambda name=name: os.getuid() != 0 and os.open(f"{name}/x", os.O_CREAT | os.O_WRONLY) >= 0)
for program in (["su", "-c", "true"], ["mount", "-t", "tmpfs", "x", "/tmp"], ["sudo", "-n", "true"], ["unshare", "-Ur", "true"]):
    worked(" ".join(program), lambda program=program: zero(subprocess.run(program, stdin=-3, capture_output=True).returncode))
