//! How much memory the child takes, and may take.

use std::fs;

/// A tenth of the memory stays for the rest of the machine.
const SHARE: (u64, u64) = (9, 10);

/// What the engine may take if nothing else was said: nine tenths of what the machine, or this control group, has. `None` where
/// that is not known.
#[must_use]
pub fn default_max_memory() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| total(&text));
    let group =
        fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    let least = [machine, group].into_iter().flatten().min()?;
    Some(least / SHARE.1 * SHARE.0)
}

/// `MemTotal`, in bytes.
fn total(meminfo: &str) -> Option<u64> {
    kibibytes(meminfo, "MemTotal:")
}

/// The memory that a process has in use, in bytes; `None` if it is gone or nothing says so.
pub(super) fn of_process(pid: u32) -> Option<u64> {
    kibibytes(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?, "VmRSS:")
}

fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_counts_in_kibibytes() {
        assert_eq!(total("MemTotal:       16384 kB\nMemFree: 1 kB\n"), Some(16 << 20));
        assert_eq!(total("MemFree: 1 kB\n"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_takes_memory() {
        assert!(of_process(std::process::id()).unwrap() > 100_000);
        assert!(default_max_memory().unwrap() > of_process(std::process::id()).unwrap());
    }
}
