"""Linux audit: names of record types and of system calls, for records that carry numbers.

Numbers: linux/audit.h and the audit user space's msg_typetab.h; system calls: unistd.h of x86-64 and the generic one (arm64).
"""

from __future__ import annotations


def _numbered(text: str) -> dict[str, str]:
    return {number: name for name, _, number in (pair.partition(":") for pair in text.split())}


def _counted(first: int, names: str) -> dict[str, str]:
    return {str(number): name for number, name in enumerate(names.split(), first) if name != "-"}


AUDIT_TYPES: dict[str, str] = {
    "1006": "LOGIN",
    **_counted(
        1100,
        "USER_AUTH USER_ACCT USER_MGMT CRED_ACQ CRED_DISP USER_START USER_END USER_AVC USER_CHAUTHTOK USER_ERR CRED_REFR "
        "USYS_CONFIG USER_LOGIN USER_LOGOUT ADD_USER DEL_USER ADD_GROUP DEL_GROUP DAC_CHECK CHGRP_ID TEST TRUSTED_APP "
        "USER_SELINUX_ERR USER_CMD USER_TTY CHUSER_ID GRP_AUTH SYSTEM_BOOT SYSTEM_SHUTDOWN SYSTEM_RUNLEVEL SERVICE_START "
        "SERVICE_STOP GRP_MGMT GRP_CHAUTHTOK MAC_CHECK ACCT_LOCK ACCT_UNLOCK USER_DEVICE SOFTWARE_UPDATE",
    ),
    **_counted(
        1200,
        "DAEMON_START DAEMON_END DAEMON_ABORT DAEMON_CONFIG DAEMON_RECONFIG DAEMON_ROTATE DAEMON_RESUME DAEMON_ACCEPT "
        "DAEMON_CLOSE DAEMON_ERR",
    ),
    **_counted(
        1300,
        "SYSCALL - PATH IPC SOCKETCALL CONFIG_CHANGE SOCKADDR CWD - EXECVE - IPC_SET_PERM MQ_OPEN MQ_SENDRECV MQ_NOTIFY "
        "MQ_GETSETATTR KERNEL_OTHER FD_PAIR OBJ_PID TTY EOE BPRM_FCAPS CAPSET MMAP NETFILTER_PKT NETFILTER_CFG SECCOMP "
        "PROCTITLE FEATURE_CHANGE REPLACE KERN_MODULE FANOTIFY TIME_INJOFFSET TIME_ADJNTPVAL BPF EVENT_LISTENER URINGOP "
        "OPENAT2 DM_CTRL DM_EVENT",
    ),
    **_counted(
        1400,
        "AVC SELINUX_ERR AVC_PATH MAC_POLICY_LOAD MAC_STATUS MAC_CONFIG_CHANGE MAC_UNLBL_ALLOW MAC_CIPSOV4_ADD "
        "MAC_CIPSOV4_DEL MAC_MAP_ADD MAC_MAP_DEL MAC_IPSEC_ADDSA MAC_IPSEC_DELSA MAC_IPSEC_ADDSPD MAC_IPSEC_DELSPD "
        "MAC_IPSEC_EVENT MAC_UNLBL_STCADD MAC_UNLBL_STCDEL MAC_CALIPSO_ADD MAC_CALIPSO_DEL",
    ),
    **_counted(1500, "APPARMOR APPARMOR_AUDIT APPARMOR_ALLOWED APPARMOR_DENIED APPARMOR_HINT APPARMOR_STATUS APPARMOR_ERROR"),
    **_counted(1700, "ANOM_PROMISCUOUS ANOM_ABEND ANOM_LINK ANOM_CREAT"),
    **_counted(
        1800,
        "INTEGRITY_DATA INTEGRITY_METADATA INTEGRITY_STATUS INTEGRITY_HASH INTEGRITY_PCR INTEGRITY_RULE INTEGRITY_EVM_XATTR "
        "INTEGRITY_POLICY_RULE",
    ),
    "2000": "KERNEL",
    **_counted(
        2100,
        "ANOM_LOGIN_FAILURES ANOM_LOGIN_TIME ANOM_LOGIN_SESSIONS ANOM_LOGIN_ACCT ANOM_LOGIN_LOCATION ANOM_MAX_DAC "
        "ANOM_MAX_MAC ANOM_AMTU_FAIL ANOM_RBAC_FAIL ANOM_RBAC_INTEGRITY_FAIL ANOM_CRYPTO_FAIL ANOM_ACCESS_FS ANOM_EXEC "
        "ANOM_MK_EXEC ANOM_ADD_ACCT ANOM_DEL_ACCT ANOM_MOD_ACCT ANOM_ROOT_TRANS",
    ),
    **_counted(
        2300,
        "USER_ROLE_CHANGE ROLE_ASSIGN ROLE_REMOVE LABEL_OVERRIDE LABEL_LEVEL_CHANGE USER_LABELED_EXPORT "
        "USER_UNLABELED_EXPORT DEV_ALLOC DEV_DEALLOC FS_RELABEL USER_MAC_POLICY_LOAD ROLE_MODIFY USER_MAC_CONFIG_CHANGE "
        "USER_MAC_STATUS",
    ),
    **_counted(
        2400,
        "CRYPTO_TEST_USER CRYPTO_PARAM_CHANGE_USER CRYPTO_LOGIN CRYPTO_LOGOUT CRYPTO_KEY_USER CRYPTO_FAILURE_USER "
        "CRYPTO_REPLAY_USER CRYPTO_SESSION CRYPTO_IKE_SA CRYPTO_IPSEC_SA",
    ),
    **_counted(
        2500,
        "VIRT_CONTROL VIRT_RESOURCE VIRT_MACHINE_ID VIRT_INTEGRITY_CHECK VIRT_CREATE VIRT_DESTROY VIRT_MIGRATE_IN "
        "VIRT_MIGRATE_OUT",
    ),
}
"""Number of a record type → its name."""

