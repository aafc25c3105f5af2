//! What the child may do: read and write its data, and nothing else of the machine.

use std::{fmt, path::Path};

use serde::{Deserialize, Serialize};

/// What confines the engine's process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Sandbox {
    /// Landlock: no files but the data path's, and those that any program needs to run.
    pub files: bool,
    /// seccomp: no network, no other programs, no look into other processes.
    pub calls: bool,
}

impl Sandbox {
    /// Whether both hold.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self.files && self.calls
    }
}

impl fmt::Display for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.files, self.calls) {
            (true, true) => "Landlock and seccomp",
            (true, false) => "Landlock, without seccomp",
            (false, true) => "seccomp, without Landlock",
            (false, false) => "none",
        })
    }
}

/// What the engine and the loader read besides the data. Files of `/proc` one by one: other processes are none of its business.
#[cfg(target_os = "linux")]
const READABLE: [&str; 23] = [
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/share/zoneinfo",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/timezone",
    "/dev/random",
    "/dev/urandom",
    "/dev/zero",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/diskstats",
    "/proc/filesystems",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/uptime",
    "/proc/sys",
    "/sys/devices/system",
    "/sys/fs/cgroup",
    "/sys/kernel/mm",
];

/// Confines this thread and all that it starts, for good. To be called before there is another thread.
///
/// What the kernel cannot do is left out: the result says so.
#[cfg(target_os = "linux")]
pub(super) fn confine(data: &Path, library: &Path) -> Result<Sandbox, String> {
    Ok(Sandbox { files: files(data, library)?, calls: calls()? })
}

#[cfg(not(target_os = "linux"))]
pub(super) fn confine(_: &Path, _: &Path) -> Result<Sandbox, String> {
    Ok(Sandbox::default())
}

#[cfg(target_os = "linux")]
fn files(data: &Path, library: &Path) -> Result<bool, String> {
    use landlock::{
        ABI, Access as _, AccessFs, AccessNet, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _,
        RulesetStatus, Scope, path_beneath_rules,
    };
    // What an older kernel does not know of these it leaves out.
    let abi = ABI::V6;
    let restrict = || {
        Ruleset::default()
            .handle_access(AccessFs::from_all(abi))?
            .handle_access(AccessNet::from_all(abi))?
            .scope(Scope::from_all(abi))?
            .create()?
            .add_rules(path_beneath_rules(READABLE, AccessFs::from_read(abi)))?
            .add_rules(path_beneath_rules([library], AccessFs::from_read(abi)))?
            .add_rules(path_beneath_rules(["/dev/null"], AccessFs::from_file(abi)))?
            .add_rules(path_beneath_rules([data], AccessFs::from_all(abi) & !AccessFs::Execute))?
            .restrict_self()
    };
    let status: Result<_, landlock::RulesetError> = restrict();
    let status = status.map_err(|error| format!("Landlock: {error}"))?;
    // Even the first version has all that protects files.
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}

#[cfg(target_os = "linux")]
fn calls() -> Result<bool, String> {
    use std::collections::BTreeMap;

    use seccompiler::{BpfProgram, Error, SeccompAction, SeccompFilter, TargetArch, apply_filter};

    // `io_uring` would do what is forbidden here on its own.
    let forbidden = [
        libc::SYS_socket,
        libc::SYS_connect,
        libc::SYS_bind,
        libc::SYS_listen,
        libc::SYS_execve,
        libc::SYS_execveat,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_pidfd_open,
        libc::SYS_pidfd_getfd,
        libc::SYS_pidfd_send_signal,
        libc::SYS_io_uring_setup,
        libc::SYS_io_uring_enter,
        libc::SYS_io_uring_register,
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_userfaultfd,
        libc::SYS_keyctl,
        libc::SYS_add_key,
        libc::SYS_request_key,
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_pivot_root,
        libc::SYS_chroot,
        libc::SYS_setns,
        libc::SYS_unshare,
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_kexec_load,
        libc::SYS_open_by_handle_at,
        libc::SYS_name_to_handle_at,
        libc::SYS_acct,
        libc::SYS_swapon,
        libc::SYS_swapoff,
        libc::SYS_reboot,
    ];
    // The numbers of the x32 interface of the same processor are those with this bit.
    const X32: i64 = 0x4000_0000;
    let numbers = forbidden.into_iter().flat_map(|number| [number, number | X32]);
    let rules: BTreeMap<_, _> = numbers.map(|number| (number, Vec::new())).collect();
    let wrong = |error: &dyn std::fmt::Display| format!("seccomp: {error}");
    let target = TargetArch::try_from(std::env::consts::ARCH).map_err(|error| wrong(&error))?;
    let refuse = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let filter =
        SeccompFilter::new(rules, SeccompAction::Allow, refuse, target).map_err(|error| wrong(&error))?;
    let program = BpfProgram::try_from(filter).map_err(|error| wrong(&error))?;
    match apply_filter(&program) {
        Ok(()) => Ok(true),
        // A kernel without it.
        Err(Error::Prctl(_) | Error::Seccomp(_)) => Ok(false),
        Err(error) => Err(wrong(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sandbox_says_what_it_is_made_of() {
        assert_eq!(Sandbox { files: true, calls: true }.to_string(), "Landlock and seccomp");
        assert_eq!(Sandbox::default().to_string(), "none");
        assert!(!Sandbox { files: true, calls: false }.is_whole());
    }
}