AUDIT_ARCHITECTURES: dict[str, str] = {
    "c000003e": "x86_64",
    "c00000b7": "aarch64",
    "40000003": "i386",
    "40000028": "arm",
    "80000016": "s390x",
    "c0000015": "ppc64le",
}
"""ELF machine as the kernel prints it → its name."""

_X86_64 = (
    "read:0 write:1 open:2 close:3 stat:4 fstat:5 lstat:6 mmap:9 mprotect:10 brk:12 ioctl:16 writev:20 access:21 dup:32 dup2:33 "
    "sendfile:40 socket:41 connect:42 accept:43 sendto:44 recvfrom:45 sendmsg:46 recvmsg:47 shutdown:48 bind:49 listen:50 "
    "getsockname:51 clone:56 fork:57 vfork:58 execve:59 exit:60 kill:62 truncate:76 ftruncate:77 rename:82 mkdir:83 rmdir:84 "
    "creat:85 link:86 unlink:87 symlink:88 readlink:89 chmod:90 fchmod:91 chown:92 fchown:93 lchown:94 ptrace:101 setuid:105 "
    "setgid:106 setsid:112 setreuid:113 setregid:114 setgroups:116 setresuid:117 setresgid:119 setfsuid:122 setfsgid:123 "
    "utime:132 mknod:133 personality:135 statfs:137 fstatfs:138 sched_setparam:142 sched_setscheduler:144 vhangup:153 "
    "pivot_root:155 prctl:157 adjtimex:159 setrlimit:160 chroot:161 settimeofday:164 mount:165 umount2:166 swapon:167 "
    "swapoff:168 reboot:169 sethostname:170 setdomainname:171 init_module:175 delete_module:176 quotactl:179 setxattr:188 "
    "lsetxattr:189 fsetxattr:190 getxattr:191 lgetxattr:192 fgetxattr:193 removexattr:197 lremovexattr:198 fremovexattr:199 "
    "tkill:200 clock_settime:227 exit_group:231 tgkill:234 utimes:235 kexec_load:246 add_key:248 request_key:249 keyctl:250 "
    "openat:257 mkdirat:258 mknodat:259 fchownat:260 futimesat:261 newfstatat:262 unlinkat:263 renameat:264 linkat:265 "
    "symlinkat:266 readlinkat:267 fchmodat:268 faccessat:269 unshare:272 utimensat:280 timerfd_create:283 fallocate:285 "
    "accept4:288 dup3:292 perf_event_open:298 recvmmsg:299 prlimit64:302 name_to_handle_at:303 open_by_handle_at:304 "
    "clock_adjtime:305 sendmmsg:307 setns:308 process_vm_readv:310 process_vm_writev:311 finit_module:313 sched_setattr:314 "
    "renameat2:316 memfd_create:319 kexec_file_load:320 bpf:321 execveat:322 userfaultfd:323 copy_file_range:326 statx:332"
)
_AARCH64 = (
    "setxattr:5 lsetxattr:6 fsetxattr:7 getxattr:8 lgetxattr:9 fgetxattr:10 removexattr:14 lremovexattr:15 fremovexattr:16 "
    "dup:23 dup3:24 ioctl:29 mknodat:33 mkdirat:34 unlinkat:35 symlinkat:36 linkat:37 renameat:38 umount2:39 mount:40 "
    "pivot_root:41 statfs:43 fstatfs:44 truncate:45 ftruncate:46 fallocate:47 faccessat:48 chroot:51 fchmod:52 fchmodat:53 "
    "fchownat:54 fchown:55 openat:56 close:57 vhangup:58 quotactl:60 read:63 write:64 writev:66 sendfile:71 readlinkat:78 "
    "newfstatat:79 fstat:80 timerfd_create:85 utimensat:88 personality:92 exit:93 exit_group:94 unshare:97 kexec_load:104 "
    "init_module:105 delete_module:106 clock_settime:112 ptrace:117 sched_setparam:118 sched_setscheduler:119 kill:129 tkill:130 "
    "tgkill:131 reboot:142 setregid:143 setgid:144 setreuid:145 setuid:146 setresuid:147 setresgid:149 setfsuid:151 setfsgid:152 "
    "setsid:157 setgroups:159 sethostname:161 setdomainname:162 setrlimit:164 prctl:167 settimeofday:170 adjtimex:171 socket:198 "
    "bind:200 listen:201 accept:202 connect:203 getsockname:204 sendto:206 recvfrom:207 shutdown:210 sendmsg:211 recvmsg:212 "
    "brk:214 add_key:217 request_key:218 keyctl:219 clone:220 execve:221 mmap:222 swapon:224 swapoff:225 mprotect:226 "
    "perf_event_open:241 accept4:242 recvmmsg:243 prlimit64:261 name_to_handle_at:264 open_by_handle_at:265 clock_adjtime:266 "
    "setns:268 sendmmsg:269 process_vm_readv:270 process_vm_writev:271 finit_module:273 sched_setattr:274 renameat2:276 "
    "memfd_create:279 bpf:280 execveat:281 userfaultfd:282 copy_file_range:285 statx:291 kexec_file_load:294"
)
_BOTH = (
    "pidfd_send_signal:424 io_uring_setup:425 io_uring_enter:426 open_tree:428 move_mount:429 clone3:435 openat2:437 "
    "faccessat2:439 mount_setattr:442 fchmodat2:452"
)
AUDIT_SYSCALLS: dict[str, dict[str, str]] = {
    "x86_64": _numbered(f"{_X86_64} {_BOTH}"),
    "aarch64": _numbered(f"{_AARCH64} {_BOTH}"),
}
"""Architecture → number of a system call → its name, for those that say something to a SOC."""
